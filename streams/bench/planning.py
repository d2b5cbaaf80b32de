"""How long planning an event takes: from a record to its deliveries and its audit record. No broker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from connectors.kafka import topics
from connectors.kafka.partition import Partition
from schemas.acceleration import Acceleration
from schemas.registry import EventTypes
from streams.bench.scenario import PUBLISHERS, Sample, Size, samples
from streams.bench.typical import planner_of
from streams.policy.facts import EpochMillis
from streams.routing.repeats import Window

_EVENTS = 4_000
_BATCH = 1_000
_ROUNDS = 7


class Waiting(NamedTuple):
    """A sample as the client holds it, so that handing it out costs next to nothing."""

    source: str
    number: int
    raw: bytes
    said: list[tuple[str, bytes]]
    at: tuple[int, int]

    def topic(self) -> str:
        return self.source

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.number

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes | None:
        return self.raw

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self.said

    def timestamp(self) -> tuple[int, int]:
        return self.at


def plan_micros(
    event_types: EventTypes, built: Acceleration, now: datetime, timer: Callable[[], int], *, practices: bool
) -> float:
    """Microseconds an event, the best of several rounds over the same events. `timer` gives nanoseconds.

    With `practices` no two events are about the same settings, and what one round worked out does not serve the next.
    """
    size, millis = Size(), EpochMillis(int(now.timestamp() * 1000))
    given = samples(event_types, _EVENTS * (_ROUNDS if practices else 1), 5, now, practices=practices)
    records = [_waiting(sample, number, millis) for number, sample in enumerate(given)]
    planner = planner_of(size, event_types, built=built)
    best = 0.0
    for turn in range(_ROUNDS):
        part = records[turn * _EVENTS :][:_EVENTS] if practices else records
        for number in range(PUBLISHERS):
            planner.own(Partition(topics.outbox(f"police-{number}"), 0), Window())
        spent = 0
        for start in range(0, _EVENTS, _BATCH):
            batch = part[start : start + _BATCH]
            began = timer()
            outputs = list(planner.plan(batch, millis))
            spent += timer() - began
            if len(outputs) != (size.recipients + 1) * len(batch):
                raise AssertionError(f"{len(outputs)} outputs of {len(batch)} events: not measured")
            planner.committed()
        best = min(best or spent, spent)
    return best / _EVENTS / 1000


def _waiting(sample: Sample, number: int, at: int) -> Waiting:
    said = [(name, value.encode() if isinstance(value, str) else value or b"") for name, value in sample.headers]
    return Waiting(topics.outbox(sample.publisher), number, sample.value, said, (1, at))
