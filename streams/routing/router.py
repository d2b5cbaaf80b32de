"""The router's loop: take a batch, plan it, commit it; on trouble, go back to what the broker knows is committed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from typing import NamedTuple, Protocol, TypeVar

from connectors.errors import AbortAndReplan, ConnectorFailure, ExitForSupervisor, RebuildClient, RetryLater
from connectors.kafka.batch_consumer import BatchConsumer, Committed, Record
from connectors.kafka.partition import Partition
from connectors.kafka.tail import TailReader
from connectors.kafka.transaction import Output, Resume, TransactionalProducer
from connectors.telemetry import RoutedBatch
from streams.policy.facts import EpochMillis
from streams.routing.plan import Planner
from streams.routing.policy_feed import PolicyFeed
from streams.routing.register_feed import RegisterFeed
from streams.routing.repeats import Window
from streams.routing.tally import Tally
from streams.routing.watchdog import Watchdog

# A commit costs one request an output partition, some 50 ms for 50 inboxes, however many records it is for: batches of
# 1,000, 2,000 and 5,000 gave 11,000, 19,000 and 26,000 events/s in one run. The last thousand cost memory only.
MAX_BATCH = 4_000
# Planned while the one before commits; the rest goes to the client as it is planned, so that a batch is in memory once.
AHEAD_OUTPUTS = 8_000
BATCH_WAIT_SECONDS = 0.05
TRANSACTION_TIMEOUT_MS = 12_000
# By then the broker has aborted the transaction: whatever the client still waits for will not come.
COMMIT_SECONDS = TRANSACTION_TIMEOUT_MS / 1000 + 3
_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
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

    def __init__(
        self, planner: Planner, tail: TailReader, telemetry: RouterTelemetry, beat: Callable[[], None]
    ) -> None:
        """`beat` is called for every record read back: a long tail is no standstill."""
        self._beat = beat
        self._planner = planner
        self._tail = tail
        self._telemetry = telemetry
        self._owned: set[Partition] = set()
        self.changed = False  # set at every rebalance, for the loop to see
        self.await_commit: Callable[[], None] = _nothing_under_way

    def gained(self, partitions: Sequence[Committed]) -> None:
        self._rebalancing()
        windows = {each.partition: Window(each.metadata) for each in partitions}
        tails = {
            each.partition: (windows[each.partition].tail_start(each.offset), each.offset)
            for each in partitions
            if each.offset is not None
        }
        for record in self._tail.read(tails):
            self._beat()
            self._planner.rebuild(windows[Partition(record.topic(), record.partition())], (record,))
        for partition, window in windows.items():
            self._planner.own(partition, window)
            self._owned.add(partition)
        self._telemetry.partitions_assigned(len(self._owned))

    def gave_up(self, partitions: Sequence[Partition]) -> None:
        self._rebalancing()
        for each in partitions:
            self._planner.disown(each)
            self._owned.discard(each)
        self._telemetry.partitions_assigned(len(self._owned))

    def _rebalancing(self) -> None:
        """What is being committed was read under the old assignment: it ends before the new one begins."""
        self.await_commit()
        self.changed = True


def _drained(outputs: deque[Output]) -> Iterator[Output]:
    """Each of them, forgotten once the client has it."""
    while outputs:
        yield outputs.popleft()


def _nothing_under_way() -> None:
    return None


class UnderWay(NamedTuple):
    """A batch whose transaction is being committed in the background."""

    commit: Future[None]
    records: Sequence[Record]
    tally: Tally
    began: float  # Unix seconds


class Router:
    """One slot. While the broker commits a batch, the next one is already taken and planned.

    Raises `ExitForSupervisor` when the process must end and be started again.
    """

    def __init__(
        self,
        *,
        consumer: BatchConsumer,
        producer: TransactionalProducer,
        planner: Planner,
        windows: Windows,
        feed: PolicyFeed,
        register: RegisterFeed,
        telemetry: RouterTelemetry,
        clock: Callable[[], float],
        stop: threading.Event,
        watchdog: Watchdog,
    ) -> None:
        """`clock` gives Unix time in seconds; `watchdog` notices a loop or a commit that stands still."""
        self._watchdog = watchdog
        self._beat = watchdog.beat
        self._consumer = consumer
        self._producer = producer
        self._planner = planner
        self._windows = windows
        self._feed = feed
        self._register = register
        self._telemetry = telemetry
        self._clock = clock
        self._stop = stop
        self._under_way: UnderWay | None = None
        self._failures = 0  # batches not committed since the last that was
        self._background = ThreadPoolExecutor(1, thread_name_prefix="commit")
        windows.await_commit = self._await_commit

    def run(self) -> None:
        """Route until told to stop. The batch in hand is finished first."""
        self._telemetry.process_waiting("the transaction coordinator")
        self._patiently(self._producer.open)
        self._telemetry.process_waiting("the rule set")
        if not self._feed.read_to_end(_PATIENCE, self._beat):
            # Routing without rules would hold everything although there may well be a rule set.
            raise ExitForSupervisor("gave up reading the rule set: is the broker reachable?")
        self._telemetry.process_waiting("the relationship register")
        if not self._register.read_to_end(_PATIENCE, self._beat):
            raise ExitForSupervisor("gave up reading the relationship register: is the broker reachable?")
        self._planner.use(self._feed.rules)
        self._telemetry.process_ready()
        while not self._stop.is_set():
            self._follow_policy()
            self._follow_register()
            self._turn(self._patiently(lambda: self._consumer.take(MAX_BATCH, BATCH_WAIT_SECONDS)))
        self._settle()
        self._telemetry.process_stopping(reason="asked to stop")

    def _await_commit(self) -> None:
        """Until the batch under way is decided, however; what came of it is dealt with by `_settle`."""
        if self._under_way is not None:
            wait([self._under_way.commit])

    def _follow_policy(self) -> None:
        try:
            changed = self._feed.refresh(0.0)
        except RetryLater:
            return  # the last good rule set stays in force
        if changed:
            self._planner.use(self._feed.rules)

    def _follow_register(self) -> None:
        try:
            self._register.refresh(0.0)
        except RetryLater:
            return  # what is known so far still holds

    def _turn(self, records: Sequence[Record]) -> None:
        """Plan `records`, see the batch before them through, then set their own transaction going."""
        if self._windows.changed:
            self._windows.changed = False
            if not self._settle(also=records):
                return
        if not records:
            if self._under_way is None:
                self._telemetry.oldest_unrouted(None)
            elif self._under_way.commit.done():
                self._settle()
            return
        began = self._clock()
        if self._under_way is None:
            self._telemetry.oldest_unrouted(min(record.timestamp()[1] for record in records))
        planned = self._planner.plan(records, EpochMillis(int(began * 1000)))
        ahead = deque(islice(planned, AHEAD_OUTPUTS))
        batch = self._under_way
        if not self._committed(also=records):
            return
        try:
            self._producer.begin(chain(_drained(ahead), planned))
        except ConnectorFailure as failure:
            self._keep(batch)
            self._recover(failure, records)
            return
        self._keep(batch)
        tally = self._planner.tally
        self._telemetry.oldest_unrouted(tally.oldest())
        commit = self._background.submit(self._finish, list(self._planner.resume()), self._consumer.membership())
        self._under_way = UnderWay(commit, records, tally, began)

    def _finish(self, offsets: Sequence[Resume], membership: object) -> None:
        with self._watchdog.bounded(COMMIT_SECONDS):
            self._producer.finish(offsets, membership)

    def _settle(self, also: Sequence[Record] = ()) -> bool:
        """Wait for the batch under way; false when it failed and was rolled back, with `also` planned on top of it."""
        batch = self._under_way
        if not self._committed(also):
            return False
        self._keep(batch)
        return True

    def _committed(self, also: Sequence[Record]) -> bool:
        """As `_settle`, but what the batch changed is yet to be kept: not while another one is half planned."""
        batch, self._under_way = self._under_way, None
        if batch is None:
            return True
        self._beat()
        try:
            batch.commit.result()
        except ConnectorFailure as failure:
            self._recover(failure, [*batch.records, *also])
            return False
        return True

    def _keep(self, batch: UnderWay | None) -> None:
        """What a committed batch changed holds from now on, and is told."""
        if batch is None:
            return
        self._failures = 0
        self._planner.committed()
        now = self._clock()
        self._telemetry.batch_committed(batch.tally.batch(now - batch.began, now))

    def _recover(self, failure: ConnectorFailure, records: Sequence[Record]) -> None:
        """Put things back to what is committed, or raise what the supervisor must see."""
        tell = self._telemetry.batch_not_committed
        if isinstance(failure, AbortAndReplan):
            tell(result="aborted", records=len(records), error=str(failure))
            self._go_back(records, rebuild=False)
        elif isinstance(failure, RebuildClient):
            tell(result="unknown", records=len(records), error=str(failure))
            self._patiently(self._producer.open)
            self._go_back(records, rebuild=True)
        else:
            tell(result="fenced", records=len(records), error=str(failure))
            raise failure
        # What fails again and again (a permission taken away, a missing inbox) must not keep the broker busy.
        self._stop.wait(min(_LONGEST_PAUSE_SECONDS, _PAUSE_SECONDS * self._failures))
        self._failures += 1

    def _go_back(self, records: Sequence[Record], *, rebuild: bool) -> None:
        """Take up again where the broker says that committed work ends. `records` are those of every batch in hand.

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
            self._beat()
            try:
                return attempt()
            except RetryLater as failure:
                reason = str(failure)
                if self._stop.wait(_PAUSE_SECONDS):
                    break
        raise ExitForSupervisor(f"gave up waiting: {reason}")
