"""Live aggregates: what each agency published in the last day, by type, and how old it was. Pure.

Counts are not idempotent by themselves: the offset of the last record counted is kept with them, so a record that is
read again after a crash is not counted again. Events of the restricted lane are not counted at all (P-08).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from streams.followup.faust.seen import Seen

HOUR_MS = 60 * 60 * 1000
HOURS = 24


class Hour(NamedTuple):
    """What was decided in one hour; `age_ms` sums the time from an occurrence to the decision."""

    hour: int  # since the epoch
    events: int
    deliveries: int
    age_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """One agency's events of one type in one audit partition."""

    category: str
    offset: int = -1  # of the last record counted
    last_at: int = 0  # decision of the newest
    hours: tuple[Hour, ...] = ()  # of the last day that had any, oldest first


class Totals(NamedTuple):
    events: int
    deliveries: int
    age_ms: int


def counted(mix: Mix, seen: Seen, offset: int) -> Mix:
    """With this record, unless it was counted already."""
    if offset <= mix.offset:
        return mix
    hour = seen.decided_at // HOUR_MS
    by_hour = {each.hour: each for each in mix.hours}
    old = by_hour.get(hour, Hour(hour, 0, 0, 0))
    age = max(0, seen.decided_at - seen.occurred_at)
    by_hour[hour] = Hour(hour, old.events + 1, old.deliveries + seen.deliveries, old.age_ms + age)
    newest = max(by_hour)
    hours = tuple(by_hour[each] for each in sorted(by_hour) if each > newest - HOURS)
    return replace(mix, offset=offset, last_at=max(mix.last_at, seen.decided_at), hours=hours)


def of_last_day(mixes: Iterable[Mix], now_ms: int) -> Totals:
    """Sums over the last 24 hours begun."""
    since = now_ms // HOUR_MS - HOURS
    hours = [each for mix in mixes for each in mix.hours if each.hour > since]
    return Totals(sum(h.events for h in hours), sum(h.deliveries for h in hours), sum(h.age_ms for h in hours))


def to_bytes(mix: Mix) -> bytes:
    """For the table."""
    return json.dumps([mix.category, mix.offset, mix.last_at, mix.hours], separators=(",", ":")).encode()


def from_bytes(value: bytes | None, category: str = "") -> Mix:
    """From the table; None for a pair that it does not know."""
    if value is None:
        return Mix(category=category)
    known, offset, last_at, hours = json.loads(value)
    return Mix(category=known, offset=offset, last_at=last_at, hours=tuple(Hour(*each) for each in hours))
