"""Leaves, their classes, and the build rules of schemas."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from schemas.field_classes import check_classes, leaves
from schemas.vocabulary import FieldClass

Schema = dict[str, Any]

COLOUR: Schema = {
    "type": "enum", "name": "Colour", "namespace": "uk.masa", "doc": "A colour.",
    "symbols": ["UNKNOWN", "RED"], "default": "UNKNOWN",
}  # fmt: skip


def field(name: str, node: Any, *tags: str, **more: Any) -> Schema:
    return {"name": name, "doc": f"The {name}.", "confluent:tags": list(tags), "type": node, **more}


def nullable(name: str, node: Any, *tags: str, **more: Any) -> Schema:
    return field(name, ["null", node], *tags, default=None, **more)


def record(name: str, fields: list[Schema], space: str = "uk.masa") -> Schema:
    return {"type": "record", "name": name, "namespace": space, "doc": f"A {name}.", "fields": fields}


def an_event(*payload: Schema) -> Schema:
    child = record("Child", [nullable("name", "string", "IDENTITY")])
    envelope = record(
        "Envelope",
        [
            field("eventId", {"type": "string", "logicalType": "uuid"}, "ROUTING"),
            field("colour", copy.deepcopy(COLOUR), "ROUTING"),
            {"name": "child", "doc": "The child.", "type": child},
        ],
    )
    first = {"name": "envelope", "doc": "The envelope.", "type": envelope}
    return record("Thing", [first, *payload], "uk.masa.event")


def test_leaves_come_in_schema_order_with_dotted_paths() -> None:
    """Records are walked through; arrays are one leaf; references are looked up."""
    item = record("Item", [nullable("ref", "string", "THIRD_PARTY")])
    schema = an_event(
        nullable("others", {"type": "array", "items": item}, "THIRD_PARTY"),
        nullable("paint", "uk.masa.Colour", "CIRCUMSTANCE"),
        {"name": "voice", "doc": "Voice.", "default": None,
         "type": ["null", record("Voice", [nullable("words", {"type": "string", "maxLength": 9}, "NARRATIVE")])]},
    )  # fmt: skip
    found = leaves(schema)
    assert [leaf.path for leaf in found] == [
        "envelope.eventId", "envelope.colour", "envelope.child.name", "others", "paint", "voice.words",
    ]  # fmt: skip
    by_path = {leaf.path: leaf for leaf in found}
    assert by_path["others"].kind == "array"
    assert by_path["paint"].symbols == ("UNKNOWN", "RED")
    assert by_path["voice.words"].max_length == 9
    assert by_path["voice.words"].optional
    assert by_path["envelope.eventId"].format == "uuid"
    assert by_path["envelope.child.name"].classes == {FieldClass.IDENTITY}
    assert not by_path["envelope.eventId"].nullable


def test_a_sound_schema_breaks_no_rule() -> None:
    """The builder above makes a schema that may be released."""
    assert check_classes(an_event(nullable("note", "string", "NARRATIVE"))) == []


def _without(schema_field: Schema, key: str) -> Schema:
    return {name: value for name, value in schema_field.items() if name != key}


DEEP = record("A", [{"name": "b", "doc": "b", "type": record("B", [{"name": "c", "doc": "c", "type": record(
    "C", [nullable("d", "string", "IDENTITY")])}])}])  # fmt: skip
BROKEN = {
    "no class": (_without(nullable("x", "string", "IDENTITY"), "confluent:tags"), "no field class"),
    "empty classes": (nullable("x", "string"), "no field class"),
    "unknown class": (nullable("x", "string", "SECRET"), "not a field class"),
    "repeated class": (nullable("x", "string", "IDENTITY", "IDENTITY"), "repeats a class"),
    "no doc": (_without(nullable("x", "string", "IDENTITY"), "doc"), "has no doc"),
    "not nullable": (field("x", "string", "IDENTITY"), "must be nullable"),
    "routing and more": (nullable("x", "string", "ROUTING", "IDENTITY"), "cannot have another class"),
    "null last": (field("x", ["string", "null"], "IDENTITY", default=None), "union other than"),
    "three branches": (field("x", ["null", "string", "int"], "IDENTITY", default=None), "union other than"),
    "no default": (_without(nullable("x", "string", "IDENTITY"), "default"), "must have the default null"),
    "bytes": (nullable("x", "bytes", "IDENTITY"), "do not use"),
    "map": (nullable("x", {"type": "map", "values": "string"}, "IDENTITY"), "do not use"),
    "odd logical type": (nullable("x", {"type": "long", "logicalType": "timestamp-micros"}, "ROUTING"), "not one of"),
    "unknown format": (nullable("x", {"type": "string", "masa:format": "shoe"}, "IDENTITY"), "does not know"),
    "tags on a record": (
        {"name": "x", "doc": "x", "confluent:tags": ["IDENTITY"], "type": record("X", [])},
        "its fields carry",
    ),
    "too deep": ({"name": "x", "doc": "x", "type": DEEP}, "nested deeper"),
    "enum without UNKNOWN": (
        nullable("x", {**COLOUR, "name": "Hue", "symbols": ["RED"], "default": "RED"}, "CIRCUMSTANCE"),
        "must be UNKNOWN",
    ),
    "enum without doc": (nullable("x", _without({**COLOUR, "name": "Hue"}, "doc"), "CIRCUMSTANCE"), "has no doc"),
    "array of numbers": (nullable("x", {"type": "array", "items": "int"}, "CIRCUMSTANCE"), "list of int"),
    "item class not in the list's": (
        nullable("x", {"type": "array", "items": record("I", [nullable("y", "string", "IDENTITY")])}, "WORKER"),
        "list itself does not have",
    ),
    "item field without class": (
        nullable("x", {"type": "array", "items": record("I", [nullable("y", "string")])}, "WORKER"),
        "no field class",
    ),
    "record inside items": (
        nullable("x", {"type": "array", "items": record("I", [nullable("y", record("J", []), "WORKER")])}, "WORKER"),
        "nested inside a list",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_each_broken_rule_is_named(name: str) -> None:
    """Every build rule has a schema that breaks it, and the sentence names the field."""
    broken, sentence = BROKEN[name]
    found = check_classes(an_event(copy.deepcopy(broken)))
    assert any(sentence in each for each in found), found
    assert any("`x" in each for each in found)


def test_free_text_comes_once_and_last() -> None:
    """A second narrative field, or one before the end, breaks the build (E-04)."""
    text = nullable("note", "string", "NARRATIVE")
    assert any("last field" in each for each in check_classes(an_event(text, nullable("x", "int", "CIRCUMSTANCE"))))
    second = nullable("other", "string", "NARRATIVE")
    assert any("second free text" in each for each in check_classes(an_event(text, second)))


def test_the_envelope_comes_first() -> None:
    """A schema without the envelope in front breaks the build."""
    bare = record("Thing", [nullable("x", "string", "IDENTITY")], "uk.masa.event")
    assert any("`envelope` as its first field" in each for each in check_classes(bare))


def test_leaves_of_a_nullable_record_are_all_nullable() -> None:
    """Inside a record that may be null even a routing leaf must be nullable."""
    inner = record("X", [field("y", "string", "ROUTING")])
    schema = an_event({"name": "x", "doc": "x", "default": None, "type": ["null", inner]})
    assert any("must be nullable" in each for each in check_classes(schema))
