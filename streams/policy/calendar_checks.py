"""What is odd about an area's days: terms that overlap or leave holes, insets that are no school days, an end in sight.

None of it keeps an area from compiling, all of it makes deadlines wrong sooner or later. Pure; `masa calendar check`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from streams.policy.calendar_days import Calendar
from streams.policy.located import Path, Problem
from streams.policy.model import Area, at
from streams.policy.shapes import Term

LONGEST_HOLIDAY = timedelta(days=70)  # a summer is six weeks, eight or nine in an independent school
SHORTEST_TERM = timedelta(days=14)  # half a term is at least a month
AHEAD = timedelta(days=300)  # terms are published a year ahead


def calendar_problems(area: Area, today: date, english: Collection[date]) -> list[Problem]:
    """Everything odd, in the order of the files. `english` are England's bank holidays of the years concerned."""
    terms = area.spec.school_terms
    found = [*_holidays(area, english), *_terms(area, "area", ("schoolTerms",), terms)]
    found += _end(area, "area", ("schoolTerms",), terms, today)
    if area.follow_up is None:
        return found
    calendar = area.follow_up.calendar
    days = _calendar(area, terms)
    found += _insets(area, ("calendar", "insetDays"), calendar.inset_days, days)
    for i, school in enumerate(calendar.schools):
        path: Path = ("calendar", "schools", i)
        own = terms if school.terms is None else school.terms
        if school.terms is not None:
            found += _terms(area, "follow-up", (*path, "terms"), own)
            found += _end(area, "follow-up", (*path, "terms"), own, today)
        found += _insets(area, (*path, "insetDays"), school.inset_days, _calendar(area, own))
    return found


def _calendar(area: Area, terms: Sequence[Term]) -> Calendar:
    return Calendar(bank_holidays=frozenset(area.bank_holidays), terms=tuple((t.from_, t.to) for t in terms))


def _holidays(area: Area, english: Collection[date]) -> Iterator[Problem]:
    missing = sorted(set(english) - set(area.bank_holidays))
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        shown = ", ".join(day.isoformat() for day in missing[:3]) + more
        yield at(area, "area", "", ("bankHolidays",), f"{shown}: bank holidays in England, working days here",
                 "add them, or write `bankHolidays: england`")  # fmt: skip


def _terms(area: Area, kind: str, path: Path, terms: Sequence[Term]) -> Iterator[Problem]:
    days = _calendar(area, terms)
    for i, term in enumerate(terms):
        here = (*path, i)
        if term.to < term.from_:
            yield at(area, kind, "", here, "the term ends before it begins", "swap `from` and `to`")
        elif term.to - term.from_ < SHORTEST_TERM:
            yield at(area, kind, "", here, f"a term of {(term.to - term.from_).days + 1} days",
                     "half a term is at least a month: correct the dates")  # fmt: skip
        for key, day in (("from", term.from_), ("to", term.to)):
            if not days.is_working_day(day):
                yield at(area, kind, "", (*here, key), f"{day:%A} {day} is no working day",
                         "name the first and last day on which pupils are in")  # fmt: skip
    for i, (before, after) in enumerate(pairwise(terms), 1):
        here = (*path, i)
        if after.from_ <= before.to:
            yield at(area, kind, "", here, f"begins on {after.from_}, before the term above has ended on {before.to}",
                     "terms stand in order and do not overlap")  # fmt: skip
        elif after.from_ - before.to > LONGEST_HOLIDAY:
            yield at(area, kind, "", here,
                     f"{(after.from_ - before.to).days - 1} days without school before it: a term is missing",
                     "add the term between, or correct the dates")  # fmt: skip


def _end(area: Area, kind: str, path: Path, terms: Sequence[Term], today: date) -> Iterator[Problem]:
    last = max((term.to for term in terms), default=None)
    if last is None:
        yield at(area, kind, "", path, "no terms: clocks in school days have no end", "add the terms of the next years")
    elif last - today < AHEAD:
        yield at(area, kind, "", path, f"the last term known ends on {last}: clocks that run past it have no end",
                 "add the terms that have been published since")  # fmt: skip


def _insets(area: Area, path: Path, days: Sequence[date], calendar: Calendar) -> Iterator[Problem]:
    for i, day in enumerate(days):
        if day in days[:i]:
            yield at(area, "follow-up", "", (*path, i), f"{day} is given twice", "keep one of the two")
        elif not calendar.is_school_day(day):
            yield at(area, "follow-up", "", (*path, i), f"{day:%A} {day} is no day of a term",
                     "an inset day is one on which school would be: remove it, or correct the date")  # fmt: skip
