"""Source files, catalogue and released versions put together."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import parse_catalogue
from schemas.codec import decode_event
from schemas.errors import SchemaError
from schemas.framing import frame
from schemas.registry import (
    RECORD_NAMES,
    ROUTING_PREFIX_LAST,
    EventTypes,
    build_event_types,
    load_event_types,
    load_record_schema,
    released_fingerprints,
)
from schemas.release import current_release, write_release
from schemas.resolve import definitions, resolve
from schemas.wire import wire
from tests.events import an_event, event_type

ENCOMPASS = "police.domestic-abuse-incident"
ENTRY = """
types:
  demo.thing-happened:
    title: Something happened
    publishers: [POLICE]
    gateways: [S16LA]
    clock: 1WD
    urgency: ROUTINE
    maturity: alpha
    purposes: [SAFEGUARDING]
    regimes: [UKGDPR]
    basis: none
"""


def nullable(name: str, node: Any, *tags: str) -> dict[str, Any]:
    return {"name": name, "doc": "x", "confluent:tags": list(tags), "type": ["null", node], "default": None}


def source(*payload: dict[str, Any], version: int = 1) -> dict[str, Any]:
    return {
        "type": "record", "name": "DemoThingHappened", "namespace": "uk.masa.event", "doc": "x",
        "eventType": "demo.thing-happened", "schemaVersion": version,
        "fields": [{"name": "envelope", "doc": "x", "type": "uk.masa.Small"}, *payload],
    }  # fmt: skip


SMALL = {
    "type": "record", "name": "Small", "namespace": "uk.masa", "doc": "x",
    "fields": [nullable("colour", "uk.masa.Colour", "CIRCUMSTANCE")],
}  # fmt: skip
COLOUR = {
    "type": "enum", "name": "Colour", "namespace": "uk.masa", "doc": "x",
    "symbols": ["UNKNOWN", "RED"], "default": "UNKNOWN",
}  # fmt: skip
SHARED = {"Small.avsc": SMALL, "Colour.avsc": COLOUR}


def demo(event: dict[str, Any], shared: dict[str, Any] = SHARED, older: Any = None) -> EventTypes:
    catalogue = parse_catalogue(ENTRY)
    return build_event_types(catalogue, {"demo.thing-happened.avsc": event}, definitions(shared), older)


def test_types_are_inlined_where_first_used() -> None:
    """The first use defines, later uses refer by full name, every definition states its namespace."""
    again = nullable("again", "uk.masa.Colour", "CIRCUMSTANCE")
    schema = demo(source(again))["demo.thing-happened"].schema
    envelope = schema["fields"][0]["type"]
    assert (envelope["name"], envelope["namespace"]) == ("Small", "uk.masa")
    assert envelope["fields"][0]["type"][1]["symbols"] == ["UNKNOWN", "RED"]
    assert schema["fields"][1]["type"] == ["null", "uk.masa.Colour"]


def test_resolving_does_not_touch_the_sources() -> None:
    """Shared types are used by many events; each gets its own copy."""
    before = copy.deepcopy(SHARED)
    demo(source())
    assert before == SHARED


def test_a_type_inside_another_file_can_be_referred_to() -> None:
    """A definition nested in a shared record is found by its full name, wherever it is used first."""
    nested = {**SMALL, "fields": [{**SMALL["fields"][0], "type": ["null", COLOUR]}]}  # type: ignore[dict-item,index]
    resolved = resolve(
        {"type": "record", "name": "R", "namespace": "uk.masa", "fields": [
            {"name": "first", "type": "uk.masa.Colour"}, {"name": "then", "type": "uk.masa.Small"}]},
        definitions({"Small.avsc": nested}),
    )  # fmt: skip
    assert resolved["fields"][0]["type"]["symbols"] == ["UNKNOWN", "RED"]
    assert resolved["fields"][1]["type"]["fields"][0]["type"] == ["null", "uk.masa.Colour"]
    wire(resolved)


def test_a_reference_to_nothing_names_the_field() -> None:
    """A misspelt type is a build fault that says where."""
    with pytest.raises(SchemaError, match=r"`uk\.masa\.event\.DemoThingHappened\.x` refers to `uk\.masa\.Color`"):
        demo(source(nullable("x", "uk.masa.Color", "CIRCUMSTANCE")))


def test_a_name_is_defined_once() -> None:
    """Two files that define the same type are a build fault."""
    with pytest.raises(SchemaError, match=r"`b\.avsc` defines `uk\.masa\.Colour`"):
        definitions({"a.avsc": COLOUR, "b.avsc": COLOUR})


def test_catalogue_and_schemas_name_the_same_types() -> None:
    """An entry without a schema, a schema without an entry, and a schema of another type are build faults."""
    catalogue = parse_catalogue(ENTRY)
    shared = definitions(SHARED)
    with pytest.raises(SchemaError, match="there is no schemas/events"):
        build_event_types(catalogue, {}, shared)
    files = {"demo.thing-happened.avsc": source(), "demo.other.avsc": source()}
    with pytest.raises(SchemaError, match="has no entry"):
        build_event_types(catalogue, files, shared)
    with pytest.raises(SchemaError, match="`eventType` must be"):
        demo({**source(), "eventType": "demo.other"})


@pytest.mark.parametrize(
    ("line", "instead", "complaint"),
    [
        ("clock: 1WD", "clock: 3WD", "`clock` has `3WD`"),
        ("urgency: ROUTINE", "urgency: ROUTIN", "did you mean `ROUTINE`"),
        ("publishers: [POLICE]", "publishers: [POLISE]", "did you mean `POLICE`"),
        ("publishers: [POLICE]", "publishers: []", "at least one entry"),
        ("publishers: [POLICE]", "publishers: [UNKNOWN]", "has `UNKNOWN`"),
        ("gateways: [S16LA]", "gateways: S16LA", "must be a list"),
        ("maturity: alpha", "maturity: draft", "use one of `alpha`, `beta`, `release`"),
        ("basis: none", "bases: none", "unknown key `bases`; did you mean `basis`"),
        ("basis: none", "", "missing key `basis`"),
        ("basis: none", "basis: none\n    requires: [envelope.color]", "there is no field `envelope.color`"),
        ("basis: none", "basis: none\n    example: {colour: RED}", "there is no field `colour`"),
        ("basis: none", "basis: none\n    sensitive: [HEALTH]", "must map a field class"),
        ("basis: none", "basis: none\n    sensitive: {SECRET: x}", "`sensitive` has `SECRET`"),
        ("types:", "event-types:", "one key `types`"),
    ],
)
def test_mistakes_in_the_catalogue_are_named(line: str, instead: str, complaint: str) -> None:
    """Entry, key, and the nearest right word."""
    with pytest.raises(SchemaError) as caught:
        build_event_types(
            parse_catalogue(ENTRY.replace(line, instead)), {"demo.thing-happened.avsc": source()}, definitions(SHARED)
        )
    assert complaint in str(caught.value)


def test_a_schema_that_avro_refuses_is_named() -> None:
    """A symbol twice in one list is a build fault of that file."""
    twice = {**COLOUR, "name": "Hue", "symbols": ["UNKNOWN", "RED", "RED"]}
    with pytest.raises(SchemaError, match=r"demo\.thing-happened\.avsc is not valid Avro"):
        demo(source(nullable("hue", twice, "CIRCUMSTANCE")))


def test_event_types_are_found_by_name_and_by_fingerprint() -> None:
    """A mapping from names; fingerprints of nobody give None."""
    types = load_event_types()
    assert list(types) == [each.name for each in types.values()]
    assert types.by_fingerprint(types[ENCOMPASS].fingerprint) is types[ENCOMPASS]
    assert types.get("police.nothing") is None
    assert types.by_fingerprint(bytes(8)) is None


def test_fingerprints_tell_all_types_apart() -> None:
    """Eight bytes name exactly one event type."""
    types = load_event_types()
    assert len({each.fingerprint for each in types.values()}) == len(types)


def test_the_routing_prefix_ends_before_identity_and_text() -> None:
    """After `settings` come the source's references, texts and the child."""
    fields = [each["name"] for each in event_type(ENCOMPASS).schema["fields"][0]["type"]["fields"]]
    behind = fields[fields.index(ROUTING_PREFIX_LAST) + 1 :]
    assert {"child", "relevanceReason", "contact"} <= set(behind)


@pytest.mark.parametrize("name", RECORD_NAMES)
def test_record_schemas_are_self_contained(name: Any) -> None:
    """They can be published and parsed alone."""
    assert wire(load_record_schema(name)).canonical.startswith('{"name":"uk.masa.record.')


def test_an_older_released_version_is_read_into_the_current_one(tmp_path: Path) -> None:
    """A value written with version 1 is found by its fingerprint; new fields are null, new symbols no obstacle."""
    first = demo(source(nullable("gone", "string", "IDENTITY")))
    write_release(current_release("1.0.0", first), tmp_path)
    wider = {**SHARED, "Colour.avsc": {**COLOUR, "symbols": ["UNKNOWN", "RED", "BLUE"]}}
    current = demo(source(nullable("fresh", "string", "IDENTITY"), version=2), wider, released_fingerprints(tmp_path))
    old = first["demo.thing-happened"].wire
    payload = old.write({"envelope": {"colour": "RED"}, "gone": "x"})
    decoded = decode_event(frame(old.fingerprint, payload), event_types=current)
    assert decoded.event_type is current["demo.thing-happened"]
    assert decoded.datum == {"envelope": {"colour": "RED"}, "fresh": None}
    writer = current.writer(old.fingerprint)
    assert writer is not None
    assert not writer.current


def test_the_published_schema_is_what_we_encode_with() -> None:
    """The schema as JSON text, parsed anew, has the same fingerprint and reads our bytes."""
    kind = event_type(ENCOMPASS)
    again = wire(json.loads(json.dumps(kind.schema)))
    datum = an_event(kind)
    assert again.fingerprint == kind.fingerprint
    assert again.read(kind.wire.write(datum), 0)[0] == datum
