"""When a delivery must be acknowledged: clock names to instants, in Europe/London time (requirement D-03).

Which days count is the calendar's matter (`calendar_days.py`). A clock counted in days ends at the end of its last day;
`NEXT_SCHOOL_DAY` ends when the next school day begins, at 08:00 unless the area says otherwise, so that a school knows
before the child walks in; an event after that on a school day counts to the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta

from streams.policy.calendar_days import Calendar as Calendar
from streams.policy.calendar_days import joined as joined
from streams.policy.calendar_hours import LONDON as LONDON
from streams.policy.calendar_hours import SEARCH_DAYS, instant, local
from streams.policy.facts import EpochMillis
from streams.policy.words import Clock

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
COUNTED_IN_DAYS = frozenset(
    clock.value for clock in (Clock.NEXT_SCHOOL_DAY, *_WORKING_DAYS, *_SCHOOL_DAYS)
)  # what they mean depends on a calendar
_RANK = {clock.value: rank for rank, clock in enumerate(_ORDER)}


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
    start = local(from_ms)
    if known is Clock.NEXT_SCHOOL_DAY:
        return _next_school_day(start, calendar)
    if known in _WORKING_DAYS:
        return _end_of_day(_count(start.date(), _WORKING_DAYS[known], calendar.is_working_day))
    return _end_of_day(_count(start.date(), _SCHOOL_DAYS[known], calendar.is_school_day))


def _next_school_day(start: datetime, calendar: Calendar) -> EpochMillis | None:
    same_day = start.time() < calendar.school_begins and calendar.is_school_day(start.date())
    day = start.date() if same_day else _count(start.date(), 1, calendar.is_school_day)
    return None if day is None else instant(day, calendar.school_begins)


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
    return None if day is None else instant(day + timedelta(days=1), time(0))
