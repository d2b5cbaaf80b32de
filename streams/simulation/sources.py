"""Which agency publishes which event type how often: the mix of an area's traffic at an hour."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate
from random import Random
from typing import NamedTuple

from schemas.registry import EventType
from schemas.vocabulary import HEARTBEAT, UNMANNED_ROLES
from streams.simulation.agencies import AreaAgency, Roster
from streams.simulation.rhythm import PUBLISHING_ROLES, SchoolDay, local_time, rate_per_hour

OF_THE_EXCHANGE = frozenset({"control.notice", HEARTBEAT})
_NEIGHBOUR_SHARE = 0.1  # of a neighbouring area's events, those that concern this one


class Source(NamedTuple):
    agency: AreaAgency
    event_type: EventType


class SourceMix:
    """Sources weighted by the hour. Remembers each kind of hour once."""

    def __init__(self, roster: Roster, event_types: Iterable[EventType], school_day: SchoolDay) -> None:
        self._area = roster.area
        self._school_day = school_day
        self.sources: list[Source] = [
            Source(agency, event_type)
            for event_type in event_types
            for area in roster.areas
            for agency in publishers(roster, area, event_type)
        ]
        self._weights: dict[tuple[int, int, bool], list[float]] = {}

    def rate_at(self, at_ms: int) -> float:
        """Events an hour of the whole area."""
        weights = self._cumulative(local_time(at_ms))
        return weights[-1] if weights else 0.0

    def choose(self, rng: Random, at_ms: int) -> Source:
        """Whose event of which type it is. Raises `ValueError` when nobody may publish anything."""
        if not self.sources:
            raise ValueError("no agency of the area may publish any event type")
        weights = self._cumulative(local_time(at_ms))
        if weights[-1] <= 0:
            return rng.choice(self.sources)
        return rng.choices(self.sources, cum_weights=weights)[0]

    def of_type(self, event_type: str) -> list[Source]:
        """Sources of one event type, the main area's first."""
        found = [source for source in self.sources if source.event_type.name == event_type]
        return sorted(found, key=lambda source: source.agency.area != self._area)

    def _cumulative(self, at: datetime) -> list[float]:
        key = (at.weekday(), at.hour, self._school_day(at.date()))
        known = self._weights.get(key)
        if known is None:
            rates = (
                rate_per_hour(source.event_type.name, source.agency.category, at, self._school_day)
                * (1.0 if source.agency.area == self._area else _NEIGHBOUR_SHARE)
                for source in self.sources
            )
            known = self._weights[key] = list(accumulate(rates))
        return known


def publishers(roster: Roster, area: str, event_type: EventType) -> list[AreaAgency]:
    """Agencies of an area that publish a type: of each category those whose function it is, else all of it.

    The exchange speaks for itself: what it has to say is about real deliveries and is never made up.
    """
    if event_type.name in OF_THE_EXCHANGE:
        return []
    roles = frozenset(PUBLISHING_ROLES.get(event_type.name, ()))
    found: list[AreaAgency] = []
    for category in event_type.publishers:
        everyone = roster.of_category(category.value, area)
        agencies = [agency for agency in everyone if UNMANNED_ROLES.isdisjoint(agency.roles)]
        fitting = [agency for agency in agencies if roles.intersection(agency.roles)]
        found.extend(fitting or agencies)
    return found
