"""One audit record as rows of the ledger. Pure.

A record that cannot be read is a row too (`UNREADABLE`, with its bytes): the ledger mirrors the audit stream position
by position, so nothing on it may be skipped and nothing may stop the reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.errors import ContractError
from streams.ledger.scan import Scanner, ScanRefused
from streams.ledger.times import in_range, pg_micros

UNREADABLE = "UNREADABLE"
_INT_LIMIT = 1 << 31

# Fields that have a column, in schema order; an array of strings yields its first item.
WANTED: Mapping[str, Any] = {
    "kind": None,
    "sourceTopic": None,
    "sourcePartition": None,
    "sourceOffset": None,
    "receivedAt": None,
    "decidedAt": None,
    "eventId": None,
    "eventType": None,
    "source": None,
    "ruleSet": None,
    "inputs": {"subject": None},
    "outcomes": {"agency": None, "outcome": None, "reasons": None, "deliveryId": None, "ackBy": None},
}

PgMicros = int  # microseconds since 2000-01-01 UTC


class EventRow(NamedTuple):
    """`ledger.event`, columns in table order."""

    audit_partition: int
    audit_offset: int
    decided_at: PgMicros
    received_at: PgMicros | None
    kind: str
    source_topic: str | None
    source_partition: int | None
    source_offset: int | None
    event_id: str | None
    event_type: str | None
    source: str | None
    rule_set: str | None
    subject: str | None
    record: bytes


class OutcomeRow(NamedTuple):
    """`ledger.outcome`, columns in table order."""

    audit_partition: int
    audit_offset: int
    decided_at: PgMicros
    agency: str
    outcome: str
    reason: str | None
    delivery_id: str | None
    ack_by: PgMicros | None


class Rows(NamedTuple):
    event: EventRow
    outcomes: list[OutcomeRow]


class RowReader:
    """Audit bytes to rows: fast for records of the current schema, by full decoding for the rest."""

    def __init__(self, frame: bytes, scan: Scanner, decode: Callable[[bytes], dict[str, Any]]) -> None:
        """`frame` is the header of records that `scan` understands; `decode` reads any framed record or raises
        `ContractError`."""
        self._frame = frame
        self._scan = scan
        self._decode = decode

    def rows(self, partition: int, offset: int, timestamp: int, value: bytes | None) -> Rows:
        """The rows of the record at this position of the audit topic; `timestamp` is Kafka's, in milliseconds."""
        if value is None:
            return unreadable(partition, offset, timestamp, b"")
        fields = self._fields(value)
        if fields is None:
            return unreadable(partition, offset, timestamp, value)
        return _rows(partition, offset, value, fields) or unreadable(partition, offset, timestamp, value)

    def _fields(self, value: bytes) -> tuple[Any, ...] | None:
        if value.startswith(self._frame):
            try:
                return self._scan(value, len(self._frame))
            except (ScanRefused, IndexError, UnicodeDecodeError):
                pass  # in doubt: decode in full
        try:
            return fields_of(self._decode(value))
        except ContractError:
            return None


def fields_of(audit: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the scanner yields, from a decoded audit record."""
    inputs = audit["inputs"]
    outcomes = [
        (each["agency"], each["outcome"], next(iter(each["reasons"]), None), each["deliveryId"], each["ackBy"])
        for each in audit["outcomes"]
    ]
    plain = [audit[name] for name in WANTED if name not in ("inputs", "outcomes")]
    return (*plain, inputs["subject"] if inputs else None, outcomes)


def unreadable(partition: int, offset: int, timestamp: int, value: bytes) -> Rows:
    """The row of a record that could not be read; its month is that of Kafka's timestamp."""
    at = pg_micros(timestamp) if in_range(timestamp) else 0
    return Rows(
        EventRow(partition, offset, at, None, UNREADABLE, *(None,) * 8, record=value),
        [],
    )


def _rows(partition: int, offset: int, value: bytes, fields: tuple[Any, ...]) -> Rows | None:
    """None when a value does not fit its column, which only a broken writer can cause."""
    kind, topic, number, position, received, decided, event_id, event_type, source, rule_set, subject, found = fields
    if not in_range(decided) or not 0 <= number < _INT_LIMIT or position < 0:
        return None
    at = pg_micros(decided)
    texts = (topic, event_id, event_type, source, rule_set, subject)
    if "\0" in "".join([text for text in texts if text]):
        topic, event_id, event_type, source, rule_set, subject = map(_without_nul, texts)
    event = EventRow(
        partition, offset, at, _instant(received), kind, topic, number, position,
        event_id, event_type, source, rule_set, subject, value,
    )  # fmt: skip
    outcomes = [
        OutcomeRow(partition, offset, at, agency, outcome, reason, delivery, ack_by and _instant(ack_by))
        for agency, outcome, reason, delivery, ack_by in found
    ]
    if any("\0" in f"{row.agency}{row.reason}{row.delivery_id}" for row in outcomes):
        outcomes = [
            row._replace(
                agency=row.agency.replace("\0", "\ufffd"),
                reason=_without_nul(row.reason),
                delivery_id=_without_nul(row.delivery_id),
            )
            for row in outcomes
        ]
    return Rows(event, outcomes)


def _instant(millis: int) -> PgMicros | None:
    return pg_micros(millis) if in_range(millis) else None


def _without_nul(text: str | None) -> str | None:
    """PostgreSQL's text cannot hold U+0000; the record's own bytes still do."""
    return text.replace("\0", "\ufffd") if text else text
