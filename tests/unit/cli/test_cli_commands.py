"""The command itself: help that teaches, exit statuses, what goes to which stream."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer

from streams.cli.main import app

ROOT = typer.main.get_command(app)
# Commands whose bare form is the whole lesson.
NEED_NO_EXAMPLE = {"schemas check", "topics apply", "ledger run"}


def commands(group: click.Command, path: str = "") -> list[tuple[str, click.Command]]:
    found = []
    for name, command in getattr(group, "commands", {}).items():
        full = f"{path} {name}".strip()
        found += commands(command, full) if hasattr(command, "commands") else [(full, command)]
    return found


ALL = commands(ROOT)


def masa(*arguments: str, cwd: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, as a person runs it."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "streams.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        input=stdin,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_help_says_what_a_command_does_and_shows_it(name: str, command: click.Command) -> None:
    """A sentence, every parameter explained, and an example that names this very command."""
    text = command.help or ""
    assert text.split("\n")[0].rstrip().endswith((".", ":"))
    if name not in NEED_NO_EXAMPLE:
        assert f"masa {name}" in text
    unexplained = [p.name for p in command.params if not getattr(p, "help", None)]
    assert unexplained == []


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_example_in_help_exists(name: str, command: click.Command) -> None:
    """A command shown in an example is one of ours, with options that it has."""
    known = dict(ALL)
    for line in (command.help or "").splitlines():
        for part in line.split("|"):
            words = part.split()
            if "masa" not in words:
                continue
            words = words[words.index("masa") + 1 :]
            found = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
            assert found in known, line
            options = {option for p in known[found].params for option in (*p.opts, *p.secondary_opts)}
            used = [word.split("=")[0] for word in words if word.startswith("--")]
            assert [option for option in used if option not in options] == [], line


def test_a_wrong_option_is_wrong_usage(tmp_path: Path) -> None:
    """Exit status 2, and nothing on standard output."""
    done = masa("ledger", "show", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


def test_an_absent_exchange_is_the_environments_fault(tmp_path: Path) -> None:
    """Exit status 3, and the message says how to start one."""
    done = masa("inbox", "oakfield-primary", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "masa up" in done.stderr


def test_an_unreachable_broker_is_the_environments_fault(tmp_path: Path) -> None:
    """Exit status 3 without a traceback."""
    (tmp_path / ".masa").mkdir()
    (tmp_path / ".masa" / "connection.json").write_text(
        json.dumps({"kafka": "127.0.0.1:1", "database": "postgresql://masa@127.0.0.1:1/masa"})
    )
    for arguments in (("ledger", "show", "some-id"), ("doctor", "--json")):
        done = masa(*arguments, cwd=tmp_path)
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr


def test_a_mistyped_event_type_gets_the_nearest_one() -> None:
    """Exit status 2, and the right name."""
    done = masa("schemas", "show", "early-help.episodes")
    assert done.returncode == 2
    assert "did you mean `early-help.episode`" in done.stderr


def test_the_catalogue_as_json_has_the_promised_keys() -> None:
    """One object a line with type, publishers, gateways, clock and maturity."""
    done = masa("schemas", "list", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) >= 28
    assert all({"type", "publishers", "gateways", "clock", "maturity"} <= set(row) for row in rows)


def test_an_example_takes_other_values() -> None:
    """--set changes a field; a field that does not exist is refused with the nearest right one."""
    done = masa("schemas", "example", "early-help.episode", "--line", "--set", "envelope.addressProtection=PROTECTED")
    assert json.loads(done.stdout)["envelope"]["addressProtection"] == "PROTECTED"
    wrong = masa("schemas", "example", "early-help.episode", "--set", "envelope.addressProtecton=PROTECTED")
    assert wrong.returncode == 1
    assert "envelope.addressProtection" in wrong.stderr


def test_two_examples_are_two_events() -> None:
    """Each has an id of its own, so that both can be published."""
    first, second = (json.loads(masa("schemas", "example", "early-help.episode").stdout) for _ in range(2))
    assert first["envelope"]["eventId"] != second["envelope"]["eventId"]


def test_doctor_says_what_to_do(tmp_path: Path) -> None:
    """Each line that is not ok has advice."""
    rows = [json.loads(line) for line in masa("doctor", "--json", cwd=tmp_path).stdout.splitlines()]
    assert {row["state"] for row in rows} <= {"ok", "warn", "fail"}
    assert [row["check"] for row in rows if row["state"] != "ok" and not row["advice"]] == []


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    """`masa schemas list --json | head -1` ends quietly."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -P -m streams.cli schemas list --json | head -n 1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_loads_no_client_library() -> None:
    """`masa --help` answers at once because nothing heavy is imported for it."""
    code = "import sys, streams.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"confluent_kafka", "fastavro", "psycopg", "pydantic", "prometheus_client", "alembic", "sqlalchemy"}
    assert heavy & set(done.stdout.split()) == set()
