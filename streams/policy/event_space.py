"""Every possible event as a finite space, and the part of it that a rule's conditions take: a box.

What `when` can ask is independent of each other and takes finitely many values, once the values that no rule can tell
apart are one. So the events of a rule are a product of sets, one a dimension, and questions about *all* events
(does anything match, is this rule covered by those) are answered exactly by algebra on boxes, without a sample.

Three things make it exact:

- the publisher is one dimension: the router refuses an event whose category is not its publisher's, so `source` and
  `sourceCategory` are both sets of agencies;
- birth and age are one: unborn, 0 to 26 completed years (older children are refused), or not known;
- an event holds a set of concerns, but rules only ask whether one of theirs is among them: an event with one concern,
  and one without any, stand for all.

What the contract refuses is left out (`UNKNOWN` purpose, urgency, gateway, regime and protection, L-01).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from schemas.event_rules import OLDEST_YEARS
from schemas.vocabulary import (
    AddressProtection,
    AgencyCategory,
    AgencyGrade,
    DpRegime,
    LegalGateway,
    Marking,
    MatchStatus,
    Purpose,
    Urgency,
)
from streams.policy.contract import EventTypeLike
from streams.policy.model import Area, RuleModel

Box = tuple[int, ...]  # one bit mask a dimension: which of its values are in it

UNKNOWN = "UNKNOWN"
ELSEWHERE = "elsewhere"  # an authority that no area and no rule names
NOT_SAID = "not said"
UNBORN = -1
NO_CONCERN = ""
MOST_PIECES = 4_000  # of a box that is cut up; beyond, it counts as not covered


class PublishedType(EventTypeLike, Protocol):
    """What the contract says of who may publish an event type, and why. `schemas.registry.EventType` satisfies it."""

    @property
    def publishers(self) -> Sequence[AgencyCategory]: ...
    @property
    def gateways(self) -> Sequence[LegalGateway]: ...
    @property
    def purposes(self) -> Sequence[Purpose]: ...
    @property
    def regimes(self) -> Sequence[DpRegime]: ...


class Axis(StrEnum):
    """The dimensions, by the key of `when` (or of the rule) that asks for them first."""

    PUBLISHER = "source"
    AREA = "areaGss"
    GATEWAY = "gateways"
    REGIME = "regimes"
    PURPOSE = "purpose"
    URGENCY = "urgency"
    GRADE = "grade"
    MARKING = "marking"
    PROTECTION = "protection"
    MATCH = "match"
    CHILD = "ageYears"
    CONCERNS = "concerns"
    RESTRICTED = "restricted"
    SENSITIVE = "sensitiveService"
    DO_NOT_DISCLOSE = "doNotDiscloseToSubject"
    SCHOOL = "hasSchool"
    GP = "hasGp"
    COMMUNITY_HEALTH = "hasCommunityHealth"


AXES = tuple(Axis)
_PLACE = {axis: place for place, axis in enumerate(AXES)}
_SAID = (  # never UNKNOWN in an accepted event
    (Axis.GATEWAY, LegalGateway),
    (Axis.REGIME, DpRegime),
    (Axis.PURPOSE, Purpose),
    (Axis.URGENCY, Urgency),
    (Axis.PROTECTION, AddressProtection),
)
_MAY_BE_UNKNOWN = ((Axis.GRADE, AgencyGrade), (Axis.MARKING, Marking), (Axis.MATCH, MatchStatus))
_FLAGS = (Axis.RESTRICTED, Axis.SENSITIVE, Axis.DO_NOT_DISCLOSE, Axis.SCHOOL, Axis.GP, Axis.COMMUNITY_HEALTH)
_ASKED = {  # field of When -> axis, for those that list values
    "area_gss": Axis.AREA,
    "purpose": Axis.PURPOSE,
    "urgency": Axis.URGENCY,
    "grade": Axis.GRADE,
    "marking": Axis.MARKING,
    "protection": Axis.PROTECTION,
    "match": Axis.MATCH,
    "concerns": Axis.CONCERNS,
}
_SWITCHES = {
    "restricted": Axis.RESTRICTED,
    "sensitive_service": Axis.SENSITIVE,
    "do_not_disclose_to_subject": Axis.DO_NOT_DISCLOSE,
    "has_school": Axis.SCHOOL,
    "has_gp": Axis.GP,
    "has_community_health": Axis.COMMUNITY_HEALTH,
}


class Limit(NamedTuple):
    """One narrowing of one dimension, and where in the rule it comes from."""

    axis: Axis
    mask: int
    path: tuple[str | int, ...]


class Space:
    """The space of the events that these areas can be asked about."""

    def __init__(self, areas: Sequence[Area]) -> None:
        self.areas = tuple(areas)
        self.agencies = tuple(agency for area in areas for agency in area.agencies)
        self._values: Mapping[Axis, Mapping[Any, int]] = {
            axis: {value: 1 << bit for bit, value in enumerate(values)} for axis, values in self._domains()
        }
        self._publishers: dict[str, int] = {}
        for agency in self.agencies:
            bit = self._values[Axis.PUBLISHER][agency.id]
            self._publishers[agency.category.value] = self._publishers.get(agency.category.value, 0) | bit
        self.everything: Box = tuple((1 << len(self._values[axis])) - 1 for axis in AXES)

    def _domains(self) -> Iterator[tuple[Axis, Sequence[Any]]]:
        rules = [rule for area in self.areas for rule in area.rules]
        named = {gss for area in self.areas for gss in area.spec.authorities}
        named |= {gss for rule in rules for gss in rule.when.area_gss or ()}
        concerns = sorted({code for rule in rules for code in rule.when.concerns or ()} - {UNKNOWN})
        yield Axis.PUBLISHER, [agency.id for agency in self.agencies]
        yield Axis.AREA, [*sorted(named), ELSEWHERE, NOT_SAID]
        for axis, words in _SAID:
            yield axis, [word.value for word in words if word.value != UNKNOWN]
        for axis, all_words in _MAY_BE_UNKNOWN:
            yield axis, [word.value for word in all_words]
        yield Axis.CHILD, [NOT_SAID, UNBORN, *range(OLDEST_YEARS + 1)]
        yield Axis.CONCERNS, [NO_CONCERN, UNKNOWN, *concerns]
        for axis in _FLAGS:
            yield axis, [False, True]

    def mask(self, axis: Axis, values: Iterable[Any]) -> int:
        """The bits of `values`; those outside the dimension have none."""
        known = self._values[axis]
        found = 0
        for value in values:
            found |= known.get(value, 0)
        return found

    def values(self, axis: Axis) -> tuple[Any, ...]:
        """What a dimension can be."""
        return tuple(self._values[axis])

    def publishers(self, categories: Iterable[str]) -> int:
        """The bits of every agency of these categories."""
        found = 0
        for category in categories:
            found |= self._publishers.get(category, 0)
        return found

    def of_type(self, kind: PublishedType) -> Box:
        """Every event of one type that the contract accepts."""
        box = list(self.everything)
        box[_PLACE[Axis.PUBLISHER]] = self.publishers(c.value for c in kind.publishers)
        for axis, words in ((Axis.GATEWAY, kind.gateways), (Axis.PURPOSE, kind.purposes), (Axis.REGIME, kind.regimes)):
            box[_PLACE[axis]] &= self.mask(axis, (word.value for word in words))
        return tuple(box)

    def refused(self) -> Box:
        """s49A names an education setting: without a school's URN the contract refuses it (L-05)."""
        box = narrowed(self.everything, Axis.GATEWAY, self.mask(Axis.GATEWAY, [LegalGateway.S49A_DAA.value]))
        return narrowed(box, Axis.SCHOOL, self.mask(Axis.SCHOOL, [False]))

    def limits(self, rule: RuleModel, *, deny: bool) -> Iterator[Limit]:
        """What the rule asks, one limit a key. A deny rule also takes events that do not say (withhold by default)."""
        when = rule.when
        if when.source is not None:
            yield Limit(Axis.PUBLISHER, self.mask(Axis.PUBLISHER, when.source), ("when", "source"))
        if when.source_category is not None:
            categories = self.publishers(category.value for category in when.source_category)
            yield Limit(Axis.PUBLISHER, categories, ("when", "sourceCategory"))
        for name, axis in _ASKED.items():
            values = getattr(when, name)
            if values is not None:
                unsure = [UNKNOWN] if deny and axis is not Axis.AREA else []
                yield Limit(axis, self.mask(axis, [*map(str, values), *unsure]), ("when", axis.value))
        for name, axis in _SWITCHES.items():
            value = getattr(when, name)
            if value is not None:
                yield Limit(axis, self.mask(axis, [value]), ("when", axis.value))
        yield from self._child(rule, deny=deny)
        if rule.gateways is not None:
            yield Limit(Axis.GATEWAY, self.mask(Axis.GATEWAY, map(str, rule.gateways)), ("gateways",))
        if not deny:
            regimes = rule.regimes or (DpRegime.UKGDPR,)
            yield Limit(Axis.REGIME, self.mask(Axis.REGIME, map(str, regimes)), ("regimes",))

    def _child(self, rule: RuleModel, *, deny: bool) -> Iterator[Limit]:
        unborn, ages = rule.when.unborn, rule.when.age_years
        born = [NOT_SAID, *range(OLDEST_YEARS + 1)]
        if unborn is not None:
            yield Limit(Axis.CHILD, self.mask(Axis.CHILD, [UNBORN] if unborn else born), ("when", "unborn"))
        if ages is not None:
            low = UNBORN if ages.at_least is None else ages.at_least
            high = OLDEST_YEARS if ages.at_most is None else ages.at_most
            unsure = [NOT_SAID] if deny else []
            wanted = [*unsure, *range(low, high + 1)]
            yield Limit(Axis.CHILD, self.mask(Axis.CHILD, wanted), ("when", "ageYears"))


def narrowed(box: Box, axis: Axis, mask: int) -> Box:
    """The box with one dimension cut down."""
    place = _PLACE[axis]
    return (*box[:place], box[place] & mask, *box[place + 1 :])


def side(box: Box, axis: Axis) -> int:
    """The values a box has in one dimension."""
    return box[_PLACE[axis]]


def is_empty(box: Box) -> bool:
    return not all(box)


def meet(one: Box, other: Box) -> Box | None:
    """What both have in common."""
    common = tuple(a & b for a, b in zip(one, other, strict=True))
    return common if all(common) else None


def left_over(box: Box, covers: Iterable[Box]) -> list[Box]:
    """What of `box` no cover takes, as disjoint boxes; empty when it is wholly covered.

    Cut up beyond MOST_PIECES, what is left so far is answered: the caller then says less than it could, never more.
    """
    pieces = [] if is_empty(box) else [box]
    for cover in covers:
        if not pieces or len(pieces) > MOST_PIECES:
            break
        pieces = [rest for piece in pieces for rest in _without(piece, cover)]
    return pieces


def _without(box: Box, cover: Box) -> Iterator[Box]:
    if meet(box, cover) is None:
        yield box
        return
    before: Box = ()
    for place, (mine, theirs) in enumerate(zip(box, cover, strict=True)):
        outside = mine & ~theirs
        if outside:
            yield (*before, outside, *box[place + 1 :])
        before = (*before, mine & theirs)
