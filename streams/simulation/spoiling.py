"""What every kind of bad input has: a name, the reason it must be rejected for, how to make it from a good event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, NamedTuple

from connectors.client.outbox import outbox_record
from connectors.kafka.publisher import Outgoing
from schemas.codec import encode_event
from schemas.pseudonym import Pseudonymiser
from schemas.vocabulary import RejectReason
from schemas.wire import Datum
from streams.simulation.agencies import AreaAgency, Roster
from streams.simulation.template import copied
from streams.simulation.traffic import SimulatedEvent


class SeenBy(StrEnum):
    """Who can tell that it is bad."""

    CODEC = "codec"  # the bytes alone
    VALIDATION = "validation"  # the event alone
    ROUTER = "router"  # size, topic, headers, rule set, what was routed before


class Donor(NamedTuple):
    """A good event, as it would be published, and the area around it."""

    event: SimulatedEvent
    record: Outgoing
    roster: Roster
    pseudonymiser: Pseudonymiser

    def value(self) -> bytes:
        """The good event's bytes."""
        assert self.record.value is not None  # noqa: S101 - an event always has bytes
        return self.record.value

    def datum(self) -> Datum:
        """The event's datum to change."""
        datum: Datum = copied(self.event.datum)
        return datum

    def encoded(self, datum: Datum) -> bytes:
        return encode_event(self.event.event_type, datum)

    def republished(self, datum: Datum, agency: AreaAgency | None = None) -> Outgoing:
        """The record of a changed event, by `agency` instead of its own when given."""
        publisher = agency or self.event.agency
        return outbox_record(
            self.event.event_type,
            datum,
            agency=publisher.id,
            gateway=publisher.channel == "gateway",
            pseudonymiser=self.pseudonymiser,
        )


class Spoiled(NamedTuple):
    """A bad record, and good ones that must be routed before it (same key, so same partition)."""

    record: Outgoing
    before: tuple[Outgoing, ...] = ()


Spoil = Callable[[Donor, Random], Outgoing | Spoiled | None]


def any_agency(agency: AreaAgency) -> bool:
    del agency
    return True


def on_gateway(agency: AreaAgency) -> bool:
    return agency.channel == "gateway"


def on_kafka(agency: AreaAgency) -> bool:
    return agency.channel == "kafka"


@dataclass(frozen=True, kw_only=True)
class BadKind:
    """One kind of bad input.

    `spoil` gives None when this donor cannot show it. `types` are the event types to take donors from, empty for any;
    `path` is the field that the rejection names, where it is always the same. `own_topic`: it is produced to a topic
    that a provisioned area does not have.
    """

    name: str
    reason: RejectReason
    seen_by: SeenBy
    spoil: Spoil
    types: tuple[str, ...] = ()
    fits: Callable[[AreaAgency], bool] = any_agency
    path: str | None = None
    own_topic: bool = False


def set_path(datum: Datum, path: str, value: Any) -> None:
    """Put a value at a dotted path; records on the way must be there."""
    *records, last = path.split(".")
    holder: Any = datum
    for name in records:
        holder = holder[name]
    holder[last] = value


def get_path(datum: Datum, path: str) -> Any:
    """The value at a dotted path, None below an absent record."""
    value: Any = datum
    for name in path.split("."):
        if value is None:
            return None
        value = value[name]
    return value
