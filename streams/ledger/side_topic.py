"""A small topic of ids into a table of its own, beside the audit stream: what operations and transitions share.

The offset to go on from is stored in the transaction that stored the rows before it. A record's id is its table's key,
so that a record sent twice is one row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from connectors.kafka.offset_consumer import OffsetConsumer, Record
from connectors.kafka.settings import KafkaSettings
from connectors.postgres.connection import Connection, database_failures
from streams.ledger.consume import Surroundings, keep
from streams.ledger.store import PositionWriter

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class SideTopic(Generic[Row]):
    """A topic and its table. `row_of` makes a row of any record; `insert` stores rows in the open transaction."""

    topic: str
    lock: int  # advisory: one instance writes
    client_id: str
    batch_records: int
    batch_wait_s: float
    row_of: Callable[[Record], Row]
    insert: Callable[[Connection, Sequence[Row]], None]


def follow(side: SideTopic[Row], settings: KafkaSettings, database_url: str, around: Surroundings) -> None:
    """Until told to stop; retries and raises as the ledger's own loop does."""
    keep(lambda: _Session(side, settings, database_url), around)


def storable(text: str) -> str:
    """PostgreSQL's text cannot hold U+0000."""
    return text.replace("\0", "\ufffd")


class _Writer(PositionWriter, Generic[Row]):
    def __init__(self, side: SideTopic[Row], url: str) -> None:
        super().__init__(url, side.topic, lock=side.lock)
        self._insert = side.insert

    def write(self, rows: Sequence[Row], moves: dict[int, tuple[int | None, int]]) -> None:
        """Store rows and move offsets (partition -> expected, next), all or nothing, durable on return."""
        with database_failures(), self._connection.transaction():
            if rows:
                self._insert(self._connection, rows)
            for partition, (expected, following) in sorted(moves.items()):
                self._advance(partition, expected, following)


class _Session(Generic[Row]):
    """One writer and one consumer that started from what the writer's database said."""

    def __init__(self, side: SideTopic[Row], settings: KafkaSettings, url: str) -> None:
        self._side = side
        self._writer = _Writer(side, url)
        self._consumer = OffsetConsumer(settings, client_id=side.client_id, headers=False)
        try:
            stored = self._writer.offsets()
            found = self._consumer.partitions(side.topic)
            self._positions: dict[int, int | None] = {each.partition: stored.get(each.partition) for each in found}
            self._consumer.assign({each: self._positions[each.partition] for each in found})
        except BaseException:
            self.close()
            raise

    def step(self) -> None:
        """One poll, and one transaction if it brought anything."""
        polled = self._consumer.poll(self._side.batch_records, self._side.batch_wait_s)
        moves = polled.moves(self._positions)
        if moves:
            self._writer.write([self._side.row_of(record) for record in polled.records], moves)
            self._positions |= {number: following for number, (_, following) in moves.items()}

    def close(self) -> None:
        try:
            self._consumer.close()
        finally:
            self._writer.close()
