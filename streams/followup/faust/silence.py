"""Silent agencies (G-03): who was expected to publish and has not, by the calendar that its rhythm names. Pure.

Judged against a *frontier* only: the instant up to which every partition of the audit is known to be read. A clock on
the wall would find everybody silent after each hour that this process was down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from typing import NamedTuple

from streams.policy.calendar_days import Calendar
from streams.policy.calendar_hours import instant, local
from streams.policy.facts import EpochMillis
from streams.policy.follow_up import RhythmModel
from streams.policy.follow_up_build import FollowUp

SEARCH_DAYS = 3 * 366  # for days that count; a calendar without any never finds anybody silent


class Watched(NamedTuple):
    """One agency under one rhythm of its area."""

    area: str
    rhythm: RhythmModel
    agency: str
    calendar: Calendar


class Silence(NamedTuple):
    """Nothing since `since`, although something was due by `due`."""

    watched: Watched
    since: int
    due: int


def watched(follow_up: FollowUp, categories: Mapping[str, str]) -> Iterator[Watched]:
    """Every agency that is expected to publish. `categories` by agency; one that takes no part is not expected."""
    for area in follow_up.areas.values():
        for rhythm in area.file.rhythms:
            for agency in sorted(follow_up.desks):
                calendar = follow_up.calendar_of(agency)
                if _expected(rhythm, agency, area.area, follow_up, categories) and calendar is not None:
                    yield Watched(area.area, rhythm, agency, calendar)


def _expected(rhythm: RhythmModel, agency: str, area: str, follow_up: FollowUp, categories: Mapping[str, str]) -> bool:
    if follow_up.desks[agency].area != area:
        return False
    named = rhythm.agencies is not None and agency in rhythm.agencies
    return named or (rhythm.categories is not None and categories.get(agency) in rhythm.categories)


def last_sign(rhythm: RhythmModel, agency: str, last: Mapping[tuple[str, str], int]) -> int | None:
    """When the agency last published what the rhythm waits for; `last` is by agency and event type."""
    found = (at for (who, what), at in last.items() if who == agency and _awaited(rhythm, what))
    return max(found, default=None)


def _awaited(rhythm: RhythmModel, event_type: str) -> bool:
    if rhythm.events is not None:
        return event_type in rhythm.events
    return not event_type.startswith("control.")  # an acknowledgement is no news of a child


def due_after(since: int, rhythm: RhythmModel, calendar: Calendar) -> int | None:
    """The end of the last of the days that may pass without a sign: whole days that count, after the day of `since`."""
    day, left = local(EpochMillis(since)).date(), rhythm.days
    counts = _counting(rhythm, calendar)
    for _ in range(SEARCH_DAYS):
        day += timedelta(days=1)
        if counts(day):
            left -= 1
            if left == 0:
                return instant(day + timedelta(days=1), time(0))
    return None


def _counting(rhythm: RhythmModel, calendar: Calendar) -> Callable[[date], bool]:
    if rhythm.count == "WORKING_DAYS":
        return calendar.is_working_day
    if rhythm.count == "SCHOOL_DAYS":
        return calendar.is_school_day
    return lambda day: True


def silences(
    expected: Iterable[Watched], last: Mapping[tuple[str, str], int], since: Mapping[str, int], frontier: int
) -> list[Silence]:
    """Who is silent at the frontier. `since` is when each watch began, by `watch_key`: before, nothing was expected."""
    by_agency: dict[str, dict[tuple[str, str], int]] = {}
    for (who, what), at in last.items():
        by_agency.setdefault(who, {})[who, what] = at
    found = []
    for each in expected:
        began = since.get(watch_key(each))
        if began is None:
            continue
        sign = max(last_sign(each.rhythm, each.agency, by_agency.get(each.agency, {})) or 0, began)
        due = due_after(sign, each.rhythm, each.calendar)
        if due is not None and due <= frontier:
            found.append(Silence(each, sign, due))
    return found


def watch_key(each: Watched) -> str:
    """Names a watch in tables and notices."""
    return f"{each.area}/{each.rhythm.id}/{each.agency}"


def frontier_of(reached: Mapping[int, int], partitions: int) -> int | None:
    """Up to when all of so many audit partitions were read; None while one has said nothing."""
    if any(number not in reached for number in range(partitions)):
        return None
    return min(reached[number] for number in range(partitions))
