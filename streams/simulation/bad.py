"""The catalogue of bad input, and bad records made from an area's traffic."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from connectors.client.outbox import outbox_record
from connectors.kafka.publisher import Outgoing
from schemas.pseudonym import Pseudonymiser
from streams.simulation.bad_bytes import BYTES_KINDS
from streams.simulation.bad_content import CONTENT_KINDS
from streams.simulation.bad_fields import IDENTIFIER_KINDS, TIME_KINDS
from streams.simulation.bad_sources import SOURCE_KINDS
from streams.simulation.spoiling import BadKind, Donor, SeenBy, Spoiled
from streams.simulation.traffic import SimulatedEvent, Traffic

__all__ = ["BAD_KINDS", "BadInput", "BadKind", "BadRecord", "SeenBy", "kind_named"]

BAD_KINDS: tuple[BadKind, ...] = (
    *BYTES_KINDS,
    *IDENTIFIER_KINDS,
    *TIME_KINDS,
    *CONTENT_KINDS,
    *SOURCE_KINDS,
)
_TRIES = 30


class BadRecord(NamedTuple):
    """A record that must be rejected for `kind.reason`, and the good ones to publish before it."""

    kind: BadKind
    record: Outgoing
    before: tuple[Outgoing, ...]
    donor: SimulatedEvent


def kind_named(name: str) -> BadKind:
    """Raises `KeyError` when there is no such kind."""
    for kind in BAD_KINDS:
        if kind.name == name:
            return kind
    raise KeyError(name)


class BadInput:
    """Makes bad records of every kind from the traffic of an area; seeded as the traffic is."""

    def __init__(self, traffic: Traffic, pseudonymiser: Pseudonymiser, seed: int, *, own_topics: bool = False) -> None:
        """`own_topics`: include kinds that are produced to topics which a provisioned area does not have."""
        self._traffic = traffic
        self._pseudonymiser = pseudonymiser
        self._rng = Random(f"{seed}:bad")
        self._types = sorted(traffic.event_types)
        self.kinds = tuple(kind for kind in BAD_KINDS if own_topics or not kind.own_topic)

    def any(self, at_ms: int) -> BadRecord | None:
        """A bad record of a random kind that the area can show."""
        for _ in range(_TRIES):
            made = self.make(self._rng.choice(self.kinds), at_ms)
            if made is not None:
                return made
        return None

    def make(self, kind: BadKind, at_ms: int) -> BadRecord | None:
        """A bad record of one kind; None when the area has no agency or event type that could send it."""
        types = kind.types or self._types
        for _ in range(_TRIES):
            event = self._traffic.compose(self._rng.choice(types), at_ms, kind.fits)
            if event is None:
                continue
            spoiled = kind.spoil(self._donor(event), self._rng)
            if spoiled is not None:
                bad = spoiled if isinstance(spoiled, Spoiled) else Spoiled(spoiled)
                return BadRecord(kind, bad.record, bad.before, event)
        return None

    def _donor(self, event: SimulatedEvent) -> Donor:
        return Donor(event, good_record(event, self._pseudonymiser), self._traffic.roster, self._pseudonymiser)


def good_record(event: SimulatedEvent, pseudonymiser: Pseudonymiser) -> Outgoing:
    """The outbox record of a simulated event."""
    return outbox_record(
        event.event_type,
        event.datum,
        agency=event.agency.id,
        gateway=event.agency.channel == "gateway",
        pseudonymiser=pseudonymiser,
    )
