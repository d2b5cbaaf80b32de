"""What became of deliveries: `masa.transitions` into PostgreSQL, and the question what became of an event's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors.kafka.offset_consumer import Record
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import TRANSITIONS
from connectors.postgres.connection import Connection, database_failures
from schemas.codec import decode_record
from schemas.errors import ContractError
from streams.ledger.consume import Surroundings
from streams.ledger.side_topic import SideTopic, follow, storable
from streams.ledger.times import in_range, iso

UNREADABLE = "UNREADABLE"
_LOCK = 0x6D617361_0008
_NAMES = ("transitionId", "at", "deliveryId", "eventId", "agency", "from", "to", "outcome", "cause", "refusal", "late")

_INSERT = """
INSERT INTO ledger.transitions (transition_id, at, delivery_id, event_id, agency, from_state, to_state, outcome, cause,
    refusal, late, partition, "offset")
SELECT id, to_timestamp(at / 1000.0), delivery_id, event_id, agency, before, after, outcome, cause, refusal, late, p, o
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::boolean[], %s::integer[], %s::bigint[])
    AS n(id, at, delivery_id, event_id, agency, before, after, outcome, cause, refusal, late, p, o)
ON CONFLICT (transition_id) DO NOTHING
"""
_OF_EVENT = """
SELECT transition_id, at, delivery_id, event_id, agency, from_state, to_state, outcome, cause, refusal, late
FROM ledger.transitions WHERE event_id = %s ORDER BY at, partition, "offset"
"""


class TransitionRow(NamedTuple):
    """`ledger.transitions`; `at` in milliseconds since the epoch."""

    transition_id: str
    at: int
    delivery_id: str | None
    event_id: str | None
    agency: str
    before: str | None
    after: str | None
    outcome: str | None
    cause: str
    refusal: str | None
    late: bool
    partition: int
    offset: int


def row_of(record: Record) -> TransitionRow:
    """The row of a record. One that cannot be read is a row too: nothing on the topic is skipped, nothing stops it."""
    where = (record.partition, record.offset)
    try:
        found = decode_record("transition", record.value or b"")
    except ContractError:
        found = None
    if found is None or not in_range(found["at"]):
        position = f"{record.topic}-{record.partition}-{record.offset}"
        at = record.timestamp if in_range(record.timestamp) else 0
        return TransitionRow(position, at, None, None, "", None, None, None, UNREADABLE, UNREADABLE, False, *where)
    return TransitionRow._make([*(_storable(found[name]) for name in _NAMES), *where])


def run(settings: KafkaSettings, database_url: str, around: Surroundings) -> None:
    """Until told to stop; retries and raises as the ledger's own loop does."""
    follow(_SIDE, settings, database_url, around)


def transitions(connection: Connection, event_id: str) -> list[dict[str, Any]]:
    """Oldest first: `{transitionId, at, deliveryId, eventId, agency, from, to, outcome, cause, refusal, late}`."""
    with database_failures():
        rows = connection.execute(_OF_EVENT, (event_id,)).fetchall()
    return [{**dict(zip(_NAMES, row, strict=True)), "at": iso(row[1])} for row in rows]


def _insert(connection: Connection, rows: Sequence[TransitionRow]) -> None:
    connection.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])


def _storable(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


_SIDE = SideTopic(
    topic=TRANSITIONS,
    lock=_LOCK,
    client_id="masa-ledger-transitions",
    batch_records=2_000,
    batch_wait_s=0.2,
    row_of=row_of,
    insert=_insert,
)
