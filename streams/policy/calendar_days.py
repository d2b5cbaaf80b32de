"""Which days count: working days and school days of an area or of one school.

Working days are Monday to Friday without bank holidays. School days are working days within the terms, without the
days on which pupils stay at home (inset days).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time

SCHOOL_BEGINS = time(8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Days of one area or school. `terms` are (first day, last day) pairs."""

    bank_holidays: frozenset[date]
    terms: tuple[tuple[date, date], ...]
    inset_days: frozenset[date] = frozenset()
    school_begins: time = SCHOOL_BEGINS  # Europe/London

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.bank_holidays

    def is_school_day(self, day: date) -> bool:
        in_term = any(first <= day <= last for first, last in self.terms)
        return in_term and day not in self.inset_days and self.is_working_day(day)


def joined(calendars: Iterable[Calendar]) -> Calendar:
    """One calendar for several: a day that counts in any of them counts, so deadlines come no later."""
    given = tuple(calendars)
    holidays = [calendar.bank_holidays for calendar in given]
    insets = frozenset(day for calendar in given for day in calendar.inset_days)
    return Calendar(
        bank_holidays=frozenset.intersection(*holidays) if holidays else frozenset(),
        terms=tuple(term for calendar in given for term in calendar.terms),
        inset_days=frozenset(day for day in insets if not any(each.is_school_day(day) for each in given)),
        school_begins=min((calendar.school_begins for calendar in given), default=SCHOOL_BEGINS),
    )
