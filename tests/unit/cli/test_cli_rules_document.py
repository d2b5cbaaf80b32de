"""`masa rules document`: papers are written once, and a stale one is named with its first line that differs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from streams.cli import rules_document
from streams.cli.rules import app

AREA = Path(__file__).parents[3] / "deploy" / "areas" / "eastmarch"


_written = cache(rules_document._written)


@pytest.fixture(autouse=True)
def _written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The papers are made once for all tests; making them is what takes long."""
    monkeypatch.setattr(rules_document, "_written", _written)


def run(out: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["document", str(AREA), "--out", str(out), *more])


def test_papers_are_written_where_asked_and_then_up_to_date(tmp_path: Path) -> None:
    """A second run finds nothing to write, and --check agrees."""
    first, second, checked = run(tmp_path), run(tmp_path), run(tmp_path, "--check")
    assert [result.exit_code for result in (first, second, checked)] == [0, 0, 0]
    assert first.stdout.count(": written\n") == len(list(tmp_path.iterdir())) == 8
    assert second.stdout.count(": up to date\n") == checked.stdout.count(": up to date\n") == 8


def test_a_stale_or_missing_paper_is_named_and_left_alone(tmp_path: Path) -> None:
    """Exit status 1, the file and its first line that differs; nothing is written."""
    run(tmp_path)
    notice = tmp_path / "privacy-notice.md"
    lines = notice.read_text().splitlines(keepends=True)
    notice.write_text("".join([*lines[:4], "- We share everything.\n", *lines[5:]]))
    (tmp_path / "dpia-extract.html").unlink()
    result = run(tmp_path, "--check")
    assert result.exit_code == 1
    assert f"{notice}:5: differs\n" in result.stdout
    assert f"{tmp_path / 'dpia-extract.html'}: missing\n" in result.stdout
    assert "- We share everything." in notice.read_text()


def test_states_are_told_as_json(tmp_path: Path) -> None:
    """One object a file, for scripts."""
    run(tmp_path)
    (tmp_path / "privacy-notice.html").write_text("old")
    result = run(tmp_path, "--check", "--json")
    rows = {Path(row["file"]).name: row for row in map(json.loads, result.stdout.splitlines())}
    assert (rows["privacy-notice.html"]["state"], rows["privacy-notice.html"]["line"]) == ("differs", 1)
    assert rows["privacy-notice.md"]["state"] == "same"
