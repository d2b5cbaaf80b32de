"""Writing, reading and comparing releases of the contract."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import SchemaError
from schemas.registry import EventType, EventTypes, load_event_types
from schemas.release import (
    Release,
    compare,
    contract_problems,
    current_release,
    main,
    read_release,
    released_versions,
    write_release,
)
from schemas.wire import wire

ENCOMPASS = "police.domestic-abuse-incident"


def with_field(name: str, *, nullable: bool, version: int) -> EventTypes:
    """The packaged event types with one field more in one type."""
    schema = copy.deepcopy(load_event_types()[ENCOMPASS].schema)
    added = {"name": name, "doc": "More.", "confluent:tags": ["CIRCUMSTANCE"]}
    added |= {"type": ["null", "int"], "default": None} if nullable else {"type": "int"}
    schema["fields"].insert(1, added)
    schema["schemaVersion"] = version
    return EventTypes(_changed(each, schema, version) for each in load_event_types().values())


def _changed(each: EventType, schema: dict[str, object], version: int) -> EventType:
    if each.name != ENCOMPASS:
        return each
    return replace(each, schema=schema, wire=wire(schema), version=version)


def test_a_release_is_read_back_as_written(tmp_path: Path) -> None:
    """One self-contained file an event type, and the records'."""
    current = current_release("1.0.0")
    folder = write_release(current, tmp_path)
    assert read_release("1.0.0", tmp_path) == current
    assert not compare(current, read_release("1.0.0", tmp_path))
    assert len(list(folder.glob("*.avsc"))) == len(current.events) + len(current.records)


def test_versions_are_ordered_by_number(tmp_path: Path) -> None:
    """1.10.0 comes after 1.9.0."""
    for version in ("1.10.0", "1.9.0", "1.9.1"):
        write_release(current_release(version), tmp_path)
    assert released_versions(tmp_path) == ("1.9.0", "1.9.1", "1.10.0")


def test_there_may_be_no_release_yet(tmp_path: Path) -> None:
    """An empty or missing folder has no versions."""
    assert released_versions(tmp_path / "none") == ()
    with pytest.raises(SchemaError, match=r"no release `1\.0\.0`"):
        read_release("1.0.0", tmp_path)


def test_a_release_is_never_overwritten(tmp_path: Path) -> None:
    """Its events are in topics and archives."""
    write_release(current_release("1.0.0"), tmp_path)
    with pytest.raises(SchemaError, match="never changed"):
        write_release(current_release("1.0.0"), tmp_path)


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "01.0.0", "../1.0.0", ""])
def test_version_numbers_are_three_numbers(version: str, tmp_path: Path) -> None:
    """Anything else is refused before a folder is made."""
    with pytest.raises(SchemaError, match="three numbers"):
        write_release(Release(version, {}, {}), tmp_path)


def test_an_incompatible_release_is_refused(tmp_path: Path) -> None:
    """A field without default cannot be read from old events: FULL_TRANSITIVE."""
    write_release(current_release("1.0.0"), tmp_path)
    broken = with_field("more", nullable=False, version=2)
    with pytest.raises(SchemaError, match=r"cannot read release 1\.0\.0: `more` has no default"):
        write_release(current_release("2.0.0", broken), tmp_path)
    assert released_versions(tmp_path) == ("1.0.0",)


def test_a_compatible_change_needs_a_higher_schema_version(tmp_path: Path) -> None:
    """The build stays red until `schemaVersion` is raised."""
    write_release(current_release("1.0.0"), tmp_path)
    same = contract_problems(with_field("more", nullable=True, version=1), tmp_path)
    assert same == [f"`{ENCOMPASS}` differs from release 1.0.0: raise its `schemaVersion` above 1"]
    raised = with_field("more", nullable=True, version=2)
    assert contract_problems(raised, tmp_path) == []
    assert compare(current_release("1.1.0", raised), read_release("1.0.0", tmp_path)).changed == (ENCOMPASS,)


def test_a_type_that_goes_or_comes_is_seen(tmp_path: Path) -> None:
    """Gone is a break; added is not."""
    write_release(current_release("1.0.0"), tmp_path)
    fewer = EventTypes(each for each in load_event_types().values() if each.name != ENCOMPASS)
    assert contract_problems(fewer, tmp_path) == [f"`{ENCOMPASS}` was released in 1.0.0 and is gone"]
    assert compare(current_release("x", fewer), read_release("1.0.0", tmp_path)).removed == (ENCOMPASS,)
    assert compare(read_release("1.0.0", tmp_path), current_release("x", fewer)).added == (ENCOMPASS,)


def test_a_broken_build_rule_is_a_contract_problem(tmp_path: Path) -> None:
    """A field without class turns the check red, with the type's name in front."""
    schema = copy.deepcopy(load_event_types()[ENCOMPASS].schema)
    del schema["fields"][-1]["confluent:tags"]
    types = EventTypes(_changed(each, schema, 1) for each in load_event_types().values())
    assert any(
        each.startswith(f"`{ENCOMPASS}`: `note` has no field class") for each in contract_problems(types, tmp_path)
    )


def test_a_tampered_release_is_noticed(tmp_path: Path) -> None:
    """A release file whose bytes would be read differently than the index says is refused; a missing one too."""
    folder = write_release(current_release("1.0.0"), tmp_path)
    file = folder / f"{ENCOMPASS}.avsc"
    schema = json.loads(file.read_text())
    schema["fields"].pop()
    file.write_text(json.dumps(schema))
    with pytest.raises(SchemaError, match="was changed"):
        read_release("1.0.0", tmp_path)
    file.unlink()
    with pytest.raises(SchemaError, match="is missing"):
        read_release("1.0.0", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "status", "said"), [([], 2, "usage"), ([released_versions()[-1]], 1, "never changed")]
)
def test_the_release_command_refuses_to_guess(
    arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a version it tells its usage; a version that exists is not written again."""
    assert main(arguments) == status
    assert said in capsys.readouterr().err
