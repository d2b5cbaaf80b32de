"""Deadlines, worked out by hand in Europe/London time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from streams.policy.clocks import Calendar, ack_by, joined, soonest
from streams.policy.facts import EpochMillis
from streams.policy.words import Clock

LONDON = ZoneInfo("Europe/London")
CALENDAR = Calendar(
    bank_holidays=frozenset({date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1), date(2027, 3, 26)}),
    terms=(
        (date(2026, 9, 2), date(2026, 10, 23)),
        (date(2026, 11, 2), date(2026, 12, 18)),
        (date(2027, 1, 4), date(2027, 2, 12)),
        (date(2027, 2, 22), date(2027, 3, 25)),
    ),
)


def london(text: str) -> EpochMillis:
    """`2026-10-05 18:00` on a clock in London."""
    return EpochMillis(round(datetime.fromisoformat(text).replace(tzinfo=LONDON).timestamp() * 1000))


@pytest.mark.parametrize(
    ("clock", "start", "due"),
    [
        ("PT15M", "2026-10-05 18:00", "2026-10-05 18:15"),
        ("PT1H", "2026-10-05 23:30", "2026-10-06 00:30"),
        ("PT4H", "2026-10-05 18:00", "2026-10-05 22:00"),
        ("PT72H", "2026-10-23 12:00", "2026-10-26 11:00"),  # an hour of winter time is in between
        ("1WD", "2026-10-05 09:00", "2026-10-07 00:00"),  # a Monday: the end of Tuesday
        ("1WD", "2026-10-09 17:00", "2026-10-13 00:00"),  # a Friday: the end of Monday
        ("1WD", "2026-10-10 12:00", "2026-10-13 00:00"),  # a Saturday: the end of Monday
        ("2WD", "2026-10-08 17:00", "2026-10-13 00:00"),
        ("5WD", "2026-12-23 10:00", "2027-01-05 00:00"),  # Christmas, its substitute day and New Year do not count
        ("1WD", "2027-03-25 10:00", "2027-03-30 00:00"),  # Good Friday does not count; here Easter Monday would
        ("5SD", "2026-10-20 10:00", "2026-11-04 00:00"),  # 21, 22, 23 October, half term, 2 and 3 November
        ("10SD", "2026-10-05 10:00", "2026-10-20 00:00"),
        ("NEXT_SCHOOL_DAY", "2026-10-05 18:00", "2026-10-06 08:00"),
        ("NEXT_SCHOOL_DAY", "2026-10-06 02:30", "2026-10-06 08:00"),  # in the night before school
        ("NEXT_SCHOOL_DAY", "2026-10-06 08:00", "2026-10-07 08:00"),  # school has begun
        ("NEXT_SCHOOL_DAY", "2026-10-09 20:00", "2026-10-12 08:00"),  # Friday evening
        ("NEXT_SCHOOL_DAY", "2026-10-23 20:00", "2026-11-02 08:00"),  # the Friday before half term
        ("NEXT_SCHOOL_DAY", "2026-12-20 03:00", "2027-01-04 08:00"),  # Christmas
        ("NEXT_SCHOOL_DAY", "2027-03-24 22:00", "2027-03-25 08:00"),
    ],
)
def test_a_deadline(clock: str, start: str, due: str) -> None:
    assert ack_by(clock, london(start), CALENDAR) == london(due)


def test_hours_are_hours_when_the_clocks_change() -> None:
    """Four hours over the night of 25 October 2026 are four hours, though the wall clock shows three."""
    start = EpochMillis(round(datetime(2026, 10, 24, 23, 30, tzinfo=UTC).timestamp() * 1000))
    assert ack_by("PT4H", start, CALENDAR) == start + 4 * 3_600_000


def test_no_clock_no_deadline() -> None:
    assert ack_by("NONE", london("2026-10-05 18:00"), CALENDAR) is None


def test_a_calendar_that_has_ended_gives_no_deadline() -> None:
    """Terms are data; past their end nobody can say when school begins."""
    assert ack_by("NEXT_SCHOOL_DAY", london("2027-03-25 12:00"), CALENDAR) is None
    assert ack_by("5SD", london("2027-03-25 12:00"), CALENDAR) is None


def test_an_unknown_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="SOON"):
        ack_by("SOON", london("2026-10-05 18:00"), CALENDAR)


def test_every_clock_has_a_rank() -> None:
    """Of several rules the most urgent clock counts."""
    assert soonest(clock.value for clock in Clock) == "PT15M"
    assert soonest(["5WD", "NONE", "1WD"]) == "1WD"
    assert soonest(["NONE"]) == "NONE"
    assert soonest([]) == "NONE"


def test_of_several_calendars_every_day_that_counts_anywhere_counts() -> None:
    """Deadlines then come no later than in any of the areas."""
    other = Calendar(bank_holidays=frozenset(), terms=((date(2026, 10, 26), date(2026, 10, 30)),))
    both = joined([CALENDAR, other])
    assert both.is_school_day(date(2026, 10, 26))
    assert both.is_working_day(date(2026, 12, 25))
    assert ack_by("NEXT_SCHOOL_DAY", london("2026-10-23 20:00"), both) == london("2026-10-26 08:00")
