"""The ledger's loop: audit stream to PostgreSQL, effect exactly once.

The offset to go on from lives in the database, in the transaction that stored the rows before it; Kafka's own group
offsets play no part. Whatever fails, the loop drops its connections, asks the database where it is, and goes on from
there: a commit whose outcome is unknown is thereby settled too.

While the database stores one batch, in a thread, the next is read and laid out: the two take about equally long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

from connectors.errors import ConnectorFailure
from connectors.kafka.offset_consumer import OffsetConsumer, Polled
from connectors.kafka.partition import Partition
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import AUDIT
from connectors.keeping import Loop, Session
from connectors.keeping import keep as connectors_keep
from streams.ledger.rows import RowReader, Rows
from streams.ledger.store import LedgerWriter
from streams.ledger.times import millis_of

BATCH_RECORDS = 5_000
BATCH_WAIT_S = 0.1
# Partitions added to the audit topic are found after at most this long.
PARTITIONS_EVERY_S = 30.0


class LedgerEvents(Protocol):
    """What the loop tells: one method an occurrence."""

    def ledger_committed(
        self, *, events: int, outcomes: int, seconds: float, newest_decided_at_ms: int | None
    ) -> object: ...
    def ledger_behind(self, records: int) -> object: ...
    def ledger_failed(self, *, error: str) -> object: ...


class Surroundings(NamedTuple):
    """What the loop may not fetch for itself."""

    now: Callable[[], float]  # monotonic, seconds
    pause: Callable[[float], object]  # waits so many seconds, less when asked to stop
    stopping: Callable[[], bool]
    events: LedgerEvents


class _Plan(NamedTuple):
    rows: list[Rows]
    moves: dict[int, tuple[int | None, int]]


def plan(polled: Polled, positions: dict[int, int | None], reader: RowReader) -> _Plan:
    """The rows of a poll and how far it moves each partition. Pure.

    A record below its partition's position is one already stored, and is left out.
    """
    rows: list[Rows] = []
    reached: dict[int, int] = {}
    for record in polled.records:
        number = record.partition
        at = reached.get(number, positions.get(number))
        if at is not None and record.offset < at:
            continue
        rows.append(reader.rows(number, record.offset, record.timestamp, record.value))
        reached[number] = record.offset + 1
    for partition, end in polled.ends.items():
        # Markers and aborted records after the last one: passing them keeps "behind" honest.
        number = partition.partition
        reached[number] = max(end, reached.get(number, positions.get(number) or 0))
    moves = {
        number: (positions.get(number), following)
        for number, following in reached.items()
        if positions.get(number) != following
    }
    return _Plan(rows, moves)


def run(
    settings: KafkaSettings,
    database_url: str,
    reader: RowReader,
    around: Surroundings,
    *,
    topic: str = AUDIT,
    batch_records: int = BATCH_RECORDS,
) -> None:
    """Until told to stop, as `keep` does."""
    keep(lambda: _Session(settings, database_url, reader, around, topic, batch_records), around)


def keep(begin: Callable[[], Session], around: Surroundings) -> None:
    """As `connectors.keeping.keep`, telling the ledger's events."""
    connectors_keep(begin, Loop(around.pause, around.stopping, lambda error: around.events.ledger_failed(error=error)))


class _Session:
    """Audit records to rows of the ledger."""

    def __init__(
        self,
        settings: KafkaSettings,
        url: str,
        reader: RowReader,
        around: Surroundings,
        topic: str,
        batch_records: int,
    ) -> None:
        self._topic, self._reader, self._around, self._batch_records = topic, reader, around, batch_records
        self._writer = LedgerWriter(url, topic)
        self._consumer = OffsetConsumer(settings, client_id="masa-ledger", headers=False)
        self._positions: dict[int, int | None] = {}  # laid out so far: the batch being stored is behind them
        self._partitions: Sequence[Partition] = ()
        self._looked_at = 0.0
        self._storing: Future[float] | None = None
        self._stored: _Plan | None = None  # what is being stored
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-store")
        try:
            self._look_for_partitions()
        except BaseException:
            self.close()
            raise

    def _look_for_partitions(self) -> None:
        self._settle()
        self._looked_at = self._around.now()
        found = self._consumer.partitions(self._topic)
        if found == self._partitions:
            return
        stored = self._writer.offsets()
        self._positions = {each.partition: stored.get(each.partition) for each in found}
        self._consumer.assign({each: self._positions[each.partition] for each in found})
        self._partitions = found

    def step(self) -> None:
        """One poll; if it brought anything, what was laid out before it is stored by now, and it is being stored."""
        if self._around.now() - self._looked_at > PARTITIONS_EVERY_S:
            self._look_for_partitions()
        polled = self._consumer.poll(self._batch_records, BATCH_WAIT_S)
        planned = plan(polled, self._positions, self._reader)
        self._settle()
        if planned.moves:
            self._stored = planned
            self._storing = self._thread.submit(self._store, planned)
            self._positions |= {number: following for number, (_, following) in planned.moves.items()}
        known = {Partition(self._topic, n): at for n, at in self._positions.items() if at is not None}
        self._around.events.ledger_behind(self._consumer.behind(known))

    def _store(self, planned: _Plan) -> float:
        """Seconds it took. In the thread: nobody else uses the writer meanwhile."""
        started = self._around.now()
        self._writer.write(planned.rows, planned.moves)
        return self._around.now() - started

    def _settle(self) -> None:
        """Wait until what is being stored is, and tell. Raises what the writer raised."""
        storing, planned = self._storing, self._stored
        self._storing = self._stored = None
        if storing is None or planned is None:
            return
        seconds = storing.result()
        newest = max((each.event.decided_at for each in planned.rows), default=None)
        self._around.events.ledger_committed(
            events=len(planned.rows),
            outcomes=sum(len(each.outcomes) for each in planned.rows),
            seconds=seconds,
            newest_decided_at_ms=millis_of(newest) if newest is not None else None,
        )

    def close(self) -> None:
        """What is being stored is stored first. Its failure counts for nothing here: the next session asks."""
        self._thread.shutdown()
        try:
            self._settle()
        except ConnectorFailure:
            pass  # whoever goes on asks the database
        finally:
            try:
                self._consumer.close()
            finally:
                self._writer.close()
