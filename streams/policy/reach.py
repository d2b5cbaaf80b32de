"""Who a rule can reach, and with which events: for each rule, event type and agency the box of events that it delivers.

Exact for every possible event of the shape that `event_space` describes, under the laws of `laws.py` that do not depend
on the publisher's judgement: basis, contract, agreement, regime, purpose, restricted lane, the source's own event. Days
are taken together: a rule reaches an agency if it does on some day from the one given on. Deny rules of the rule's own
area count, where they hold on all of those days; those of a neighbour are left out, because the neighbour is not always
concerned. So what is called unreachable here never happens; the reverse is for `masa rules verify`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from schemas.vocabulary import DutyBasis, IdentifierScheme
from streams.policy.event_space import Axis, Box, PublishedType, Space, left_over, meet, narrowed, side
from streams.policy.laws import DUTY
from streams.policy.model import AgencyModel, AgreementModel, Area, RuleModel
from streams.policy.words import Effect

ALWAYS, NEVER = date.min, date.max


class Days(NamedTuple):
    """The days from `first` to `last`, both included; none when they are the wrong way round."""

    first: date
    last: date

    def common(self, first: date | None, last: date | None) -> Days:
        return Days(max(self.first, first or ALWAYS), min(self.last, last or NEVER))

    def __bool__(self) -> bool:
        return self.first <= self.last

    def contain(self, other: Days) -> bool:
        return self.first <= other.first and other.last <= self.last


class Recipient(NamedTuple):
    """An agency that a selector can find, in which events, and through which of its roles."""

    agency: AgencyModel
    box: Box
    role: str


class Reached(NamedTuple):
    """What one rule can do for one agency with one type of event."""

    rule: RuleModel
    kind: PublishedType
    agency: AgencyModel
    days: Days
    asked: Box  # events in which the rule speaks and no law stands against it
    delivered: tuple[Box, ...]  # those of them that no deny rule forbids, disjoint
    denied_by: tuple[str, ...]  # ids of deny rules that forbid some of them
    barred: str | None = None  # when nothing is asked: the law that stands against it, in words


class Barrier(NamedTuple):
    """A law that lets only some values of one dimension through; a mask of 0 lets nothing through."""

    axis: Axis
    mask: int
    why: str


def _bar(why: str) -> Barrier:
    return Barrier(Axis.PUBLISHER, 0, why)


NOTHING: Box = (0,)


class Reach:
    """Reads the areas once; `of_rule` answers for an allow rule. `day` is the first day that counts."""

    def __init__(self, areas: Sequence[Area], event_types: Mapping[str, PublishedType], day: date) -> None:
        self.space, self.day = Space(areas), day
        self.areas = {area.spec.area: area for area in areas}
        self.area_of = {agency.id: area for area in areas for agency in area.agencies}
        self._types = event_types
        self._agreements = {(a.spec.area, x.id): x for a in areas for x in a.agreements}
        self._refused = self.space.refused()
        self._denies: dict[tuple[str, str], list[RuleModel]] = {}
        for area in areas:
            for rule in area.rules:
                for name in dict.fromkeys(rule.events) if rule.effect is Effect.DENY else ():
                    self._denies.setdefault((area.spec.area, name), []).append(rule)
        self._found: dict[tuple[str, str, str, bool], tuple[Recipient, ...]] = {}

    def days_of(self, area: Area, rule: RuleModel) -> Days:
        """The days from `day` on on which the rule and, for an allow rule, its agreement are in force."""
        days = Days(self.day, NEVER).common(rule.valid_from, rule.valid_until)
        agreement = self.agreement_of(area, rule)
        return days if agreement is None else days.common(agreement.signed_on, agreement.review_by)

    def agreement_of(self, area: Area, rule: RuleModel) -> AgreementModel | None:
        return self._agreements.get((area.spec.area, rule.under or ""))

    def kinds(self, rule: RuleModel) -> Iterator[PublishedType]:
        """The event types a rule names, each once."""
        for name in dict.fromkeys(rule.events):
            if name in self._types:
                yield self._types[name]

    def asked(self, rule: RuleModel, kind: PublishedType) -> Box:
        """The events of a type in which the rule's own conditions hold, whoever the recipient."""
        box = self.space.of_type(kind)
        for limit in self.space.limits(rule, deny=rule.effect is Effect.DENY):
            box = narrowed(box, limit.axis, limit.mask)
        return box

    def of_rule(self, area: Area, rule: RuleModel) -> Iterator[Reached]:
        """One entry for each event type and agency that the rule could name, also where nothing is delivered."""
        days = self.days_of(area, rule)
        for kind in self.kinds(rule):
            box = self._agreed(area, rule, self.asked(rule, kind))
            for recipient in self.recipients(area, rule):
                agency = recipient.agency
                asked, barred = self._lawful(area, rule, kind, recipient, days, meet(box, recipient.box))
                if asked is None:
                    yield Reached(rule, kind, agency, days, NOTHING, (), (), barred)
                    continue
                denies = [(d.id, b) for d, b in self._forbidding(area, rule, kind, agency, days) if meet(asked, b)]
                left = left_over(asked, [self._refused, *(cover for _, cover in denies)])
                yield Reached(rule, kind, agency, days, asked, tuple(left), tuple(name for name, _ in denies))

    def _agreed(self, area: Area, rule: RuleModel, box: Box) -> Box:
        agreement = self.agreement_of(area, rule)
        purposes = () if agreement is None else (purpose.value for purpose in agreement.purposes)
        return narrowed(box, Axis.PURPOSE, self.space.mask(Axis.PURPOSE, purposes))

    def _lawful(
        self, area: Area, rule: RuleModel, kind: PublishedType, recipient: Recipient, days: Days, box: Box | None
    ) -> tuple[Box | None, str | None]:
        """What of `box` the laws let this agency have; None and why when they let it have none of it."""
        for barrier in self._barriers(area, rule, kind, recipient, days):
            if box is None:
                break
            box = None if barrier.mask == 0 else meet(box, narrowed(self.space.everything, barrier.axis, barrier.mask))
            if box is None:
                return None, barrier.why
        return box, None

    def _barriers(
        self, area: Area, rule: RuleModel, kind: PublishedType, recipient: Recipient, days: Days
    ) -> Iterator[Barrier]:
        agency = recipient.agency
        agreement, home, contract = self.agreement_of(area, rule), self.area_of[agency.id], agency.contract
        if agreement is None or not _is_party(agreement, agency, area, home):
            yield _bar(f"`{agency.id}` is not a party to agreement `{rule.under}`")
        if contract is not None:
            days = days.common(None, contract.until)
            if kind.name not in contract.scope.event_types:
                yield _bar(f"the contract of `{agency.id}` does not cover it (L-08)")
            if not days:
                yield _bar(f"the contract of `{agency.id}` ended on {contract.until} (L-08)")
        basis = agency.duty_basis
        duty = days.common(max(basis.from_, area.spec.duty_commenced_on, home.spec.duty_commenced_on), basis.until)
        if basis.basis is DutyBasis.NONE or not duty:
            yield self._but(Axis.GATEWAY, DUTY, f"`{agency.id}` is not under the duty, so not under `{DUTY}` (L-07)")
        if rule.to.of != "source":
            yield self._but(Axis.PUBLISHER, agency.id, f"`{agency.id}` would be told of its own event")
        if not _sees_restricted(area, home, rule, recipient):
            why = f"role `{recipient.role}` is not cleared for restricted events (P-08)"
            yield self._but(Axis.RESTRICTED, True, why)

    def _but(self, axis: Axis, value: object, why: str) -> Barrier:
        return Barrier(axis, ~self.space.mask(axis, [value]), why)

    def recipients(self, area: Area, rule: RuleModel) -> tuple[Recipient, ...]:
        """The agencies that the rule's selector can find, the responsible officer for a child without school too."""
        role, of, allow = rule.to.role, rule.to.of, rule.effect is Effect.ALLOW
        key = (area.spec.area, role, of, allow)
        if key not in self._found:
            found = list(self._selected(area, role, of))
            if of == "child.communityHealth" and allow:
                found += self._only_provider(area, role)
            if of == "child.school" and allow and area.spec.responsible_officer_role is not None:
                none = self.space.mask(Axis.SCHOOL, [False])
                officers = self._selected(area, area.spec.responsible_officer_role, "child.homeAuthority")
                found += [each._replace(box=narrowed(each.box, Axis.SCHOOL, none)) for each in officers]
            self._found[key] = tuple(found)
        return self._found[key]

    def _selected(self, area: Area, role: str, of: str) -> Iterator[Recipient]:
        space, box = self.space, self.space.everything
        if of in _SETTINGS:
            scheme, axis = _SETTINGS[of]
            told = narrowed(box, axis, space.mask(axis, [True]))
            for agency in _holding(space.agencies, role):
                if any(identifier.scheme is scheme for identifier in agency.identifiers):
                    yield Recipient(agency, told, role)
        elif of == "explicit":
            yield from (Recipient(agency, box, role) for agency in _holding(space.agencies, role))
        elif of == "source":
            for agency in _holding(space.agencies, role):
                own = narrowed(box, Axis.PUBLISHER, space.mask(Axis.PUBLISHER, [agency.id]))
                yield Recipient(agency, own, role)
        elif of == "child.homeAuthority":
            for agency in _holding(area.agencies, role):
                theirs = narrowed(box, Axis.AREA, space.mask(Axis.AREA, served(area, agency)))
                yield Recipient(agency, theirs, role)
        elif of.startswith("category:"):
            for agency in _holding(area.agencies, role):
                if agency.category.value == of.removeprefix("category:"):
                    yield Recipient(agency, box, role)
        else:  # `area`, the placing or host authority, a team that the register knows
            yield from (Recipient(agency, box, role) for agency in _holding(area.agencies, role))

    def _only_provider(self, area: Area, role: str) -> Iterator[Recipient]:
        """A 0-19 provider that the event does not name is the only one that serves the authority."""
        unnamed = narrowed(
            self.space.everything, Axis.COMMUNITY_HEALTH, self.space.mask(Axis.COMMUNITY_HEALTH, [False])
        )
        for gss in area.spec.authorities:
            serving = [agency for agency in _holding(area.agencies, role) if gss in served(area, agency)]
            if len(serving) == 1:
                theirs = narrowed(unnamed, Axis.AREA, self.space.mask(Axis.AREA, [gss]))
                yield Recipient(serving[0], theirs, role)

    def _forbidding(
        self, area: Area, rule: RuleModel, kind: PublishedType, agency: AgencyModel, days: Days
    ) -> Iterator[tuple[RuleModel, Box]]:
        """Deny rules of the area that name this agency, each with the events in which it does."""
        for deny in self._denies.get((area.spec.area, kind.name), ()):
            if not self.days_of(area, deny).contain(days):
                continue
            for box in self._names(area, deny, rule, agency):
                if (both := meet(box, self.asked(deny, kind))) is not None:
                    yield deny, both

    def _names(self, area: Area, deny: RuleModel, rule: RuleModel, agency: AgencyModel) -> Iterator[Box]:
        """The events in which a deny rule is sure to name an agency whom `rule` has found."""
        broad = deny.to.of == "area" or deny.to.of.startswith("category:") or deny.to.of in _BY_FACTS
        same = deny.to.of == rule.to.of and (deny.to.of not in _BY_ROLE or deny.to.role == rule.to.role)
        if broad or same:
            yield from (each.box for each in self.recipients(area, deny) if each.agency.id == agency.id)


_SETTINGS = {
    "child.school": (IdentifierScheme.URN, Axis.SCHOOL),
    "child.gp": (IdentifierScheme.ODS, Axis.GP),
    "child.communityHealth": (IdentifierScheme.ODS, Axis.COMMUNITY_HEALTH),
}
_BY_ROLE = ("explicit", "child.allocatedTeam")  # selectors that may find another agency for another role
_BY_FACTS = ("child.homeAuthority", "source")  # selectors that the dimensions of the space decide alone


def served(area: Area, agency: AgencyModel) -> tuple[str, ...]:
    """GSS codes of the authorities an agency serves in its area."""
    return area.spec.authorities if agency.authorities is None else agency.authorities


def asks_for(reached: Iterable[Reached], space: Space, axis: Axis, value: object) -> bool:
    """Whether any of these deliveries can be of an event with that value."""
    bit = space.mask(axis, [value])
    return any(side(box, axis) & bit for each in reached for box in each.delivered)


def _holding(agencies: Iterable[AgencyModel], role: str) -> Iterator[AgencyModel]:
    return (agency for agency in agencies if role in agency.roles)


def _is_party(agreement: AgreementModel, agency: AgencyModel, area: Area, home: Area) -> bool:
    category, own = f"category:{agency.category.value}", home.spec.area
    names = {agency.id, f"{category}@{own}"}
    if own == area.spec.area:
        names.add(category)
    return not names.isdisjoint(agreement.parties)


def _sees_restricted(area: Area, home: Area, rule: RuleModel, recipient: Recipient) -> bool:
    """Whether the rule's role and, in the agency's own area, the addressed one are cleared for the restricted lane."""
    ruled, own = area.spec.roles.get(rule.to.role), home.spec.roles.get(recipient.role)
    return ruled is not None and ruled.restricted and own is not None and own.restricted
