"""What became of deliveries: `masa.transitions` into PostgreSQL, and the question what became of an event's.

As with operations, the offset to go on from is stored in the transaction that stored the rows before it, and the id is
the table's key, so that a transition sent twice is one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors.kafka.offset_consumer import OffsetConsumer, Record
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import TRANSITIONS
from connectors.postgres.connection import Connection, database_failures
from schemas.codec import decode_record
from schemas.errors import ContractError
from streams.ledger.consume import Surroundings, keep
from streams.ledger.store import PositionWriter
from streams.ledger.times import in_range, iso

UNREADABLE = "UNREADABLE"
_LOCK = 0x6D617361_0008
_BATCH_RECORDS = 2_000
_BATCH_WAIT_S = 0.2
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
    keep(lambda: _Session(settings, database_url, around), around)


def transitions(connection: Connection, event_id: str) -> list[dict[str, Any]]:
    """Oldest first: `{transitionId, at, deliveryId, eventId, agency, from, to, outcome, cause, refusal, late}`."""
    with database_failures():
        rows = connection.execute(_OF_EVENT, (event_id,)).fetchall()
    return [{**dict(zip(_NAMES, row, strict=True)), "at": iso(row[1])} for row in rows]


class _Writer(PositionWriter):
    """Writes rows of transitions."""

    def __init__(self, url: str) -> None:
        super().__init__(url, TRANSITIONS, lock=_LOCK)

    def write(self, rows: Sequence[TransitionRow], moves: dict[int, tuple[int | None, int]]) -> None:
        """Store rows and move offsets (partition -> expected, next), all or nothing, durable on return."""
        columns = [[row[index] for row in rows] for index in range(len(TransitionRow._fields))]
        with database_failures(), self._connection.transaction():
            if rows:
                self._connection.execute(_INSERT, columns)
            for partition, (expected, following) in sorted(moves.items()):
                self._advance(partition, expected, following)


class _Session:
    """One writer and one consumer that started from what the writer's database said."""

    def __init__(self, settings: KafkaSettings, url: str, around: Surroundings) -> None:
        self._writer = _Writer(url)
        self._consumer = OffsetConsumer(settings, client_id="masa-ledger-transitions", headers=False)
        try:
            stored = self._writer.offsets()
            found = self._consumer.partitions(TRANSITIONS)
            self._positions: dict[int, int | None] = {each.partition: stored.get(each.partition) for each in found}
            self._consumer.assign({each: self._positions[each.partition] for each in found})
        except BaseException:
            self.close()
            raise

    def step(self) -> None:
        """One poll, and one transaction if it brought anything."""
        polled = self._consumer.poll(_BATCH_RECORDS, _BATCH_WAIT_S)
        moves = polled.moves(self._positions)
        if moves:
            self._writer.write([row_of(record) for record in polled.records], moves)
            self._positions |= {number: following for number, (_, following) in moves.items()}

    def close(self) -> None:
        try:
            self._consumer.close()
        finally:
            self._writer.close()


def _storable(value: Any) -> Any:
    """PostgreSQL's text cannot hold U+0000."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
