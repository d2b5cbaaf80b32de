"""When events are published."""

from __future__ import annotations

from datetime import date, datetime
from itertools import islice, pairwise
from random import Random

import pytest

from schemas.registry import load_event_types
from streams.simulation.agencies import Roster
from streams.simulation.rhythm import (
    LONDON,
    MILLIS_PER_HOUR,
    Profile,
    evenly,
    local_time,
    naturally,
    rate_per_hour,
    spread,
    weekdays,
    weight,
)
from streams.simulation.sources import OF_THE_EXCHANGE, SourceMix, publishers
from tests.unit.simulation.area import NOW_MS, WEEK_MS, agencies

SATURDAY_NIGHT = datetime(2026, 11, 28, 23, tzinfo=LONDON)
TUESDAY_MORNING = datetime(2026, 11, 24, 10, tzinfo=LONDON)
SUNDAY = datetime(2026, 11, 29, 10, tzinfo=LONDON)


def test_domestic_abuse_comes_at_night_and_at_weekends() -> None:
    """Police publish several times as many on Saturday night as on a weekday morning."""
    kind = ("police.domestic-abuse-incident", "POLICE")
    assert rate_per_hour(*kind, SATURDAY_NIGHT) > 4 * rate_per_hour(*kind, TUESDAY_MORNING)


def test_schools_publish_on_school_days_only() -> None:
    """Nothing on Sunday, nothing in the holidays, something on a school morning."""
    kind = ("education.absence-concern", "SCHOOL")
    assert rate_per_hour(*kind, TUESDAY_MORNING) > 0
    assert rate_per_hour(*kind, SUNDAY) == 0
    assert rate_per_hour(*kind, TUESDAY_MORNING, lambda day: False) == 0


@pytest.mark.parametrize("shape", list(Profile))
def test_a_weeks_weights_average_one(shape: Profile) -> None:
    """So that a weekly figure stays the weekly figure whatever its shape."""
    total = sum(weight(shape, day, hour) for day in range(7) for hour in range(24))
    assert total == pytest.approx(168)


def test_local_time_knows_summer_time() -> None:
    """An instant at noon UTC in July is one o'clock in England."""
    assert local_time(1_784_203_200_000).hour == 13
    assert local_time(NOW_MS).hour == 10


def test_even_instants_keep_their_rate() -> None:
    """Two a second are half a second apart."""
    assert list(islice(evenly(NOW_MS, 2.0), 3)) == [NOW_MS, NOW_MS + 500, NOW_MS + 1000]


def test_natural_instants_follow_the_rate_of_their_hour() -> None:
    """An hour ten times as busy has about ten times as many events; a silent hour has none."""

    def rate(at_ms: int) -> float:
        return (0.0, 10.0, 100.0)[at_ms // MILLIS_PER_HOUR % 3]

    counts = [0, 0, 0]
    times = list(islice(naturally(Random(1), 0, rate), 4_000))
    for at in times:
        counts[at // MILLIS_PER_HOUR % 3] += 1
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert counts[0] == 0
    assert 8 < counts[2] / counts[1] < 12.5


def test_an_area_that_publishes_nothing_is_an_error_not_an_endless_loop() -> None:
    """A rate of nothing for a year is said to be one."""
    with pytest.raises(ValueError) as raised:
        next(naturally(Random(1), NOW_MS, lambda at: 0.0))
    assert "nothing is published" in str(raised.value)


def test_spread_instants_stay_inside_their_span_in_order() -> None:
    """As many as asked for, none outside."""
    times = spread(Random(2), 500, NOW_MS - WEEK_MS, NOW_MS, lambda at: 1.0)
    assert len(times) == 500
    assert times == sorted(times)
    assert times[0] >= NOW_MS - WEEK_MS
    assert times[-1] < NOW_MS


def test_councils_publish_through_the_function_that_does() -> None:
    """Of two council agencies only the one with the role sends plans for special needs."""
    event_type = load_event_types()["send.status"]
    assert [agency.id for agency in publishers(Roster(agencies()), "testshire", event_type)] == ["test-send"]


def test_every_event_type_has_a_source_and_the_mix_changes_with_the_hour() -> None:
    """All types are reachable but the exchange's own; by night other types lead than by day."""
    event_types = load_event_types()
    mix = SourceMix(Roster(agencies()), event_types.values(), weekdays)
    assert {source.event_type.name for source in mix.sources} == set(event_types) - OF_THE_EXCHANGE
    rng = Random(5)
    night = int(SATURDAY_NIGHT.timestamp() * 1000)
    chosen = [mix.choose(rng, night).agency.category for _ in range(300)]
    assert chosen.count("POLICE") > 150
    assert "SCHOOL" not in chosen
    assert weekdays(date(2026, 11, 24))
