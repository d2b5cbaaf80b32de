"""The very records that the router writes for the standard scenario, for the raw pass-through to write as well.

So both sides move the same bytes with the same headers to the same topics, and their ratio says what reading,
validating, deciding, projecting, auditing and the transaction cost.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from connectors.kafka import topics
from connectors.kafka.partition import Partition
from connectors.kafka.transaction import Output
from schemas.acceleration import PLAIN, Acceleration
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventTypes
from streams.bench.scenario import PUBLISHERS, Sample, Size, artefact_of, samples
from streams.policy.facts import EpochMillis, LocatorToken
from streams.policy.index import RuleSet
from streams.routing.intake import Intake
from streams.routing.plan import Planner
from streams.routing.repeats import Window

_EVENTS = 480  # ten for each of the 48 schools


class SampleRecord(NamedTuple):
    """A sample as if it had been read from its outbox."""

    sample: Sample
    number: int
    received_at: int

    def topic(self) -> str:
        return topics.outbox(self.sample.publisher)

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.number

    def key(self) -> bytes:
        return self.sample.key.encode()

    def value(self) -> bytes:
        return self.sample.value

    def headers(self) -> list[tuple[str, bytes]]:
        return [
            (name, value.encode() if isinstance(value, str) else value or b"") for name, value in self.sample.headers
        ]

    def timestamp(self) -> tuple[int, int]:
        return 1, self.received_at


def planner_of(size: Size, event_types: EventTypes, key: bytes = b"b" * 32, built: Acceleration = PLAIN) -> Planner:
    """A router's planner for an area of that size, owning the publishers' outboxes."""
    pseudonymiser = Pseudonymiser(key)
    planner = Planner(Intake(event_types, pseudonymiser), pseudonymiser, slot=0, built=built)
    planner.use(
        RuleSet.build(
            artefact_of(size, event_types),
            event_types,
            lambda scheme, code: LocatorToken(pseudonymiser.locator(scheme, code)),
        )
    )
    for number in range(PUBLISHERS):
        planner.own(Partition(topics.outbox(f"police-{number}"), 0), Window())
    return planner


def raw_topic(topic: str) -> str:
    """Where the raw pass-through writes what the router writes to `topic`."""
    return f"raw.{topic}"


def raw_outputs(event_types: EventTypes, now: datetime) -> list[list[Output]]:
    """For each of some hundred events, the four records that the router writes for it, to topics of their own."""
    planner = planner_of(Size(), event_types)
    millis = EpochMillis(int(now.timestamp() * 1000))
    found = []
    for number, sample in enumerate(samples(event_types, _EVENTS, 7, now)):
        outputs = planner.plan([SampleRecord(sample, number, millis)], millis)
        found.append([(raw_topic(topic), value, key, headers) for topic, value, key, headers in outputs])
    return found
