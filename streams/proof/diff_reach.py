"""Whom the rules of one side name, for every possible event of a type at once.

Conditions and selectors are asked of the very functions that decide, over all combinations of the few dimensions that
each of them reads.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from streams.policy.artefact import Document
from streams.policy.compiled import NO, UNSURE, YES, CompiledAgency, CompiledRule
from streams.policy.conditions import Split, split
from streams.policy.facts import AgencyId, AreaId, Facts, RoleId
from streams.policy.recipients import UNRESOLVED, is_broad
from streams.policy.reference_match import FLAGS, LISTS, PRESENT
from streams.proof.boxes import Diagram, Diagrams
from streams.proof.diff_space import Side, Space, dimensions_of

_HOME = AgencyId(UNRESOLVED + "child.homeAuthority")
_BY_CHILD = ("match", "registered")

# Which fields of Facts a selector reads. One that is not here does not compile into a diagram: KeyError.
_SELECTOR_READS: dict[str, tuple[str, ...]] = {
    "child.school": ("school", "area_gss", *_BY_CHILD),
    "child.gp": ("gp", *_BY_CHILD),
    "child.communityHealth": ("community_health", "area_gss", *_BY_CHILD),
    "child.allocatedTeam": ("allocated_team", *_BY_CHILD),
    "child.homeAuthority": ("area_gss",),
    "child.placingAuthority": ("placing_la", "match"),
    "child.hostAuthority": ("host_la", "match"),
    "area": (),
    "source": ("source",),
    "explicit": (),  # the publisher's judgements, see `_reach`
}


class Named(NamedTuple):
    """One rule that names one agency through one role. `state`: NO, YES, or UNSURE when it waits for a person."""

    rule: CompiledRule
    role: RoleId
    state: Diagram


class Reach:
    """Whom the rules name, over one space. Diagrams that are used often are made once."""

    def __init__(self, side: Side, space: Space, diagrams: Diagrams) -> None:
        self._side, self._rules, self._space, self._made = side, side.rules, space, diagrams
        self._entries = side.rules_of(space.event_type)
        self._kind = side.rules.event_types.get(space.event_type)
        self._axes: dict[str, Diagram] = {}
        self._spoken: dict[int, Diagram] = {}
        self._areas: dict[AreaId, Diagram] = {}
        self._reached: dict[tuple[Any, ...], Diagram] = {}
        self._hits: dict[AgencyId, list[Named]] = {}

    def stale(self) -> Diagram:
        """Whether the event as a whole waits, because rules of an area concerned are past their review date."""
        late = []
        for area in self._rules.areas.values():
            past = self._made.combine(lambda day, last=area.review_by: last < day, self._axis("day"))
            late.append(self._made.both(past, self._concerned(area.id)))
        return self._made.either(*late)

    def hits(self, agency: AgencyId) -> list[Named]:
        """Every allow rule that can name the agency by itself, once for each role."""
        found = self._hits.get(agency)
        if found is None:
            found = self._hits[agency] = [
                hit for rule, entry in self._entries if not rule.deny for hit in self._named(rule, entry, agency)
            ]
        return found

    def _named(self, rule: CompiledRule, entry: Document, agency: AgencyId) -> list[Named]:
        reach = self._reach(rule, agency)
        roles = {role for role, _ in self._made.values(reach) if role}
        if not roles:
            return []
        spoken = self._speaks(rule, entry)
        return [
            Named(rule, role, self._made.combine(lambda said, found, r=role: _state(said, found, r), spoken, reach))
            for role in sorted(roles)
        ]

    def _speaks(self, rule: CompiledRule, entry: Document) -> Diagram:
        """NO, YES or UNSURE: the day, the areas concerned, and every condition of the rule."""
        found = self._spoken.get(rule.number)
        if found is not None:
            return found
        in_time = self._made.combine(
            lambda day: YES if rule.first_day <= day <= rule.last_day else NO, self._axis("day")
        )
        parts = [in_time, self._made.combine(lambda here: YES if here else NO, self._concerned(rule.area))]
        parts += [self._condition(split({name: wanted}, None, deny=rule.deny), name)
                  for name, wanted in entry["when"].items()]  # fmt: skip
        if entry["gateways"] is not None:
            parts.append(self._condition(split({}, entry["gateways"], deny=rule.deny), "gateway"))
        total = parts[0]
        for part in parts[1:]:
            total = self._made.combine(_all, total, part)
        self._spoken[rule.number] = total
        return total

    def _condition(self, parted: Split, name: str) -> Diagram:
        return self._asked(_condition_reads(name), lambda facts: _holds(parted, facts))

    def _asked(self, fields: tuple[str, ...], question: Callable[[Facts], Hashable]) -> Diagram:
        """The answers to a question that reads some fields of Facts, for all that they can say."""
        names = dimensions_of(self._space, fields)
        return self._made.table(names, lambda *chosen: question(self._space.probe(names, chosen)))

    def _axis(self, name: str) -> Diagram:
        """What a dimension says."""
        found = self._axes.get(name)
        if found is None:
            values = [choice.value for choice in self._space.dimensions[name]]
            found = self._axes[name] = self._made.table([name], lambda n: values[n])
        return found

    def _bit(self, name: str) -> Diagram:
        return self._axis(name) if name in self._space.dimensions else self._made.leaf(False)

    def _excluded_roles(self, agency: AgencyId) -> list[Diagram]:
        return [self._axis(name) for name in self._space.dimensions if name.startswith(f"excluded:{agency}/")]

    def _concerned(self, area: AreaId) -> Diagram:
        """Whether an area's rules apply (R-07): the child lives there, was placed by it or is hosted there."""
        found = self._areas.get(area)
        if found is None:
            rules, by = self._rules, self._rules.area_of_gss
            home = self._asked(("area_gss",), lambda facts: by.get(facts.area_gss))
            source = self._asked(("source", "masa_id"), lambda facts: _source_area(rules, facts))
            theirs = self._made.combine(lambda own, other: (own or other) == area, home, source)
            placed = (
                self._asked(("placing_la",), lambda facts: _gss_area(rules, facts.placing_la) == area),
                self._asked(("host_la",), lambda facts: _gss_area(rules, facts.host_la) == area),
            )
            found = self._areas[area] = self._made.either(theirs, *placed)
        return found

    def _reach(self, rule: CompiledRule, agency: AgencyId) -> Diagram:
        """(role through which the rule's selector names the agency, whether that waits); ("", False) if it does not."""
        key = (rule.of, rule.role, rule.area, rule.deny, agency)
        found = self._reached.get(key)
        if found is None:
            found = self._reached[key] = self._asked_reach(rule, agency)
        return found

    def _asked_reach(self, rule: CompiledRule, agency: AgencyId) -> Diagram:
        if rule.of == "explicit":
            known = self._rules.agencies.get(agency)
            if known is None or rule.role not in known.roles:
                return self._made.leaf(("", False))
            named = self._bit(f"confirmedByName:{agency}/{rule.role}")
            return self._made.combine(lambda there: (rule.role, False) if there else ("", False), named)

        def reached(facts: Facts) -> tuple[str, bool]:
            agencies, hit = rule.resolve(rule, facts, self._rules, ())
            return (hit.role, bool(hit.holds)) if agency in agencies else ("", False)

        fields = () if rule.of.startswith("category:") else _SELECTOR_READS[rule.of]
        if not self._may_reach(rule, agency):
            return self._made.leaf(("", False))
        return self._asked(fields, reached)

    def _may_reach(self, rule: CompiledRule, agency: AgencyId) -> bool:
        """False only if no event lets the rule name the agency."""
        if agency.startswith(UNRESOLVED):
            return agency == UNRESOLVED + rule.of
        known = self._rules.agencies.get(agency)
        officer = self._rules.areas[rule.area].officer_role if rule.of == "child.school" else None
        return known is not None and (rule.role in known.roles or officer in known.roles)

    def _denied(self, recipient: AgencyId) -> Diagram:
        """Whether a deny rule bars the recipient; one that cannot be told applies."""
        found, known = [], self._rules.agencies.get(recipient)
        for rule, entry in self._entries:
            if not rule.deny:
                continue
            if is_broad(rule.of):
                reach = self._made.leaf((rule.role if _in_class(rule, known) else "", False))
            else:
                reach = self._reach(rule, recipient)
            if self._made.values(reach) != {("", False)}:
                spoken = self._speaks(rule, entry)
                found.append(self._made.combine(lambda said, to: said != NO and bool(to[0]), spoken, reach))
        return self._made.either(*found)

    def _holder(self, recipient: AgencyId) -> Diagram:
        """Whether the recipient holds the events about children of areas that take no part (R-07)."""
        rules = self._rules

        def holds(facts: Facts) -> bool:
            if facts.area_gss is None or facts.area_gss in rules.area_of_gss:
                return False
            area = rules.areas.get(_source_area(rules, facts))
            return recipient == (_HOME if area is None or area.front_door == facts.source else area.front_door)

        may = recipient == _HOME or any(area.front_door == recipient for area in rules.areas.values())
        return self._asked(("area_gss", "source", "masa_id"), holds) if may else self._made.leaf(False)


def chain_to(side: Side, agency: AgencyId, recipient: AgencyId) -> tuple[AgencyId, ...] | None:
    """The alternates between an agency and the recipient, all of whom must be excluded too; None if it never comes."""
    seen, between = {agency}, list[AgencyId]()
    known = side.rules.agencies.get(agency)
    while known is not None and known.alternate is not None and known.alternate not in seen:
        if known.alternate == recipient:
            return tuple(between)
        seen.add(known.alternate)
        between.append(known.alternate)
        known = side.rules.agencies.get(known.alternate)
    return None


def _state(said: int, found: tuple[str, bool], role: str) -> int:
    if said == NO or found[0] != role:
        return NO
    return UNSURE if said == UNSURE or found[1] else YES


def _all(one: int, other: int) -> int:
    if NO in (one, other):
        return NO
    return UNSURE if UNSURE in (one, other) else YES


def roles_of(hit: Named) -> tuple[RoleId, ...]:
    return (hit.role,) if hit.role == hit.rule.role else (hit.role, hit.rule.role)


def _in_class(rule: CompiledRule, agency: CompiledAgency | None) -> bool:
    if agency is None or agency.area != rule.area or rule.role not in agency.roles:
        return False
    return rule.of == "area" or rule.of == f"category:{agency.category}"


def _condition_reads(name: str) -> tuple[str, ...]:
    if name == "gateway":
        return ("gateway",)
    if name == "ageYears":
        return ("age_years", "unborn")
    if name == "concerns":
        return ("concerns",)
    return ({**LISTS, **FLAGS, **PRESENT}[name],)


def _holds(parted: Split, facts: Facts) -> int:
    """NO, YES or UNSURE, by what the index and the matcher would say."""
    key = tuple(facts[place] for place in parted.dims)
    sure = dict(parted.entries).get(key)
    answers = [NO if sure is None else YES if sure else UNSURE, *(condition(facts) for condition in parted.rest)]
    if NO in answers:
        return NO
    return UNSURE if UNSURE in answers else YES


def _source_area(rules: Any, facts: Facts) -> AreaId:
    source = rules.agencies.get(facts.source)
    return facts.masa_id if source is None else source.area


def _gss_area(rules: Any, token: Any) -> AreaId | None:
    gss = None if token is None else rules.tokens.authority.get(token)
    return None if gss is None else rules.area_of_gss[gss]
