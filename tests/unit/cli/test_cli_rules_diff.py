"""`masa rules diff`: its exit status and what it prints, on small compiled rule sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from streams.cli.main import app
from tests.unit.policy.builders import allow, area, artefact

RULE = allow("tell-front-door", "front-door", "child.homeAuthority", when={"grade": ["HIGH", "MEDIUM"]})


def compiled(folder: Path, name: str, *rules: dict[str, Any]) -> str:
    file = folder / f"{name}.json"
    file.write_bytes(artefact(area(list(rules))).content)
    return str(file)


def diff(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["rules", "diff", *arguments, "--at", "2026-10-01"])
    return result.exit_code, result.output


def test_rules_written_otherwise_exit_0(tmp_path: Path) -> None:
    """One rule split in two and renamed shares the same."""
    parts = [RULE | {"id": f"tell-{grade.lower()}", "when": {"grade": [grade]}} for grade in ("HIGH", "MEDIUM")]
    status, said = diff(compiled(tmp_path, "old", RULE), compiled(tmp_path, "new", *parts))
    assert status == 0
    assert "no difference" in said


def test_a_difference_exits_1_and_is_a_table(tmp_path: Path) -> None:
    """Like diff: 1 means that they differ."""
    narrower = RULE | {"when": {"grade": ["HIGH"]}}
    status, said = diff(compiled(tmp_path, "old", RULE), compiled(tmp_path, "new", narrower))
    assert status == 1
    assert "no longer told" in said
    assert "grade MEDIUM" in said
    assert "police.domestic-abuse-incident" in said


def test_json_is_one_object_a_line(tmp_path: Path) -> None:
    """Rows first, the summary last."""
    status, said = diff(compiled(tmp_path, "old", RULE), compiled(tmp_path, "new"), "--json")
    assert status == 1
    assert json.loads(said.splitlines()[-1])["differs"] is True


def test_what_is_no_rule_set_exits_2(tmp_path: Path) -> None:
    """A name that is no folder, file, hash or `active` is wrong usage."""
    result = CliRunner().invoke(app, ["rules", "diff", str(tmp_path / "nowhere"), compiled(tmp_path, "new", RULE)])
    assert result.exit_code != 0
    assert "is no rule set" in f"{result.output}{result.exception}"
