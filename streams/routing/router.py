"""The router's loop: take a batch, plan it, commit it; on trouble, go back to what the broker knows is committed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from connectors.errors import AbortAndReplan, ExitForSupervisor, RebuildClient, RetryLater
from connectors.kafka.batch_consumer import BatchConsumer, Committed, Partition, Record
from connectors.kafka.tail import TailReader
from connectors.kafka.transaction import TransactionalProducer
from connectors.telemetry import RoutedBatch
from streams.policy.facts import EpochMillis
from streams.routing.plan import Planner
from streams.routing.policy_feed import PolicyFeed
from streams.routing.repeats import Window

MAX_BATCH = 5_000
BATCH_WAIT_SECONDS = 0.05
_PAUSE_SECONDS = 0.5
_PATIENCE = 120  # pauses before the process gives up for its supervisor

_T = TypeVar("_T")


class RouterTelemetry(Protocol):
    def process_ready(self) -> None: ...
    def process_waiting(self, what: str) -> None: ...
    def process_stopping(self, *, reason: str) -> None: ...
    def batch_committed(self, batch: RoutedBatch) -> None: ...
    def batch_not_committed(self, *, result: str, records: int, error: str) -> None: ...
    def oldest_unrouted(self, received_at_ms: int | None) -> None: ...
    def partitions_assigned(self, count: int) -> None: ...


class Windows:
    """Keeps the planner's windows in step with the partitions this slot owns."""

    def __init__(self, planner: Planner, tail: TailReader, telemetry: RouterTelemetry) -> None:
        self._planner = planner
        self._tail = tail
        self._telemetry = telemetry
        self._owned: set[Partition] = set()

    def gained(self, partitions: Sequence[Committed]) -> None:
        for each in partitions:
            window = Window(each.metadata)
            if each.offset is not None:
                tail = self._tail.read(each.partition, window.tail_start(each.offset), each.offset)
                self._planner.rebuild(window, tail)
            self._planner.own(each.partition, window)
            self._owned.add(each.partition)
        self._telemetry.partitions_assigned(len(self._owned))

    def gave_up(self, partitions: Sequence[Partition]) -> None:
        for each in partitions:
            self._planner.disown(each)
            self._owned.discard(each)
        self._telemetry.partitions_assigned(len(self._owned))


class Router:
    """One slot. Raises `ExitForSupervisor` when the process must end and be started again."""

    def __init__(
        self,
        *,
        consumer: BatchConsumer,
        producer: TransactionalProducer,
        planner: Planner,
        windows: Windows,
        feed: PolicyFeed,
        telemetry: RouterTelemetry,
        clock: Callable[[], float],
        stop: threading.Event,
    ) -> None:
        """`clock` gives Unix time in seconds."""
        self._consumer = consumer
        self._producer = producer
        self._planner = planner
        self._windows = windows
        self._feed = feed
        self._telemetry = telemetry
        self._clock = clock
        self._stop = stop

    def run(self) -> None:
        """Route until told to stop. The batch in hand is finished first."""
        self._telemetry.process_waiting("the transaction coordinator")
        self._patiently(self._producer.open)
        self._telemetry.process_waiting("the rule set")
        self._feed.read_to_end(attempts=_PATIENCE)
        self._planner.use(self._feed.rules)
        self._telemetry.process_ready()
        while not self._stop.is_set():
            self._follow_policy()
            records = self._patiently(lambda: self._consumer.take(MAX_BATCH, BATCH_WAIT_SECONDS))
            if records:
                self._route(records)
            else:
                self._telemetry.oldest_unrouted(None)
        self._telemetry.process_stopping(reason="asked to stop")

    def _follow_policy(self) -> None:
        try:
            changed = self._feed.refresh(0.0)
        except RetryLater:
            return  # the last good rule set stays in force
        if changed:
            self._planner.use(self._feed.rules)

    def _route(self, records: Sequence[Record]) -> None:
        began = self._clock()
        self._telemetry.oldest_unrouted(min(record.timestamp()[1] for record in records))
        planner = self._planner
        try:
            outputs = planner.plan(records, EpochMillis(int(began * 1000)))
            self._producer.commit(outputs, planner.resume(), self._consumer.membership())
        except AbortAndReplan as failure:
            self._telemetry.batch_not_committed(result="aborted", records=len(records), error=str(failure))
            self._go_back(records, rebuild=False)
        except RebuildClient as failure:
            self._telemetry.batch_not_committed(result="unknown", records=len(records), error=str(failure))
            self._patiently(self._producer.open)
            self._go_back(records, rebuild=True)
        except ExitForSupervisor as failure:
            self._telemetry.batch_not_committed(result="fenced", records=len(records), error=str(failure))
            raise
        else:
            planner.committed()
            now = self._clock()
            self._telemetry.batch_committed(planner.tally.batch(now - began, now))

    def _go_back(self, records: Sequence[Record], *, rebuild: bool) -> None:
        """Take up again where the broker says that committed work ends.

        `rebuild` when the batch may have committed after all: the windows are then read back from the topic.
        """
        self._planner.aborted()
        batch = {Partition(record.topic(), record.partition()) for record in records}
        mine = [each for each in self._consumer.assignment() if each in batch]
        positions = self._patiently(lambda: self._consumer.committed(mine)) if mine else []
        if rebuild:
            self._windows.gained(positions)
        self._patiently(lambda: self._consumer.seek(positions))

    def _patiently(self, attempt: Callable[[], _T]) -> _T:
        """Repeat while a pause may cure it; then leave it to the supervisor."""
        for _ in range(_PATIENCE):
            try:
                return attempt()
            except RetryLater as failure:
                reason = str(failure)
                if self._stop.wait(_PAUSE_SECONDS):
                    break
        raise ExitForSupervisor(f"gave up waiting: {reason}")
