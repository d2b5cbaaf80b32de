"""When a delivery must be acknowledged: clock names to instants, in Europe/London time (requirement D-03).

Working days are Monday to Friday without the area's bank holidays. School days are working days within the area's
terms. A clock counted in days ends at the end of its last day; `NEXT_SCHOOL_DAY` ends when the next school day begins
at 08:00, so that a school knows before the child walks in; an event after that on a school day counts to the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from streams.policy.facts import EpochMillis
from streams.policy.words import Clock

LONDON = ZoneInfo("Europe/London")
SCHOOL_BEGINS = time(8, 0)
SEARCH_DAYS = 400  # a calendar without a school day in this time has no answer

_MINUTES = {Clock.PT15M: 15, Clock.PT1H: 60, Clock.PT4H: 240, Clock.PT72H: 72 * 60}
_WORKING_DAYS = {Clock.WD1: 1, Clock.WD2: 2, Clock.WD5: 5}
_SCHOOL_DAYS = {Clock.SD5: 5, Clock.SD10: 10}
_ORDER = (
    Clock.PT15M,
    Clock.PT1H,
    Clock.PT4H,
    Clock.NEXT_SCHOOL_DAY,
    Clock.WD1,
    Clock.WD2,
    Clock.PT72H,
    Clock.WD5,
    Clock.SD5,
    Clock.SD10,
    Clock.NONE,
)
_RANK = {clock.value: rank for rank, clock in enumerate(_ORDER)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Days of one area. `terms` are (first day, last day) pairs."""

    bank_holidays: frozenset[date]
    terms: tuple[tuple[date, date], ...]

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.bank_holidays

    def is_school_day(self, day: date) -> bool:
        return self.is_working_day(day) and any(first <= day <= last for first, last in self.terms)


def joined(calendars: Iterable[Calendar]) -> Calendar:
    """One calendar for several areas: a day that counts in any of them counts, so deadlines come no later."""
    given = tuple(calendars)
    holidays = [calendar.bank_holidays for calendar in given]
    return Calendar(
        bank_holidays=frozenset.intersection(*holidays) if holidays else frozenset(),
        terms=tuple(term for calendar in given for term in calendar.terms),
    )


def soonest(clocks: Iterable[str]) -> str:
    """The most urgent of several clock names; of none, `NONE`."""
    return min(clocks, key=lambda name: _RANK.get(name, -1), default="NONE")


def ack_by(clock: str, from_ms: EpochMillis, calendar: Calendar) -> EpochMillis | None:
    """The instant by which `clock`, started at `from_ms`, wants an acknowledgement; None when it wants none.

    None also when the calendar holds no such day within SEARCH_DAYS. Raises ValueError for a name that is no clock.
    """
    known = Clock(clock)
    if known is Clock.NONE:
        return None
    if known in _MINUTES:
        return EpochMillis(from_ms + _MINUTES[known] * 60_000)
    start = datetime.fromtimestamp(from_ms / 1000, UTC).astimezone(LONDON)
    if known is Clock.NEXT_SCHOOL_DAY:
        return _next_school_day(start, calendar)
    if known in _WORKING_DAYS:
        return _end_of_day(_count(start.date(), _WORKING_DAYS[known], calendar.is_working_day))
    return _end_of_day(_count(start.date(), _SCHOOL_DAYS[known], calendar.is_school_day))


def _next_school_day(start: datetime, calendar: Calendar) -> EpochMillis | None:
    same_day = start.timetz().replace(tzinfo=None) < SCHOOL_BEGINS and calendar.is_school_day(start.date())
    day = start.date() if same_day else _count(start.date(), 1, calendar.is_school_day)
    return None if day is None else _instant(datetime.combine(day, SCHOOL_BEGINS, LONDON))


def _count(start: date, wanted: int, counts: Callable[[date], bool]) -> date | None:
    """The `wanted`-th day after `start` that counts."""
    day = start
    for _ in range(SEARCH_DAYS):
        day += timedelta(days=1)
        if counts(day):
            wanted -= 1
            if wanted == 0:
                return day
    return None


def _end_of_day(day: date | None) -> EpochMillis | None:
    if day is None:
        return None
    return _instant(datetime.combine(day + timedelta(days=1), time(0), LONDON))


def _instant(moment: datetime) -> EpochMillis:
    return EpochMillis(round(moment.timestamp() * 1000))
