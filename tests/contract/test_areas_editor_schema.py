"""The JSON Schemas beside the areas: made from the models, complete, and true of every shipped file."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from schemas.registry import load_event_types
from streams.policy.editor_schema import editor_schemas
from streams.policy.guide import GUIDE
from tests.unit.policy.area_folder import FILES

AREAS = Path(__file__).parents[2] / "deploy" / "areas"
SHIPPED = sorted(path.relative_to(AREAS) for path in AREAS.glob("*/*.yaml")) + sorted(
    path.relative_to(AREAS) for path in AREAS.glob("*/*/*.yaml")
)
WITH_SCHEMA = [path for path in SHIPPED if path.name != "invariants.yaml"]  # proofs have a reader of their own


@cache
def schemas() -> dict[str, str]:
    return dict(editor_schemas(load_event_types()))


def schema_of(path: Path) -> str:
    return f"{path.stem if len(path.parts) == 2 else path.parts[1]}.schema.json"


def plain(value: Any) -> Any:
    """YAML's days as text, which is what an editor sees."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def problems(name: str, text: str) -> list[str]:
    validator = Draft202012Validator(json.loads(schemas()[name]))
    return [error.message for error in validator.iter_errors(plain(yaml.safe_load(text)))]


def test_the_files_beside_the_areas_are_what_the_models_say() -> None:
    """Whoever changes a model runs `masa rules schema`."""
    folder = AREAS / "schema"
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == schemas()


@pytest.mark.parametrize("name", sorted(editor_schemas(load_event_types())))
def test_each_is_a_schema(name: str) -> None:
    """Valid under the 2020-12 dialect that it names."""
    Draft202012Validator.check_schema(json.loads(schemas()[name]))


@pytest.mark.parametrize("path", WITH_SCHEMA, ids=str)
def test_each_shipped_file_names_its_schema_and_keeps_it(path: Path) -> None:
    """The first line points at the schema from where the file stands, and the schema accepts the file."""
    text = (AREAS / path).read_text(encoding="utf-8")
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    named = (AREAS / path.parent / first.partition("$schema=")[2]).resolve()
    assert named == (AREAS / "schema" / schema_of(path)).resolve()
    assert problems(schema_of(path), text) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("rules/all.yaml", "share: school", "shre: school", "'shre' was unexpected"),
        ("rules/all.yaml", "[police.domestic-abuse-incident]", "[police.domestic-abuse]", "is not one of"),
        ("rules/all.yaml", "of: child.school", "of: child.shool", "is not one of"),
        ("rules/all.yaml", "concerns: [DOMESTIC_ABUSE]", "concerns: [DOMESTIC]", "is not valid under any"),
        ("rules/all.yaml", "clock: NEXT_SCHOOL_DAY", "clock: TOMORROW", "is not valid under any"),
        ("agencies/all.yaml", "category: SCHOOL", "category: UNKNOWN", "is not one of"),
        ("area.yaml", "classes: [IDENTITY]}", "classes: [CONTROL]}", "is not one of"),
        ("area.yaml", "authorities: [E10000099]", "authorities: []", "should be non-empty"),
        ("projections.yaml", "[incidentDate]", "[sessionsMissed]", "is not valid under any"),
        ("agreements.yaml", "signedOn: 2026-09-01", "retention: none", "'signedOn' is a required property"),
        ("cases/all.yaml", "outcome: ABSENT", "outcome: GONE", "is not one of"),
    ],
)
def test_an_editor_sees_what_is_wrong(file: str, old: str, new: str, message: str) -> None:
    """Unknown keys, words, types, selectors and fields are refused; unbroken, the file is accepted."""
    text = FILES[f"north/{file}"]
    assert old in text
    name = schema_of(Path("north") / file)
    assert problems(name, text) == []
    assert any(message in each for each in problems(name, text.replace(old, new, 1)))


def test_every_key_is_explained() -> None:
    """Each key of each model has a sentence in the guide, and the guide explains nothing that is not there."""
    keys: dict[str, set[str]] = {}
    for text in schemas().values():
        for name, definition in json.loads(text)["$defs"].items():
            if "properties" in definition:
                keys[name] = set(definition["properties"])
                for key, described in definition["properties"].items():
                    assert described.get("description"), f"{name}.{key}: explain it in streams/policy/guide.py"
    assert {name: set(explained) for name, explained in GUIDE.items()} == keys
