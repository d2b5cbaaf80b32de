"""The fast reading of audit records agrees with full decoding, whatever the record."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import decode_record, encode_record
from schemas.errors import ContractError
from schemas.framing import frame
from schemas.registry import load_record_schema, record_wire
from streams.ledger.audit import audit_row_reader
from streams.ledger.rows import UNREADABLE, WANTED, RowReader, fields_of
from streams.ledger.scan import ScanRefused, compile_scanner

SCHEMA = load_record_schema("audit")
HEAD = frame(record_wire("audit").fingerprint, b"")
SCAN = compile_scanner(SCHEMA, WANTED)
TEXT = st.text(st.characters(codec="utf-8"), max_size=80)


def values(node: Any) -> st.SearchStrategy[Any]:
    """Any datum of a schema."""
    if isinstance(node, list):
        return st.none() | values(node[1])
    kind = node["type"] if isinstance(node, dict) else node
    if kind == "record":
        return st.fixed_dictionaries({each["name"]: values(each["type"]) for each in node["fields"]})
    if kind == "array":
        return st.lists(values(node["items"]), max_size=4)
    if kind == "enum":
        return st.sampled_from(node["symbols"])
    if kind == "fixed":
        return st.binary(min_size=node["size"], max_size=node["size"])
    scalars = {
        "string": TEXT,
        "int": st.integers(-(1 << 31), (1 << 31) - 1),
        "long": st.integers(-(1 << 63), (1 << 63) - 1),
        "boolean": st.booleans(),
    }
    return scalars[kind]


AUDITS = values(SCHEMA)


@settings(max_examples=300, deadline=None)
@given(AUDITS)
def test_the_scanner_reads_what_the_decoder_reads(audit: dict[str, Any]) -> None:
    """Every column's value is the same by both ways."""
    data = encode_record("audit", audit)
    assert SCAN(data, len(HEAD)) == fields_of(decode_record("audit", data))


@settings(max_examples=300, deadline=None)
@given(AUDITS, st.data())
def test_damaged_records_never_stop_the_reader(audit: dict[str, Any], data: st.DataObject) -> None:
    """Cut or altered bytes give a row with these bytes, and where both ways can read them, the same row."""
    good = encode_record("audit", audit)
    at = data.draw(st.integers(0, len(good) - 1))
    damaged = data.draw(st.sampled_from([good[:at], good[:at] + b"\xff" + good[at + 1 :], good + b"\0"]))
    row = audit_row_reader().rows(0, 0, 0, damaged).event
    assert row.record == damaged
    try:
        slow = fields_of(decode_record("audit", damaged))
    except ContractError:
        return
    if row.kind != UNREADABLE:
        assert row.kind == slow[0]


def test_what_the_scanner_refuses_is_decoded_in_full() -> None:
    """A record in an unusual but valid layout still becomes the right row."""

    def refuse(data: bytes, start: int) -> tuple[Any, ...]:
        raise ScanRefused("in doubt")

    audit = {each["name"]: each.get("default") for each in SCHEMA["fields"]}
    audit |= {
        "kind": "UNROUTED", "sourceTopic": "t", "sourcePartition": 0, "sourceOffset": 3, "receivedAt": 1,
        "decidedAt": 1_790_000_000_000, "slot": 0, "contentDigest": bytes(32), "eventId": "e",
    }  # fmt: skip
    data = encode_record("audit", audit)
    slow = RowReader(HEAD, refuse, lambda value: decode_record("audit", value))
    assert slow.rows(0, 0, 0, data) == audit_row_reader().rows(0, 0, 0, data)
