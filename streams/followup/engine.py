"""The engine: audit, receipts and the exchange's inboxes into PostgreSQL, and deadlines when all of it was read.

The offsets to go on from live in the database, in the transaction that stored what came before them; Kafka's group
offsets play no part. One engine a database: an advisory lock says who, compare-and-set of every position makes sure.

A deadline counts as missed only when every receipt that could say otherwise has been read. The clock is looked at
first, then Kafka is asked for the ends of all topics, new ones included, and only when reading has passed those ends
are the deadlines up to that instant dealt with: however long the engine was away, no receipt that waits is overlooked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from connectors.kafka import topics
from connectors.kafka.log_ends import LogEnds
from connectors.kafka.offset_consumer import OffsetConsumer, Polled
from connectors.kafka.partition import Partition
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import TopicKind
from connectors.keeping import Loop, keep
from connectors.postgres.connection import database_failures
from connectors.postgres.followup_store import FollowupWriter
from streams.followup import batch
from streams.followup.batch import Parts, Tally
from streams.followup.hooks import EpochMillis, Sweep
from streams.followup.work import Sorter, Work

BATCH_RECORDS = 5_000
BATCH_WAIT_S = 0.1
SWEEP_EVERY_MS = 1_000
_INBOX_OF_OURS = "-exchange"


class EngineEvents(Protocol):
    """What the engine tells: one method an occurrence."""

    def followup_committed(
        self,
        *,
        deliveries: int,
        receipts: int,
        refusals: Mapping[str, int],
        misdirected: int,
        late: int,
        early: int,
        unreadable: int,
    ) -> object: ...
    def followup_behind(self, records: int) -> object: ...
    def followup_swept(self, *, now_ms: int, steps: int) -> object: ...


class Engine(NamedTuple):
    """What an engine works with."""

    sorter: Sorter
    parts: Parts
    sweep: Sweep
    now: Callable[[], EpochMillis]
    events: EngineEvents
    sweep_every_ms: int = SWEEP_EVERY_MS


class Goal(NamedTuple):
    """Once every partition was read up to its end, everything before `now` is known."""

    now: EpochMillis
    ends: Mapping[Partition, int]
    read: Mapping[Partition, int]  # what had been read before the ends were asked

    def reached(self, positions: Mapping[Partition, int | None]) -> bool:
        """Whether all of it was read. An empty partition that never held anything has been read."""
        return all((positions.get(each) or 0) >= end for each, end in self.ends.items())


def follow_up(settings: KafkaSettings, database_url: str, engine: Engine, loop: Loop) -> None:
    """Until told to stop. Raises what only a supervisor or an operator can deal with."""
    keep(lambda: _Session(settings, database_url, engine), loop)


def is_followed(topic: str) -> bool:
    """Whether the engine reads it: the audit, everybody's receipts, the exchange's own inboxes."""
    if topic == topics.AUDIT:
        return True
    place = topics.parse(topic)
    if place is None:
        return False
    ours = place.agency is not None and place.agency.endswith(_INBOX_OF_OURS)
    return place.kind is TopicKind.RECEIPTS or (ours and place.kind is TopicKind.INBOX)


def moves_of(polled: Polled, positions: Mapping[Partition, int | None]) -> dict[Partition, tuple[int | None, int]]:
    """How far a poll moves each partition: (position, next offset), markers passed. Pure."""
    reached: dict[Partition, int] = {}
    for record in polled.records:
        reached[Partition(record.topic, record.partition)] = record.offset + 1
    for partition, end in polled.ends.items():
        reached[partition] = max(end, reached.get(partition, 0))
    return {each: (positions[each], at) for each, at in reached.items() if positions[each] != at}


class _Session:
    """One owner of the database and one consumer that started from what the database said."""

    def __init__(self, settings: KafkaSettings, url: str, engine: Engine) -> None:
        self._engine = engine
        self._writer = FollowupWriter(url)
        self._consumer = OffsetConsumer(settings, client_id="masa-followup")
        self._ends = LogEnds(settings)
        self._positions: dict[Partition, int | None] = {}
        self._goal: Goal | None = None
        self._swept_at: EpochMillis = 0
        try:
            self._look(self._ends.partitions(is_followed))
        except BaseException:
            self.close()
            raise

    def _look(self, found: tuple[Partition, ...]) -> None:
        """Read these partitions, each from where the database says."""
        if set(found) == set(self._positions):
            return
        stored = self._writer.positions()
        self._positions = {each: stored.get(each) for each in found}
        self._consumer.assign(self._positions)

    def step(self) -> None:
        """One poll, one transaction if it brought anything, and the deadlines if everything before them was read."""
        polled = self._consumer.poll(BATCH_RECORDS, BATCH_WAIT_S)
        moves = moves_of(polled, self._positions)
        if moves:
            work = self._engine.sorter.sort(polled.records)
            self._told(batch.process(self._writer.connection, work, moves, self._engine.parts), work)
            self._positions |= {each: following for each, (_, following) in moves.items()}
        self._engine.events.followup_behind(self._consumer.behind(_known(self._positions)))
        self._mind_deadlines()

    def _mind_deadlines(self) -> None:
        if self._goal is None:
            self._set_goal()
        elif self._goal.reached(self._positions):
            (now, _, read), self._goal = self._goal, None
            connection = self._writer.connection
            self._told(batch.give_up(connection, read), Work())
            with database_failures(), connection.transaction():
                steps = self._engine.sweep(connection, now)
            self._swept_at = now
            self._engine.events.followup_swept(now_ms=now, steps=steps)

    def _set_goal(self) -> None:
        """The instant first, the ends after it: what is written before they are asked is before the goal."""
        now = self._engine.now()
        if now - self._swept_at < self._engine.sweep_every_ms:
            return
        found = self._ends.partitions(is_followed)
        self._look(found)
        read = _known(self._positions)
        self._goal = Goal(now, self._ends.written(found), read)

    def _told(self, tally: Tally, work: Work) -> None:
        if any(tally) or work.unreadable:
            self._engine.events.followup_committed(**tally._asdict(), unreadable=work.unreadable)

    def close(self) -> None:
        try:
            self._consumer.close()
        finally:
            self._writer.close()


def _known(positions: Mapping[Partition, int | None]) -> dict[Partition, int]:
    return {each: at for each, at in positions.items() if at is not None}
