"""When offices are open: office hours on working days, in Europe/London time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from streams.policy.calendar_days import Calendar
from streams.policy.facts import EpochMillis

LONDON = ZoneInfo("Europe/London")
SEARCH_DAYS = 400  # a calendar without such a day in this time has no answer


@dataclass(frozen=True, slots=True)
class Office:
    opens: time
    closes: time  # from then on it is out of hours

    def is_open(self, at: EpochMillis, calendar: Calendar) -> bool:
        moment = local(at)
        return calendar.is_working_day(moment.date()) and self.opens <= moment.time() < self.closes

    def next_open(self, at: EpochMillis, calendar: Calendar) -> EpochMillis:
        """`at` itself when the office is open then, else when it opens next; `at` too if it never does."""
        return at if self.is_open(at, calendar) else next_time_of_day(at, self.opens, calendar)


def next_time_of_day(at: EpochMillis, wanted: time, calendar: Calendar) -> EpochMillis:
    """The first `wanted` o'clock of a working day that is not before `at`; `at` itself if there is none."""
    day = local(at).date()
    for _ in range(SEARCH_DAYS):
        if calendar.is_working_day(day) and (found := instant(day, wanted)) >= at:
            return found
        day += timedelta(days=1)
    return at


def local(at: EpochMillis) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(LONDON)


def instant(day: date, at: time) -> EpochMillis:
    """A wall-clock time in London as an instant; the earlier of two, where the clocks go back."""
    return EpochMillis(round(datetime.combine(day, at, LONDON).timestamp() * 1000))
