"""The audit stream read for a rehearsal: from a time on, to its settled end, by several processes at once."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from connectors.errors import ConnectorFailure, StartFailed
from connectors.kafka import topics
from connectors.kafka.log_ends import LogEnds
from connectors.kafka.offset_consumer import read_ranges
from connectors.kafka.partition import Partition
from connectors.kafka.settings import KafkaSettings
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.policy.artefact import Artefact
from streams.policy.facts import EpochMillis, LocatorToken
from streams.policy.index import RuleSet
from streams.rehearsal.cells import Tally
from streams.rehearsal.rehearse import Period, Rehearsal

# An audit record is written after its decision, so the first one of a time lies at or after that time's first
# timestamp; how long after the decision its timestamp may be is bounded by the router's watchdog and this margin.
_LATE_MS = 900_000
ALONE_RECORDS = 20_000  # no more than this is read in this process: another one takes a second to start
_TELL_EVERY = 2_000
_JOIN_SECONDS = 5.0

Ranges = dict[Partition, tuple[int, int]]  # first offset, and the one after the last
Progress = Callable[[int, int], object]  # (offsets done, offsets in all)


class Task(NamedTuple):
    """What to rehearse. Can be sent to another process."""

    kafka: KafkaSettings
    artefact: Artefact
    key: bytes  # of the exchange's pseudonyms, so that settings on record are recognised
    at: EpochMillis | None
    period: Period


def rehearse_stream(task: Task, *, workers: int, progress: Progress, alone: int = ALONE_RECORDS) -> Tally:
    """Decide everything on the audit stream in `task.period` again, in this process if it is at most `alone` records.

    Raises what reading Kafka raises, and `StartFailed` when a worker process ends unexpectedly.
    """
    ranges = audit_ranges(task.kafka, task.period)
    total = size(ranges)
    if workers <= 1 or total <= alone:
        return _read(task, ranges, lambda done: progress(done, total))
    return _share_out(task, divided(ranges, workers), lambda done: progress(done, total))


def audit_ranges(kafka: KafkaSettings, period: Period) -> Ranges:
    """Where records of this time lie on the audit topic; some at the edges are of another."""
    ends = LogEnds(kafka)
    partitions = ends.partitions(lambda name: name == topics.AUDIT)
    first, last = ends.starts(partitions), ends.settled(partitions)
    if period.since is not None:
        first = {each: max(at, first[each]) for each, at in ends.since(partitions, period.since).items()}
    if period.until is not None:
        last = {each: min(at, last[each]) for each, at in ends.since(partitions, period.until + _LATE_MS).items()}
    return {each: (first[each], last[each]) for each in partitions if first[each] < last[each]}


def size(ranges: Mapping[Partition, tuple[int, int]]) -> int:
    return sum(end - start for start, end in ranges.values())


def divided(ranges: Ranges, parts: int) -> list[Ranges]:
    """The same offsets in at most `parts` parts of nearly equal size, a partition cut where need be."""
    left, room = size(ranges), 0
    found: list[Ranges] = []
    for partition, (start, end) in sorted(ranges.items()):
        at = start
        while at < end:
            if room == 0:
                room = -(-left // (parts - len(found)))
                found.append({})
            taken = min(room, end - at)
            found[-1][partition] = (at, at + taken)
            at, room, left = at + taken, room - taken, left - taken
    return found


def _read(task: Task, ranges: Ranges, told: Callable[[int], object]) -> Tally:
    event_types = load_event_types()
    locator = Pseudonymiser(task.key).locator

    def token(scheme: str, code: str) -> LocatorToken:
        return LocatorToken(locator(scheme, code))

    rules = RuleSet.build(task.artefact, event_types, token)
    rehearsal = Rehearsal(rules, event_types, at=task.at, period=task.period)
    records = read_ranges(task.kafka, ranges, client_id="masa-rehearsal", headers=False)
    for done, record in enumerate(records, start=1):
        rehearsal.feed(record.value)
        if done % _TELL_EVERY == 0:
            told(done)
    told(size(ranges))  # fewer records than offsets: transactions have markers
    return rehearsal.tally


def _share_out(task: Task, parts: list[Ranges], told: Callable[[int], object]) -> Tally:
    """One process a part; `told` hears how many records all of them have read."""
    start = multiprocessing.get_context("spawn")  # a forked Kafka client does not work
    whole = Tally()
    done: dict[Connection, int] = {}
    processes = []
    try:
        for part in parts:
            ours, theirs = start.Pipe()
            process = start.Process(target=_work, args=(task, part, theirs), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            done[ours] = 0
        for source, message in _messages(list(done)):
            if isinstance(message, Tally):
                whole.merge(message)
            else:
                done[source] = message
                told(sum(done.values()))
    finally:
        for process in processes:
            process.terminate()
            process.join(_JOIN_SECONDS)
    return whole


def _messages(sources: list[Connection]) -> Iterator[tuple[Connection, int | Tally]]:
    """What the workers say, until each has handed in its tally. Raises what one of them raised."""
    while sources:
        for source in wait(sources):
            assert isinstance(source, Connection)  # noqa: S101 - nothing else was given
            try:
                message = source.recv()
            except EOFError:
                raise StartFailed("a worker of the rehearsal ended unexpectedly: try again with --workers 1") from None
            if isinstance(message, Exception):
                raise message
            if isinstance(message, Tally):
                sources.remove(source)
            yield source, message


def _work(task: Task, part: Ranges, parent: Connection) -> None:
    """The worker process."""
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        try:
            parent.send(_read(task, part, parent.send))
        except ConnectorFailure as failure:
            parent.send(failure)
