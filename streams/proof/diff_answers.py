"""What one rule set answers to one recipient, for every possible event of a type at once.

The same steps as `streams.policy.decide`, each over diagrams instead of one event's facts: conditions, selectors and
laws are asked of the very functions that decide, over all combinations of the few dimensions that each of them reads;
how their answers are put together is written here anew and held to `decide` by a property test.

Several rules that speak for one recipient are joined (`Voice`): delivery takes the union of what they share, a rule
that waits makes the recipient wait. The join is a semilattice, which is why alternates can be looked at one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, NamedTuple

from schemas.vocabulary import OutcomeKind
from streams.policy import laws
from streams.policy.artefact import Document
from streams.policy.clocks import soonest
from streams.policy.compiled import NO, UNSURE, YES, CompiledAgency, CompiledRule
from streams.policy.conditions import Split, split
from streams.policy.facts import AgencyId, AreaId, Facts, RoleId
from streams.policy.fields import Grant, plan
from streams.policy.laws import AGENCY_LAWS, HIT_LAWS, Circumstances, Claim, Standing
from streams.policy.recipients import UNRESOLVED, is_broad
from streams.policy.reference_match import FLAGS, LISTS, PRESENT
from streams.policy.settle import view_of
from streams.proof.boxes import Diagram, Diagrams
from streams.proof.diff_space import Side, Space, dimensions_of

ABSENT, EXCLUDED, BROKEN, DELIVERED, HELD = range(5)  # ranks of a Voice: the highest decides
NOT_TOLD = "NOT_TOLD"  # DENIED, WITHHELD or no candidate: why nothing is shared makes no difference to sharing
_NOBODY: frozenset[Any] = frozenset()
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

# What each law reads of the event and of how the recipient stands to it.
LAW_READS: Mapping[Callable[..., Any], tuple[str, ...]] = {
    laws.accused_setting: ("is_accused",),
    laws.duty_commenced: ("gateway", "day"),
    laws.duty_basis: ("gateway", "day"),
    laws.contract_in_time: ("day",),
    laws.contract_in_scope: (),
    laws.not_the_source: ("is_source",),
    laws.rule_area_commenced: ("gateway", "day"),
    laws.restricted_lane: ("restricted",),
    laws.sensitive_service: ("sensitive", "confirmed"),
    laws.regime_covered: ("regime",),
    laws.purpose_agreed: ("purpose",),
    laws.agreement_in_force: ("day",),
    laws.party_to_agreement: (),
}


class Voice(NamedTuple):
    """What the rules that speak for one recipient come to. Everything but the rank is empty unless DELIVERED."""

    rank: int
    kept: frozenset[str] = _NOBODY
    clock: str = "NONE"
    roles: frozenset[str] = _NOBODY
    bases: frozenset[str] = _NOBODY


class Answer(NamedTuple):
    """One recipient's outcome, without what differs between rule sets that share alike: rule names and reasons."""

    kind: str  # DELIVERED, HELD or NOT_TOLD
    kept: frozenset[str] = _NOBODY
    clock: str | None = None
    roles: frozenset[str] = _NOBODY
    bases: frozenset[str] = _NOBODY


class Named(NamedTuple):
    """One rule that names one agency through one role. `state`: NO, YES, or UNSURE when it waits for a person."""

    rule: CompiledRule
    role: RoleId
    state: Diagram


SILENT = Voice(ABSENT)


def joined(one: Voice, other: Voice) -> Voice:
    """The union of two voices; commutative, associative, idempotent."""
    if one.rank != other.rank or one.rank != DELIVERED:
        return max(one, other, key=lambda voice: voice.rank)
    clock = soonest((one.clock, other.clock))
    return Voice(DELIVERED, one.kept | other.kept, clock, one.roles | other.roles, one.bases | other.bases)


class Answers:
    """One side's answers over one space. Diagrams that are used often are made once."""

    def __init__(self, side: Side, space: Space, diagrams: Diagrams) -> None:
        self._side, self._rules, self._space, self._made = side, side.rules, space, diagrams
        self._entries = side.rules_of(space.event_type)
        self._kind = side.rules.event_types.get(space.event_type)
        self._axes: dict[str, Diagram] = {}
        self._spoken: dict[int, Diagram] = {}
        self._areas: dict[AreaId, Diagram] = {}
        self._reached: dict[tuple[Any, ...], Diagram] = {}
        self._hits: dict[AgencyId, list[Named]] = {}
        self._plan = cache(self._kept)

    def answer(self, recipient: AgencyId, excluded: tuple[AgencyId, ...] = ()) -> Diagram:
        """The recipient's Answer, when of the agencies that it stands in for only `excluded` may be excluded."""
        hits = [*self.hits(recipient)]
        for agency in excluded:
            hits += self._stand_ins(agency, recipient)
        voice = self._made.leaf(SILENT)
        for hit in hits:
            voice = self._made.combine(joined, voice, self._voice(hit, recipient))
        holder = self._holder(recipient)
        barred = self._made.either(
            self.stale(), self._withheld(recipient, hits), self._agency_laws(recipient), self._denied(recipient)
        )
        whole, partly = self._bit(f"excluded:{recipient}"), self._made.either(*self._excluded_roles(recipient))
        return self._made.combine(_settled, voice, barred, whole, partly, holder)

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
            placed = [self._asked((field,), lambda facts, at=at: _gss_area(rules, facts[at]) == area)
                      for field in ("placing_la", "host_la") for at in (Facts._fields.index(field),)]  # fmt: skip
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

    def _withheld(self, agency: AgencyId, hits: list[Named]) -> Diagram:
        by_role = []
        for hit in hits:
            there = self._made.combine(lambda state: state != NO, hit.state)
            said = self._made.either(*(self._bit(f"withheldRole:{role}") for role in _roles(hit)))
            by_role.append(self._made.both(there, said))
        return self._made.either(self._bit(f"withheld:{agency}"), *by_role)

    def _excluded(self, agency: AgencyId, hit: Named) -> Diagram:
        """Whether a conflict of interest bars the hit."""
        by_role = (self._bit(f"excluded:{agency}/{role}") for role in _roles(hit))
        return self._made.either(self._bit(f"excluded:{agency}"), *by_role)  # the first only for those between

    def _confirmed(self, agency: AgencyId, hit: Named) -> Diagram:
        by_name = [f"{kind}:{agency}/{role}" for role in _roles(hit) for kind in ("confirmed", "confirmedByName")]
        return self._made.either(*map(self._bit, (*by_name, *(f"confirmedRole:{role}" for role in _roles(hit)))))

    def _law_axis(self, name: str, agency: AgencyId, hit: Named | None) -> Diagram:
        if name == "confirmed" and hit is not None:
            return self._confirmed(agency, hit)
        if name == "is_source":
            return self._asked(("source",), lambda facts: facts.source == agency)
        if name == "is_accused":
            accused = self._rules.tokens.accused
            return self._asked(("accused_setting",), lambda f: agency in accused.get(f.accused_setting, ()))  # type: ignore[arg-type]
        return self._axis("sensitiveService" if name == "sensitive" else name)

    def _agency_laws(self, agency: AgencyId) -> Diagram:
        """Whether a law denies the agency whatever the rules say."""
        known = self._rules.agencies.get(agency)
        if known is None:
            return self._made.leaf(False)
        area = self._rules.areas.get(known.area)
        found = []
        for law in AGENCY_LAWS:
            reads = LAW_READS[law]

            def barred(*said: Any, law: Any = law, reads: tuple[str, ...] = reads) -> bool:
                event = dict(zip(reads, said, strict=True))
                standing = Standing(known, area, False, event.get("is_accused", False))
                return law(self._case(event), known, standing) is not None

            found.append(self._law(barred, reads, agency, None))
        return self._made.either(*found)

    def _broken(self, agency: AgencyId, hit: Named) -> Diagram:
        """Whether a law takes the hit away."""
        known = self._rules.agencies.get(agency)
        area = None if known is None else self._rules.areas.get(known.area)
        view = view_of(self._rules, agency, hit.rule.hit(hit.role))
        found = []
        for law in HIT_LAWS:
            reads = LAW_READS[law]

            def taken(*said: Any, law: Any = law, reads: tuple[str, ...] = reads) -> bool:
                event = dict(zip(reads, said, strict=True))
                standing = Standing(known, area, event.get("is_source", False), False)
                claim = Claim(hit.rule, self._rules.areas[hit.rule.area], view, event.get("confirmed", False))
                return law(self._case(event), standing, claim) is not None

            found.append(self._law(taken, reads, agency, hit))
        return self._made.either(*found)

    def _law(self, law: Callable[..., bool], reads: tuple[str, ...], agency: AgencyId, hit: Named | None) -> Diagram:
        axes = [self._law_axis(name, agency, hit) for name in reads]
        return self._made.combine(law, *axes) if axes else self._made.leaf(law())

    def _case(self, event: Mapping[str, Any]) -> Circumstances:
        plain = {"gateway": "", "regime": "", "purpose": "", "sensitive": False, "restricted": False, "day": 0}
        given = {name: event.get(name, otherwise) for name, otherwise in plain.items()}
        return Circumstances(event_type=self._space.event_type, protected=False, **given)

    def _voice(self, hit: Named, agency: AgencyId) -> Diagram:
        """What one hit says for the agency."""
        basis = _NOBODY if hit.rule.agreement is None else frozenset({hit.rule.agreement.lawful_basis})
        clock = hit.rule.clock or self._rules.clocks.get(self._space.event_type, "NONE")
        share = hit.rule.shares.get(self._space.event_type, frozenset())
        view = view_of(self._rules, agency, hit.rule.hit(hit.role))

        def voice(state: int, excluded: bool, broken: bool, protection: str, confirmed: bool) -> Voice:
            if state == NO:
                return SILENT
            if excluded or broken:
                return Voice(EXCLUDED if excluded else BROKEN)
            if state == UNSURE:
                return Voice(HELD)
            kept = self._plan(Grant(share, view, confirmed), protection != "NONE")
            return Voice(DELIVERED, kept, clock, frozenset({hit.role}), basis)

        return self._made.combine(
            voice,
            hit.state,
            self._excluded(agency, hit),
            self._broken(agency, hit),
            self._axis("protection"),
            self._confirmed(agency, hit),
        )

    def _kept(self, grant: Grant, protected: bool) -> frozenset[str]:
        return _NOBODY if self._kind is None else plan(self._kind, (grant,), protected=protected).kept

    def _stand_ins(self, agency: AgencyId, recipient: AgencyId) -> list[Named]:
        """What the recipient is given in the place of an excluded agency (P-05)."""
        known, alternate = self._rules.agencies.get(agency), self._rules.agencies.get(recipient)
        if known is None or alternate is None:
            return []
        chain = chain_to(self._side, agency, recipient)
        if chain is None:
            return []
        hits = self.hits(agency)
        spared = [
            self._made.combine(lambda state, out: state != NO and not out, hit.state, self._excluded(agency, hit))
            for hit in hits
        ]
        against = self._made.either(
            *spared,
            self._withheld(agency, hits),
            self._denied(agency),
            self._agency_laws(agency),
            self._bit(f"excluded:{recipient}"),
        )
        out = self._made.either(self._bit(f"excluded:{agency}"), *self._excluded_roles(agency))
        on = [out, *(self._bit(f"excluded:{each}") for each in chain)]
        open_ = self._made.combine(lambda there, bar: there and not bar, self._made.both(*on), against)
        return [self._stand_in(agency, alternate, hit, open_) for hit in hits]

    def _stand_in(self, agency: AgencyId, alternate: CompiledAgency, hit: Named, open_: Diagram) -> Named:
        role = hit.role if hit.role in alternate.roles or not alternate.roles else alternate.roles[0]
        broken = self._broken(agency, hit)
        state = self._made.combine(lambda on, out, was: was if on and not out else NO, open_, broken, hit.state)
        return Named(hit.rule, role, state)


def chain_to(side: Side, agency: AgencyId, recipient: AgencyId) -> tuple[AgencyId, ...] | None:
    """The alternates between an agency and the recipient, all of whom must be excluded too; None if it never comes."""
    seen, between = {agency}, []
    known = side.rules.agencies.get(agency)
    while known is not None and known.alternate is not None and known.alternate not in seen:
        if known.alternate == recipient:
            return tuple(between)
        seen.add(known.alternate)
        between.append(known.alternate)
        known = side.rules.agencies.get(known.alternate)
    return None


def _settled(voice: Voice, barred: bool, whole: bool, partly: bool, holder: bool) -> Answer:
    """As `streams.policy.settle`: judgement, laws, denies, conflict, waiting, delivery."""
    conflict = whole or (partly and voice.rank <= EXCLUDED)
    if barred or conflict or not (voice.rank >= DELIVERED or holder):
        return Answer(NOT_TOLD)
    if holder or voice.rank == HELD:
        return Answer(OutcomeKind.HELD.value)
    return Answer(OutcomeKind.DELIVERED.value, voice.kept, voice.clock, voice.roles, voice.bases)


def _state(said: int, found: tuple[str, bool], role: str) -> int:
    if said == NO or found[0] != role:
        return NO
    return UNSURE if said == UNSURE or found[1] else YES


def _all(one: int, other: int) -> int:
    if NO in (one, other):
        return NO
    return UNSURE if UNSURE in (one, other) else YES


def _roles(hit: Named) -> tuple[RoleId, ...]:
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
