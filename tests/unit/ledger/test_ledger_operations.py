"""Operation records as rows: every record of the topic is one, readable or not."""

from __future__ import annotations

import json
from dataclasses import replace

from connectors.kafka.offset_consumer import Record
from connectors.kafka.topics import OPERATIONS
from connectors.operations import Operation, operation_record
from streams.ledger.operations import UNREADABLE, row_of

AT = 1_790_000_000_000
DONE = Operation(
    operation_id="0190c0de-0000-7000-8000-000000000001",
    at=AT,
    actor="asha-patel",
    role="policy lead",
    kind="rules.stop",
    target="3f2a9c1e",
    reason="a leak",
    result="DONE",
    details={"eventType": "health.hv-concern", "agency": "oakfield-primary"},
)


def record(value: bytes | None) -> Record:
    return Record(OPERATIONS, 0, 7, AT, None, value, ())


def test_an_operation_is_a_row() -> None:
    """Every field has its column; details are JSON in order."""
    row = row_of(record(operation_record(DONE).value))
    assert row._replace(details="") == (
        DONE.operation_id, AT, "asha-patel", "policy lead", "rules.stop", "3f2a9c1e", "a leak", "DONE", "", 0, 7,
    )  # fmt: skip
    assert json.loads(row.details) == DONE.details


def test_what_cannot_be_read_is_a_row_too() -> None:
    """Known by its place: nothing on the topic is skipped and nothing stops the reader."""
    for value in (None, b"", b"nonsense", operation_record(replace(DONE, at=0)).value):
        row = row_of(record(value))
        assert (row.kind, row.operation_id, row.at) == (UNREADABLE, "masa.operations-0-7", AT)


def test_what_postgresql_cannot_hold_is_replaced() -> None:
    """A NUL in a reason must not stop the loop."""
    row = row_of(record(operation_record(replace(DONE, reason="a\0b", details={"x": "\0"})).value))
    assert (row.reason, json.loads(row.details)) == ("a\ufffdb", {"x": "\ufffd"})
