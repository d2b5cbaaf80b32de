"""The difference of two rule sets: who is newly told what, and who no longer is, over all possible events.

Not a sample and not a comparison of texts: for each event type and recipient both rule sets' answers are functions of
everything an event can say, from the day `at` on, and their difference is written as boxes of conditions. Rule sets
that share alike have an empty difference however they are written. Compared is what `decide` answers without stops:
outcome, fields, clock, roles addressed and lawful bases; not the names of rules nor the reasons of refusals.

An agency that stands in for others when they are excluded for a conflict of interest is asked about once with nobody
excluded and once for each of them. That is enough: what it is given for several at once is the union of what it is
given for each, so no difference can show only there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from schemas.vocabulary import Disposition
from streams.policy.artefact import Artefact
from streams.policy.clocks import Calendar
from streams.policy.compiled import DAY_MS
from streams.policy.contract import EventTypesLike
from streams.policy.decide import decide
from streams.policy.facts import AgencyId, EpochMillis
from streams.proof.boxes import Box, Diagrams
from streams.proof.diff_answers import Answers
from streams.proof.diff_dimensions import space_for
from streams.proof.diff_model import Change, Difference, ProofBroken, Region, Row
from streams.proof.diff_question import Question, named
from streams.proof.diff_scope import alike, chain_both, ground, recipients, rules_read, stands_in_for
from streams.proof.diff_space import Pair, Side, Space

EPOCH = 719_163  # date.toordinal() of 1970-01-01
Progress = Callable[[int, int], object]  # (done, of how many)


def compare(
    old: Artefact,
    new: Artefact,
    event_types: EventTypesLike,
    at: date,
    progress: Progress | None = None,
    *,
    complete: bool = True,
) -> Difference:
    """The exact difference from the day `at` on. Raises ProofBroken if a difference found does not show in `decide`.

    Unless `complete`, cases in which a publisher withholds, confirms or excludes are found, but not spelled out: they
    are many and take most of the time.
    """
    rows: list[Row] = []
    paused: tuple[Change, ...] = ()
    calendars: tuple[str, ...] = ()
    follow_up: tuple[str, ...] = ()
    if old.hash != new.hash:
        pair = (Side.of(old, event_types), Side.of(new, event_types))
        day = at.toordinal() - EPOCH
        kinds = sorted({*event_types, *pair[0].by_type, *pair[1].by_type, *_in_contracts(pair)})
        paused = _paused(pair, kinds[0], day)
        calendars = _calendars(pair)
        follow_up = _follow_up(old, new)
        for number, kind in enumerate(kinds):
            rows += _rows(pair, kind, day, complete)
            if progress is not None:
                progress(number + 1, len(kinds))
    return Difference(
        old=old.hash, new=new.hash, at=at, rows=tuple(rows), paused=paused, calendars=calendars, follow_up=follow_up,
        complete=complete,
    )  # fmt: skip


def _in_contracts(pair: Pair) -> set[str]:
    agencies = (agency for side in pair for agency in side.rules.agencies.values())
    return {name for agency in agencies for name in agency.contract_types or ()}


def _rows(pair: Pair, event_type: str, at: int, complete: bool) -> Iterator[Row]:
    """The rows of one event type, recipients who are told alike together."""
    read = (rules_read(pair[0], event_type), rules_read(pair[1], event_type))
    known = ground(pair[0]) == ground(pair[1])
    if known and read[0].keys() == read[1].keys():
        return
    changed = None
    if known:
        changed = [
            (side, rule)
            for side, mine, other in ((pair[0], read[0], read[1]), (pair[1], read[1], read[0]))
            for content, rule in mine.items()
            if content not in other
        ]
    groups: dict[Any, list[AgencyId]] = {}
    for each in recipients(pair, event_type, changed):
        stands_in = each if stands_in_for(pair, each) else None
        groups.setdefault((stands_in, alike(pair, event_type, each)), []).append(each)
    for group in groups.values():
        yield from _group_rows(pair, event_type, at, tuple(group), complete)


def _group_rows(pair: Pair, event_type: str, at: int, group: tuple[AgencyId, ...], complete: bool) -> Iterator[Row]:
    question = Question(pair, event_type, at, group, complete=complete)
    changes = question.changes(question.difference(()))
    if changes:
        yield Row(event_type=event_type, recipients=group, standing_in_for=(), changes=changes)
        if not complete:
            return  # what it is told in the place of others is a special case of what is told already
    places: dict[Any, list[AgencyId]] = {}
    for agency in stands_in_for(pair, group[0]):
        chain = chain_both(pair, agency, group[0])
        places.setdefault((chain[1:], alike(pair, event_type, agency)), []).append(agency)
    for (between, _), agencies in places.items():
        question = Question(pair, event_type, at, group, tuple(agencies), between, complete)
        difference = question.standing_in()
        if difference is not None:
            changes = question.changes(difference)
            yield Row(event_type=event_type, recipients=group, standing_in_for=tuple(agencies), changes=changes)


def _paused(pair: Pair, event_type: str, at: int) -> tuple[Change, ...]:
    """Where one side only lets whole events wait because rules are past their review date (any event type)."""
    space = space_for(pair, event_type, (AgencyId(""),), at, {})
    made = Diagrams({name: len(choices) for name, choices in space.dimensions.items()})
    old, new = (Answers(side, space, made).stale() for side in pair)
    out = []
    for what, wanted in (("paused", (False, True)), ("resumed", (True, False))):
        region = made.combine(lambda a, b, w=wanted: (a, b) == w, old, new)
        boxes = tuple(made.boxes(region))
        for box in boxes:
            _confirm_paused(pair, space, made, box, wanted)
        if boxes:
            out.append(Change(what=what, regions=tuple(Region(named(box, space, {}), (), ()) for box in boxes)))
    return tuple(out)


def _confirm_paused(pair: Pair, space: Space, made: Diagrams, box: Box, wanted: tuple[bool, bool]) -> None:
    point = made.point(box)
    now = EpochMillis(space.dimensions["day"][point.get("day", 0)].value * DAY_MS)
    decisions = [decide(space.facts(point), side.rules, now) for side in pair]
    if tuple(d.disposition is Disposition.HELD for d in decisions) != wanted:
        raise ProofBroken(f"rules past review: {wanted} does not show in an event")


def _calendars(pair: Pair) -> tuple[str, ...]:
    """Areas of both sides whose working or school days, or a school's, differ on any day that a calendar names."""
    old, new = (side.rules for side in pair)
    both = sorted(old.calendars.keys() & new.calendars.keys())
    schools = (old.school_calendars.keys() | new.school_calendars.keys()) & old.agencies.keys() & new.agencies.keys()
    differ = {old.agencies[s].area for s in schools if _days_differ(old.calendar_of(s), new.calendar_of(s))}
    return tuple(a for a in both if a in differ or _days_differ(old.calendars[a], new.calendars[a]))


def _follow_up(old: Artefact, new: Artefact) -> tuple[str, ...]:
    """Areas of both sides whose follow-up differs in anything but school days, which `calendars` tells."""
    one, other = (side.document()["areas"] for side in (old, new))
    return tuple(area for area in sorted(one.keys() & other.keys()) if _after(one[area]) != _after(other[area]))


def _after(area: Mapping[str, Any]) -> dict[str, Any]:
    said = dict(area.get("followUp") or {})
    hours = {key: value for key, value in said.get("calendar", {}).items() if key not in ("insetDays", "schools")}
    return said | {"calendar": hours}


def _days_differ(one: Calendar, other: Calendar) -> bool:
    if one == other:
        return False
    named = {day for calendar in (one, other) for day in calendar.bank_holidays}
    named |= {day for calendar in (one, other) for term in calendar.terms for day in term}
    named |= one.inset_days | other.inset_days
    if not named:
        return False
    days = (min(named) + timedelta(days=n) for n in range((max(named) - min(named)).days + 1))
    return any(
        one.is_working_day(day) != other.is_working_day(day) or one.is_school_day(day) != other.is_school_day(day)
        for day in days
    )
