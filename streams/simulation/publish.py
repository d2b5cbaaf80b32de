"""Publishes simulated events to Kafka: so many, or for ever; paced, or as fast as they can be made.

The shell around the pure generators: it owns the producer, and is given a clock and a way to wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from connectors.kafka.publisher import Outgoing, Published
from schemas.pseudonym import Pseudonymiser
from streams.simulation.bad import BadInput, good_record
from streams.simulation.traffic import SimulatedEvent, Traffic

CHUNK = 500  # records between two waits for acknowledgement, when nothing sets the pace
_PACED_CHUNK_SECONDS = 0.2  # what is due within this time goes out together


class Sink(Protocol):
    """Where records go: `connectors.kafka.publisher.Publisher`."""

    def publish(self, records: Iterable[Outgoing], /) -> list[Published]: ...


@dataclass(slots=True)
class Counts:
    """What was published. Records are good, bad, and good ones that a bad one needs before it."""

    good: Counter[str] = field(default_factory=Counter)  # by how the event came about
    bad: Counter[str] = field(default_factory=Counter)  # by kind of bad input
    types: Counter[str] = field(default_factory=Counter)  # good events by type
    prepared: int = 0

    @property
    def records(self) -> int:
        return self.good.total() + self.bad.total() + self.prepared


class Stream:
    """A mixture of good and bad records, as seeded as its traffic."""

    def __init__(self, traffic: Traffic, bad: BadInput, pseudonymiser: Pseudonymiser, seed: int, share: float) -> None:
        """`share` of the records, 0 to 1, are bad."""
        if not 0 <= share <= 1:
            raise ValueError(f"share of bad input is {share}: it must be between 0 and 1")
        self._traffic = traffic
        self._bad = bad
        self._pseudonymiser = pseudonymiser
        self._rng = Random(f"{seed}:mixture")
        self._share = share

    def records(self, times: Iterable[int], counts: Counts) -> Iterator[Outgoing]:
        """One record for each instant, and sometimes a good one that the bad one after it needs."""
        for at_ms in times:
            wants_bad = self._rng.random() < self._share
            made = self._bad.any(at_ms) if wants_bad else None
            if made is None:
                yield from self._good(at_ms, counts)
                continue
            counts.bad[made.kind.name] += 1
            counts.prepared += len(made.before)
            yield from made.before
            yield made.record

    def _good(self, at_ms: int, counts: Counts) -> Iterator[Outgoing]:
        for event in self._traffic.events((at_ms,)):
            _count(counts, event)
            yield good_record(event, self._pseudonymiser)


def _count(counts: Counts, event: SimulatedEvent) -> None:
    counts.good[event.kind.value] += 1
    counts.types[event.event_type.name] += 1


def publish_all(publisher: Sink, records: Iterable[Outgoing], progress: Callable[[int], None] | None = None) -> int:
    """Publish as fast as possible; how many. Raises `ConnectorFailure`; what was acknowledged stays published."""
    done, chunk = 0, list[Outgoing]()
    for record in records:
        chunk.append(record)
        if len(chunk) >= CHUNK:
            done += len(publisher.publish(chunk))
            chunk = []
            if progress is not None:
                progress(done)
    return done + len(publisher.publish(chunk)) if chunk else done


def publish_paced(
    publisher: Sink,
    make: Callable[[Iterable[int]], Iterable[Outgoing]],
    per_second: float,
    *,
    clock_ms: Callable[[], int],
    wait: Callable[[float], bool],
    limit: int | None = None,
) -> int:
    """Publish at a steady rate, each event at the present, until `limit` or until `wait` says so; how many instants.

    `make` turns instants (epoch milliseconds) into records; `wait(seconds)` returns True when it is time to stop. After
    a stall the rate goes on as before: nothing is made up for.
    """
    done = 0
    owed = 0.0
    last = clock_ms()
    while limit is None or done < limit:
        now = clock_ms()
        owed = min(owed + (now - last) / 1000 * per_second, max(1.0, per_second))
        last = now
        due = int(owed) if limit is None else min(int(owed), limit - done)
        if due:
            publisher.publish(make([now] * due))
            owed -= due
            done += due
        if wait(max(_PACED_CHUNK_SECONDS, (1 - owed) / per_second)):
            break
    return done
