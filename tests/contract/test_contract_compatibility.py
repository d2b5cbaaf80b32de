"""The compatibility checker against hand-made pairs, and against what avro-python3 can really read."""

from __future__ import annotations

import io
import json
from typing import Any

import avro.io
import avro.schema
import pytest

from schemas.compatibility import check_full_transitive, incompatibilities, weakened

Schema = dict[str, Any]


def enum(*symbols: str, default: str | None = "UNKNOWN") -> Schema:
    node: Schema = {"type": "enum", "name": "E", "symbols": list(symbols)}
    return node | ({"default": default} if default else {})


def record(*fields: Schema, name: str = "R") -> Schema:
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name: str, node: Any, **more: Any) -> Schema:
    return {"name": name, "type": node, **more}


A = field("a", "string")
INNER = {"type": "record", "name": "I", "fields": [field("x", "int")]}
FIXED = {"type": "fixed", "name": "F", "size": 4}

# name: (reader, writer, what the complaint names)
INCOMPATIBLE: dict[str, tuple[Schema, Schema, str]] = {
    "field without default added": (record(A, field("b", "int")), record(A), "`b` has no default"),
    "type changed": (record(field("a", "int")), record(A), "`a` is int, was written as string"),
    "number narrowed": (record(field("a", "int")), record(field("a", "long")), "`a` is int, was written as long"),
    "made required": (record(A), record(field("a", ["null", "string"])), "`a` is string, was written as null"),
    "union branch dropped": (
        record(field("a", ["null", "string"])),
        record(field("a", ["null", "int"])),
        "`a` is null or string, may have been written as int",
    ),
    "symbol dropped without default": (
        record(field("a", enum("UNKNOWN", "X", default=None))),
        record(field("a", enum("UNKNOWN", "X", "Y", default=None))),
        "`a` does not know Y",
    ),
    "record renamed": (record(A, name="Other"), record(A), "the schema is `Other`"),
    "enum renamed": (
        record(field("a", {**enum("UNKNOWN"), "name": "Other"})),
        record(field("a", enum("UNKNOWN"))),
        "`a` is `Other`",
    ),
    "namespace changed": (
        {**record(A), "namespace": "uk.other"},
        {**record(A), "namespace": "uk.masa"},
        "the schema is `uk.other.R`",
    ),
    "list's items changed": (
        record(field("a", {"type": "array", "items": "int"})),
        record(field("a", {"type": "array", "items": "string"})),
        "`a[]` is int",
    ),
    "list became one": (
        record(A),
        record(field("a", {"type": "array", "items": "string"})),
        "`a` is string, was written as array",
    ),
    "nested field changed": (
        record(field("a", {**INNER, "fields": [field("x", "string")]})),
        record(field("a", INNER)),
        "`a.x` is string, was written as int",
    ),
    "second use of a type": (
        record(field("a", ["null", "string"]), field("b", INNER), field("c", "I"), field("d", "int")),
        record(field("a", ["null", "string"]), field("b", INNER), field("c", "I")),
        "`d` has no default",
    ),
    "type defined in a field that the reader lacks": (
        record(field("b", {**INNER, "fields": [field("x", "string")]})),
        record(field("a", INNER), field("b", "I")),
        "`b.x` is string, was written as int",
    ),
    "size changed": (
        record(field("a", {**FIXED, "size": 8})),
        record(field("a", FIXED)),
        "`a` has 8 bytes, was written with 4",
    ),
    "field renamed": (record(field("b", "string")), record(A), "`b` has no default"),
}

COMPATIBLE: dict[str, tuple[Schema, Schema]] = {
    "the same": (record(A), record(A)),
    "field with default added": (record(A, field("b", ["null", "int"], default=None)), record(A)),
    "field dropped": (record(A), record(A, field("b", INNER))),
    "made nullable": (record(field("a", ["null", "string"])), record(A)),
    "number widened": (record(field("a", "long")), record(field("a", "int"))),
    "symbol added": (
        record(field("a", enum("UNKNOWN", "X"))),
        record(field("a", enum("UNKNOWN", "X", "Y"))),
    ),
    "fields in another order": (record(field("b", "int"), A), record(A, field("b", "int"))),
    "renamed with an alias": (record(field("b", "string", aliases=["a"])), record(A)),
    "documentation changed": ({**record(A), "doc": "Other."}, record(A)),
    "type defined in a field that is gone": (record(field("b", INNER)), record(field("a", INNER), field("b", "I"))),
}


@pytest.mark.parametrize("name", sorted(INCOMPATIBLE))
def test_incompatible_pairs_are_found(name: str) -> None:
    """Each kind of break is named with its path."""
    reader, writer, complaint = INCOMPATIBLE[name]
    assert any(complaint in each for each in incompatibilities(reader, writer)), incompatibilities(reader, writer)


@pytest.mark.parametrize("name", sorted(COMPATIBLE))
def test_compatible_pairs_pass(name: str) -> None:
    """What Avro's schema resolution can read is not complained about."""
    reader, writer = COMPATIBLE[name]
    assert incompatibilities(reader, writer) == []


# avro-python3 knows neither enum defaults nor aliases, and looks at namespaces less strictly than we do.
ORACLE_DIFFERS = {"symbol added", "renamed with an alias"}


@pytest.mark.parametrize("name", sorted(set(COMPATIBLE) - ORACLE_DIFFERS))
def test_the_oracle_reads_compatible_pairs(name: str) -> None:
    """What we call compatible avro-python3 really reads."""
    reader, writer = COMPATIBLE[name]
    oracle_resolves(reader, writer)


@pytest.mark.parametrize("name", ["type changed", "number narrowed", "record renamed", "size changed", "field renamed"])
def test_the_oracle_cannot_read_incompatible_pairs(name: str) -> None:
    """And what we call incompatible it does not read."""
    reader, writer, _ = INCOMPATIBLE[name]
    with pytest.raises(avro.schema.AvroException):
        oracle_resolves(reader, writer)


def oracle_resolves(reader: Schema, writer: Schema) -> Any:
    """Write a datum with the writer's schema and read it with the reader's."""
    written, wanted = (avro.schema.parse(json.dumps(each)) for each in (writer, reader))
    out = io.BytesIO()
    avro.io.DatumWriter(written).write({each.name: datum_of(each.type) for each in written.fields}, encoder(out))
    return avro.io.DatumReader(written, wanted).read(avro.io.BinaryDecoder(io.BytesIO(out.getvalue())))


def encoder(out: io.BytesIO) -> Any:
    return avro.io.BinaryEncoder(out)


def datum_of(node: Any) -> Any:
    match node.type:
        case "union":
            return datum_of(node.schemas[-1])
        case "record":
            return {each.name: datum_of(each.type) for each in node.fields}
        case "enum":
            return node.symbols[-1]
        case "array":
            return [datum_of(node.items)]
        case "fixed":
            return bytes(node.size)
        case "string":
            return "text"
        case _:
            return 7


def test_full_transitive_looks_in_both_directions_at_every_release() -> None:
    """Dropping a field without default breaks the old readers; adding one breaks the new."""
    old, new = record(A, field("b", "int")), record(A)
    assert check_full_transitive({"t": old}, {"1.0.0": {"t": old}}) == []
    [found] = check_full_transitive({"t": new}, {"1.0.0": {"t": old}})
    assert found.startswith("release 1.0.0 cannot read `t`")
    [found] = check_full_transitive({"t": old}, {"1.0.0": {"t": new}, "1.1.0": {"t": old}})
    assert found.startswith("`t` cannot read release 1.0.0")


def test_a_released_type_never_goes() -> None:
    """Its events are still in topics and archives."""
    assert check_full_transitive({}, {"1.0.0": {"t": record(A)}}) == ["`t` was released in 1.0.0 and is gone"]


def test_a_new_type_is_no_break() -> None:
    """Nobody has written it yet."""
    assert check_full_transitive({"t": record(A), "u": record(A)}, {"1.0.0": {"t": record(A)}}) == []


def test_a_field_never_loses_a_class() -> None:
    """A projection that withheld the field by its class would deliver it from then on."""
    old = record(field("a", "string", **{"confluent:tags": ["IDENTITY", "LOCATING"]}))
    new = record(field("a", "string", **{"confluent:tags": ["IDENTITY"]}))
    assert weakened(old, new) == []
    assert "lost class LOCATING" in weakened(new, old)[0]
    assert "lost class LOCATING" in check_full_transitive({"t": new}, {"1.0.0": {"t": old}})[0]
