"""The router's planning without a broker: records as the consumer gives them in, what would be produced out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from connectors.client.outbox import outbox_record
from connectors.kafka import topics
from connectors.kafka.partition import Partition
from connectors.kafka.publisher import Outgoing
from connectors.kafka.transaction import Output, Resume
from schemas.acceleration import PLAIN, Acceleration
from schemas.codec import decode_event, decode_record
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType, load_event_types
from streams.policy.facts import EpochMillis
from streams.policy.index import RuleSet
from streams.routing.intake import Intake
from streams.routing.plan import Planner
from streams.routing.repeats import Window
from tests.events import NOW_MS

PSEUDONYMS = Pseudonymiser(b"a key of the planning tests, thirty-two bytes and more")


@cache
def intake() -> Intake:
    """One for all tests: compiling every event type's cutter takes a second, and it remembers nothing of an event."""
    return Intake(load_event_types(), PSEUDONYMS)


@dataclass(frozen=True)
class Arrived:
    """A record as the Kafka client gives it."""

    outgoing: Outgoing
    at_offset: int
    at_ms: int = NOW_MS

    def topic(self) -> str:
        return self.outgoing.topic

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.at_offset

    def key(self) -> bytes | None:
        return _raw(self.outgoing.key)

    def value(self) -> bytes | None:
        return self.outgoing.value

    def headers(self) -> list[tuple[str, bytes]] | None:
        return [(name, _raw(value) or b"") for name, value in self.outgoing.headers] or None

    def timestamp(self) -> tuple[int, int]:
        return 1, self.at_ms


@dataclass(frozen=True)
class Delivery:
    """A record for an inbox, read back."""

    output: Output
    headers: dict[str, str]
    event_type: EventType
    datum: dict[str, Any]

    @property
    def agency(self) -> str:
        return self.headers["masa-recipient"]

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.headers["masa-role"].split(","))

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(self.headers["masa-rule"].split(","))


@dataclass(frozen=True)
class Planned:
    """Everything that a batch would produce."""

    outputs: tuple[Output, ...]
    resume: tuple[Resume, ...] = field(repr=False)

    @property
    def deliveries(self) -> list[Delivery]:
        inboxes = [output for output in self.outputs if output[0].endswith("inbox")]
        return [_delivery(output) for output in inboxes]

    @property
    def audits(self) -> list[dict[str, Any]]:
        return [decode_record("audit", output[1] or b"") for output in self.to(topics.AUDIT)]

    @property
    def held(self) -> list[dict[str, Any]]:
        return [decode_record("held", output[1] or b"") for output in self.to(topics.HELD)]

    @property
    def rejected(self) -> list[dict[str, Any]]:
        return [decode_record("rejected", output[1] or b"") for output in self.to(topics.REJECTED)]

    def to(self, topic: str) -> list[Output]:
        return [output for output in self.outputs if output[0] == topic]


class Desk:
    """A planner with its windows: what one router slot knows. Batches commit unless told otherwise."""

    def __init__(self, rules: RuleSet | None, built: Acceleration = PLAIN) -> None:
        self.planner = Planner(intake(), PSEUDONYMS, 0, built=built)
        self.planner.use(rules)
        self._owned: set[Partition] = set()

    def own(self, topic: str, window: Window) -> None:
        self.planner.own(Partition(topic, 0), window)
        self._owned.add(Partition(topic, 0))

    def plan(self, records: Sequence[Arrived], *, now: int = NOW_MS, commit: bool = True) -> Planned:
        for record in records:
            if Partition(record.topic(), 0) not in self._owned:
                self.own(record.topic(), Window())
        outputs = tuple(self.planner.plan(records, EpochMillis(now)))
        planned = Planned(outputs, tuple(self.planner.resume()))
        if commit:
            self.planner.committed()
        else:
            self.planner.aborted()
        return planned


def sent(
    event_type: EventType,
    datum: dict[str, Any],
    *,
    agency: str,
    gateway: bool = False,
    offset: int = 0,
    at: int = NOW_MS,
) -> Arrived:
    """The record of an event that `agency` published the ordinary way."""
    outgoing = outbox_record(event_type, datum, agency=agency, gateway=gateway, pseudonymiser=PSEUDONYMS)
    return Arrived(outgoing, offset, at)


def key_and_headers(outputs: Iterable[Output]) -> bytes:
    """All that travels beside the values, as one text for searching."""
    said: list[bytes] = []
    for topic, _, key, headers in outputs:
        said += [topic.encode(), _raw(key) or b""]
        for name, value in headers or []:
            said += [name.encode(), _raw(value) or b""]
    return b"\n".join(said)


def _delivery(output: Output) -> Delivery:
    decoded = decode_event(output[1] or b"")
    headers = {name: (_raw(value) or b"").decode() for name, value in output[3] or []}
    return Delivery(output, headers, decoded.event_type, decoded.datum)


def _raw(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
