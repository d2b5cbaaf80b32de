"""`masa rules check`: lines that editors can follow, JSON, and a status for each answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.rules import app
from tests.unit.policy.area_folder import FILES as TALKATIVE
from tests.unit.policy.area_folder import write_areas

NORTHSHIRE = Path(__file__).parents[3] / "deploy" / "areas" / "northshire"
AT = ("--at", "2026-10-01")
BROKEN = {
    **TALKATIVE,
    "north/rules/all.yaml": TALKATIVE["north/rules/all.yaml"].replace("share: school", "shre: school"),
}


def test_an_error_is_a_line_that_editors_follow(tmp_path: Path) -> None:
    """`path:line:column: error: key: what; what would be right`, the count, and status 1."""
    folder = write_areas(tmp_path, BROKEN)
    done = CliRunner().invoke(app, ["check", str(folder), *AT])
    line = f"{tmp_path}/north/rules/all.yaml:15:5: error: rules[0].shre: unknown key `shre`; did you mean `share`"
    assert line in done.stdout.splitlines()
    assert "north: 1 error, nothing was compiled" in done.stdout.splitlines()
    assert done.exit_code == 1


@pytest.mark.parametrize(("strict", "status"), [((), 0), (("--strict",), 1)])
def test_warnings_are_an_answer_only_when_strict(tmp_path: Path, strict: tuple[str, ...], status: int) -> None:
    """An area that compiles with warnings passes, unless it is asked for more."""
    folder = write_areas(tmp_path, TALKATIVE)
    done = CliRunner().invoke(app, ["check", str(folder), *AT, *strict])
    assert ": warning: " in done.stdout
    assert "rule set " in done.stdout
    assert done.exit_code == status


def test_json_holds_each_problem_and_a_summary(tmp_path: Path) -> None:
    """One object a problem, then one with the counts; the rule set's hash is null when nothing was compiled."""
    done = CliRunner().invoke(app, ["check", str(write_areas(tmp_path, BROKEN)), *AT, "--json"])
    *problems, summary = map(json.loads, done.stdout.splitlines())
    assert [(p["file"], p["line"], p["column"], p["severity"]) for p in problems] == [
        ("north/rules/all.yaml", 15, 5, "error")
    ]
    assert summary == {"area": "north", "ruleSet": None, "errors": 1, "warnings": 0}


def test_the_main_area_has_nothing_to_look_at() -> None:
    """What ships is clean under --strict, the neighbour it is compiled with included."""
    done = CliRunner().invoke(app, ["check", str(NORTHSHIRE), "--strict", *AT])
    assert done.exit_code == 0, done.stdout
    assert "nothing wrong" in done.stdout


def test_later_days_show_what_will_be_due() -> None:
    """`--at` asks as of a day to come: agreements that will be due for review are named."""
    done = CliRunner().invoke(app, ["check", str(NORTHSHIRE), "--at", "2028-08-01"])
    assert "is due for review in 30 days" in done.stdout
    assert done.exit_code == 0
