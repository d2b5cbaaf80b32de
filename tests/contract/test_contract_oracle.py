"""avro-python3 as an independent judge of what we write: it shares no code with fastavro or with us."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

import avro.io
import avro.schema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import decode_event, encode_event, encode_record
from schemas.framing import frame
from schemas.registry import RECORD_NAMES, RecordName, load_event_types, load_record_schema, record_wire
from schemas.wire import wire
from tests.datums import datums
from tests.events import an_event, event_type

NAMES = list(load_event_types())
HEAD = 10  # bytes of a single-object frame
CRC_EMPTY = 0xC15D213AA4D7A795  # Avro specification, "Schema Fingerprints"


@cache
def oracle(name: str) -> Any:
    return avro.schema.parse(json.dumps(event_type(name).schema))


def oracle_reads(schema: Any, payload: bytes) -> Any:
    source = io.BytesIO(payload)
    datum = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(source))
    assert source.read() == b""
    return datum


def oracle_writes(schema: Any, datum: Any) -> bytes:
    out = io.BytesIO()
    avro.io.DatumWriter(schema).write(datum, avro.io.BinaryEncoder(out))
    return out.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_reads_our_examples_to_the_same_values(name: str) -> None:
    """An independent consumer with the published schema sees what the publisher meant."""
    datum = an_event(name)
    assert oracle_reads(oracle(name), encode_event(event_type(name), datum)[HEAD:]) == datum


@pytest.mark.parametrize("name", NAMES)
def test_we_read_what_the_oracle_writes(name: str) -> None:
    """An independent publisher with the published schema is understood; the bytes are even the same."""
    kind, datum = event_type(name), an_event(name)
    payload = oracle_writes(oracle(name), datum)
    assert decode_event(frame(kind.fingerprint, payload)).datum == datum
    assert payload == encode_event(kind, datum)[HEAD:]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_both_directions_hold_for_any_datum(name: str, data: st.DataObject) -> None:
    """Nulls, empty lists, odd characters and extreme numbers included."""
    kind = event_type(name)
    datum = data.draw(datums(kind))
    payload = encode_event(kind, datum)[HEAD:]
    assert oracle_reads(oracle(name), payload) == datum
    assert oracle_writes(oracle(name), datum) == payload


@pytest.mark.parametrize("name", NAMES)
def test_canonical_form_and_fingerprint_agree(name: str) -> None:
    """The canonical form made from the oracle's parse, and a fingerprint computed bit by bit, equal ours."""
    kind = event_type(name)
    canonical = canonical_form(oracle(name), set())
    assert canonical == kind.wire.canonical
    assert fingerprint(canonical) == kind.fingerprint


@pytest.mark.parametrize("name", RECORD_NAMES)
def test_record_schemas_are_read_by_the_oracle(name: RecordName) -> None:
    """The exchange's own records have schemas that others parse to the same canonical form."""
    schema = avro.schema.parse(json.dumps(load_record_schema(name)))
    assert canonical_form(schema, set()) == record_wire(name).canonical


def test_a_receipt_is_read_by_the_oracle() -> None:
    """A record, not only its schema."""
    receipt = {
        "receiptId": "r1", "deliveryId": "d1", "eventId": "e1", "agency": "a1", "kind": "PICKED_UP", "outcome": None,
        "role": "dsl", "person": None, "at": 1,
    }  # fmt: skip
    schema = avro.schema.parse(json.dumps(load_record_schema("receipt")))
    assert oracle_reads(schema, encode_record("receipt", receipt)[HEAD:]) == receipt


@pytest.mark.parametrize(
    ("schema", "expected"),
    [('"null"', 0x63DD24E7CC258F8A), ('"int"', 0x7275D51A3F395C8F), ('"string"', 0x8F014872634503C7)],
)
def test_fingerprints_equal_those_of_avros_own_tests(schema: str, expected: int) -> None:
    """Known values from Avro's shared test data, so that both computations cannot be wrong together."""
    assert fingerprint(schema) == expected.to_bytes(8, "little")


def test_documentation_does_not_change_a_fingerprint_and_a_field_does() -> None:
    """What readers need not know is left out of the canonical form; what they must know is in it."""
    schema = event_type(NAMES[0]).schema
    same = wire({**schema, "doc": "Other words.", "eventType": "other"})
    shorter = wire({**schema, "fields": schema["fields"][:-1]})
    assert same.fingerprint == event_type(NAMES[0]).fingerprint
    assert shorter.fingerprint != same.fingerprint


def canonical_form(schema: Any, seen: set[str]) -> str:
    """Parsing Canonical Form (Avro specification) of a schema as avro-python3 parsed it."""
    match schema.type:
        case "union":
            return "[" + ",".join(canonical_form(branch, seen) for branch in schema.schemas) + "]"
        case "array":
            return '{"type":"array","items":' + canonical_form(schema.items, seen) + "}"
        case "record" | "enum" | "fixed":
            return named_form(schema, seen)
        case primitive:
            return json.dumps(primitive)


def named_form(schema: Any, seen: set[str]) -> str:
    name = json.dumps(schema.fullname)
    if schema.fullname in seen:
        return name
    seen.add(schema.fullname)
    head = f'{{"name":{name},"type":"{schema.type}",'
    if schema.type == "enum":
        return head + '"symbols":[' + ",".join(json.dumps(symbol) for symbol in schema.symbols) + "]}"
    if schema.type == "fixed":
        return head + f'"size":{schema.size}}}'
    fields = (f'{{"name":{json.dumps(each.name)},"type":{canonical_form(each.type, seen)}}}' for each in schema.fields)
    return head + '"fields":[' + ",".join(fields) + "]}"


def fingerprint(canonical: str) -> bytes:
    """CRC-64-AVRO, bit by bit, little-endian as single-object encoding has it."""
    crc = CRC_EMPTY
    for byte in canonical.encode():
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (CRC_EMPTY if crc & 1 else 0)
    return crc.to_bytes(8, "little")
