"""Traffic of the area whose rules are in force, and when it is published."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from schemas.registry import load_event_types
from streams.cli.runtime import now_ms
from streams.simulation.agencies import agencies_of, school_days_of
from streams.simulation.rhythm import spread, weekdays
from streams.simulation.traffic import Traffic

MILLIS_PER_DAY = 86_400_000


def traffic_of(document: Mapping[str, Any], area: str | None, seed: int) -> Traffic:
    """Seeded traffic of a compiled rule set. `area` is the main one; None takes the one with most agencies."""
    known = area if area in document["areas"] else None
    return Traffic(
        agencies_of(document),
        load_event_types(),
        seed,
        area=known,
        as_of_ms=now_ms(),
        school_day=weekdays if known is None else school_days_of(document, known),
    )


def instants(traffic: Traffic, events: int, days: float, seed: int) -> list[int]:
    """When to publish so many events, ascending and none in the future: all now, or over the past days."""
    now = now_ms()
    if not days:
        return [now] * events
    rng = Random(f"{seed}:instants")  # noqa: S311 - seeded pseudo-randomness is wanted
    return spread(rng, events, now - int(days * MILLIS_PER_DAY), now, traffic.mix.rate_at)
