"""What must hold in `follow-up.yaml` beyond its shape: names that exist, steps and ladders that can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemas.vocabulary import AgencyCategory
from streams.policy.contract import EventTypesLike
from streams.policy.follow_up import LadderModel, LadderWhen, OutOfHours, StepOf, StepTo
from streams.policy.located import Path, Problem, nearest
from streams.policy.model import Area, at
from streams.policy.words import Clock

_KIND = "follow-up"


def check_follow_up(area: Area) -> Iterator[Problem]:
    """Every problem that can be seen without the event contract."""
    if area.follow_up is None:
        return
    yield from _calendar(area)
    for kind in ("ladders", "rhythms", "patterns"):
        yield from _twice(area, kind, [each.id for each in getattr(area.follow_up, kind)])
    everything = next((i for i, each in enumerate(area.follow_up.ladders) if each.when == LadderWhen()), None)
    for i, ladder in enumerate(area.follow_up.ladders):
        yield from _ladder(area, ("ladders", i), ladder)
        if everything is not None and i > everything:
            name = area.follow_up.ladders[everything].id
            yield _bad(area, ("ladders", i), f"`{name}` above matches every delivery, so `{ladder.id}` never does",
                       "put the ladder for everything last")  # fmt: skip
    if area.follow_up.ladders and everything is None:
        yield _bad(area, ("ladders",), "no ladder is for everything: some deliveries would never be escalated",
                   "end with a ladder without `when`")  # fmt: skip
    yield from _streams(area)


def check_follow_up_events(area: Area, event_types: EventTypesLike) -> Iterator[Problem]:
    """Event types that are named and do not exist."""
    if area.follow_up is None:
        return
    file = area.follow_up
    named: list[tuple[Path, tuple[str, ...] | None]] = [
        (("ladders", i, "when", "events"), ladder.when.events) for i, ladder in enumerate(file.ladders)
    ]
    named += [(("rhythms", i, "events"), each.events) for i, each in enumerate(file.rhythms)]
    named += [(("patterns", i, "events"), each.events) for i, each in enumerate(file.patterns)]
    for path, events in named:
        for i, name in enumerate(events or ()):
            if name not in event_types:
                yield _bad(area, (*path, i), f"there is no event type `{name}`", nearest(name, event_types))


def _bad(area: Area, path: Path, message: str, hint: str | None = None) -> Problem:
    return at(area, _KIND, "", path, message, hint)


def _twice(area: Area, kind: str, ids: Sequence[str]) -> Iterator[Problem]:
    for i, name in enumerate(ids):
        if name in ids[:i]:
            yield _bad(area, (kind, i, "id"), f"`{name}` is defined twice", "choose another")


def _role(area: Area, path: Path, role: str) -> Iterator[Problem]:
    if role not in area.spec.roles:
        yield _bad(area, path, f"there is no role `{role}`", nearest(role, area.spec.roles))
    elif not any(role in agency.roles for agency in area.agencies):
        yield _bad(area, path, f"no agency of the area has the role `{role}`", "give it to one, or name another role")


def _agency(area: Area, path: Path, agency: str) -> Iterator[Problem]:
    known = area.names("agencies")
    if agency not in known:
        yield _bad(area, path, f"there is no agency `{agency}`", nearest(agency, known))


def _calendar(area: Area) -> Iterator[Problem]:
    assert area.follow_up is not None  # noqa: S101 - asked by the caller
    calendar = area.follow_up.calendar
    if calendar.office.closes <= calendar.office.opens:
        yield _bad(area, ("calendar", "office"), "the office closes before it opens", "swap `opens` and `closes`")
    if calendar.out_of_hours_role is not None:
        yield from _role(area, ("calendar", "outOfHoursRole"), calendar.out_of_hours_role)
    elif any(each.out_of_hours is OutOfHours.TELL for each in area.follow_up.ladders):
        yield _bad(area, ("calendar",), "ladders that TELL at night have nobody to tell", "add `outOfHoursRole:`")
    schools = [each.agency for each in calendar.schools]
    for i, agency in enumerate(schools):
        yield from _agency(area, ("calendar", "schools", i, "agency"), agency)
        if agency in schools[:i]:
            yield _bad(area, ("calendar", "schools", i, "agency"), f"`{agency}` is given twice", "keep one of the two")


def _ladder(area: Area, path: Path, ladder: LadderModel) -> Iterator[Problem]:
    clocks = [(("pickUp",), ladder.pick_up), *((("steps", i, "after"), s.after) for i, s in enumerate(ladder.steps))]
    if ladder.phone is not None:
        clocks.append((("phone", "within"), ladder.phone.within))
        yield from _to(area, (*path, "phone", "tell"), ladder.phone.tell)
    for where, clock in clocks:
        if clock is Clock.NONE:
            yield _bad(area, (*path, *where), "`NONE` never ends", "name a time, or leave the key out")
    for i, step in enumerate(ladder.steps):
        yield from _to(area, (*path, "steps", i, "to"), step.to)
        if i and step.after is None:
            yield _bad(area, (*path, "steps", i), "is taken together with the step above it",
                       "say how long that one is given: `after:`")  # fmt: skip


def _to(area: Area, path: Path, to: StepTo) -> Iterator[Problem]:
    if to.of is StepOf.RECIPIENT and to.roles:
        yield _bad(area, (*path, "roles"), "the recipient's roles are those of the delivery", "remove `roles`")
    if to.of is not StepOf.RECIPIENT and not to.roles:
        yield _bad(area, path, f"{to.of} of which role?", "add `roles:`")
    for i, role in enumerate(to.roles):
        yield from _role(area, (*path, "roles", i), role)


def _streams(area: Area) -> Iterator[Problem]:
    assert area.follow_up is not None  # noqa: S101 - asked by the caller
    for i, rhythm in enumerate(area.follow_up.rhythms):
        path: Path = ("rhythms", i)
        if (rhythm.agencies is None) == (rhythm.categories is None):
            yield _bad(area, path, "whose rhythm?", "name `agencies` or `categories`, one of the two")
        for j, agency in enumerate(rhythm.agencies or ()):
            yield from _agency(area, (*path, "agencies", j), agency)
        if AgencyCategory.UNKNOWN in (rhythm.categories or ()):
            yield _bad(area, (*path, "categories"), "`UNKNOWN` is no category", "remove it")
        yield from _role(area, (*path, "tell"), rhythm.tell)
    for i, pattern in enumerate(area.follow_up.patterns):
        if pattern.agencies > pattern.at_least:
            message = f"{pattern.at_least} events have no {pattern.agencies} publishers"
            yield _bad(area, ("patterns", i, "agencies"), message, "ask for fewer agencies, or more events")
        yield from _role(area, ("patterns", i, "tell"), pattern.tell)
