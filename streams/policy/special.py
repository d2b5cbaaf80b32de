"""Candidates of events in which more than allow rules speaks: judgements, conflicts, denies, recipients not found.

Readings where the requirement leaves room, all on the protective side: an alternate gets what the excluded agency would
have got, no more, and nothing when the publisher, a law or a deny rule bars that agency; a broad deny rule (`area`,
`category:`) speaks about candidates but makes none.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.policy.compiled import CompiledAgency, CompiledArea, CompiledRule, Hit
from streams.policy.facts import AgencyId, Exclusion, Facts, RoleId
from streams.policy.index import RuleSet
from streams.policy.judgements import confirmation_matters, digest
from streams.policy.laws import Circumstances
from streams.policy.reasons import ReasonCode
from streams.policy.recipients import UNRESOLVED, is_broad
from streams.policy.settle import CONFIRMED, NO_ROLES, PLAIN, Candidate, Notes, agency_reasons, excludes, hit_reasons

Hits = dict[AgencyId, tuple[Hit, ...]]
Marks = tuple[ReasonCode, ...]
Denies = list[tuple[CompiledRule, tuple[AgencyId, ...], Marks]]  # rule, whom it names, how it found them

_HOME = AgencyId(UNRESOLVED + "child.homeAuthority")
_NOBODY: frozenset[AgencyId] = frozenset()
_STANDS_IN: Marks = (ReasonCode.FALLBACK_FRONT_DOOR,)


class Gathered(NamedTuple):
    """What the rules said. `unknown_home`: the home authority is in no area that takes part."""

    hits: Hits
    denies: Denies
    unknown_home: bool


def special_candidates(facts: Facts, rules: RuleSet, case: Circumstances, gathered: Gathered) -> list[Candidate]:
    """Every candidate with all that speaks for and against it, in no particular order."""
    found = dict(gathered.hits)
    for judgement in facts.judgements:
        if judgement.agency is not None:
            found.setdefault(judgement.agency, ())
    for exclusion in facts.exclusions:
        found.setdefault(exclusion.agency, ())
    borders = _unknown_home(facts, rules, found) if gathered.unknown_home else None
    for rule, named, _ in gathered.denies:
        if not is_broad(rule.of):
            for agency in named:
                found.setdefault(agency, ())
    reader = _Reader(facts, rules, gathered.denies, _front_doors(rules, found), borders)
    if facts.exclusions:
        _add_alternates(facts, rules, case, found, reader)
    return [reader.candidate(agency, hits) for agency, hits in found.items()]


def _unknown_home(facts: Facts, rules: RuleSet, found: Hits) -> AgencyId:
    """Who holds an event about a child of an unknown area: the front door of the publisher's area (R-07)."""
    source = rules.agencies.get(facts.source)
    area = rules.areas.get(facts.masa_id if source is None else source.area)
    holder = _HOME if area is None or area.front_door == facts.source else area.front_door
    found.setdefault(holder, ())
    return holder


def _front_doors(rules: RuleSet, found: Hits) -> frozenset[AgencyId]:
    """Front doors that stand in for recipients who could not be found (R-04)."""
    lost = (hits for agency, hits in found.items() if agency.startswith(UNRESOLVED))
    return frozenset(rules.areas[hit.rule.area].front_door for hits in lost for hit in hits)


class _Reader:
    """Reads the notes of one event's candidates."""

    def __init__(
        self,
        facts: Facts,
        rules: RuleSet,
        denies: Denies,
        front_doors: frozenset[AgencyId],
        unknown_home: AgencyId | None,
    ) -> None:
        self._source, self._rules = facts.source, rules
        self._broad = [rule for rule, _, _ in denies if is_broad(rule.of)]
        self._narrow: dict[AgencyId, tuple[CompiledRule, ...]] = {}
        self._marks: dict[AgencyId, Marks] = {}
        for rule, named, marks in denies:
            for agency in named if not is_broad(rule.of) else ():
                self._narrow[agency] = (*self._narrow.get(agency, ()), rule)
                if marks:
                    self._marks[agency] = marks
        self._front_doors, self._unknown_home = front_doors, unknown_home
        token = facts.accused_setting
        self._accused = _NOBODY if token is None else rules.tokens.accused.get(token, _NOBODY)
        self._judged = digest(facts.judgements)
        self._confirmable = confirmation_matters(facts, rules)
        self._excluded = _exclusions(facts.exclusions)
        self._withholds = bool(self._judged.withheld_agencies or self._judged.withheld_roles)
        self._only_judged = not (facts.exclusions or front_doors or unknown_home or self._accused or self._marks)
        self._quiet = self._only_judged and not facts.judgements

    def candidate(self, agency: AgencyId, hits: tuple[Hit, ...]) -> Candidate:
        denies = self._narrow.get(agency, ())
        if self._broad:
            known = self._rules.agencies.get(agency)
            denies = (*denies, *(rule for rule in self._broad if _is_in_class(rule, known)))
        return Candidate(agency, hits, denies, self._notes(agency, hits))

    def _notes(self, agency: AgencyId, hits: tuple[Hit, ...]) -> Notes:
        """PLAIN when nothing is special, so that the candidate is settled once with those of other events."""
        if self._quiet and agency != self._source:
            return PLAIN
        withheld = self._judged.withheld(agency, hits) if self._withholds else ()
        confirmed = self._judged.confirmed(agency, hits) if self._confirmable else NO_ROLES
        if self._only_judged and agency != self._source and not withheld and not confirmed:
            return CONFIRMED if confirmed is None else PLAIN
        notes = Notes(
            agency == self._source,
            agency in self._accused,
            withheld,
            confirmed,
            self._excluded.get(agency, NO_ROLES),
            (*_STANDS_IN, *self._marks.get(agency, ())) if agency in self._front_doors else self._marks.get(agency, ()),
            (ReasonCode.CROSS_BORDER_UNKNOWN_AREA,) if agency == self._unknown_home else (),
        )
        return PLAIN if notes == PLAIN else notes


def _is_in_class(rule: CompiledRule, agency: CompiledAgency | None) -> bool:
    if agency is None or agency.area != rule.area or rule.role not in agency.roles:
        return False
    return rule.of == "area" or rule.of == f"category:{agency.category}"


def _exclusions(exclusions: tuple[Exclusion, ...]) -> dict[AgencyId, frozenset[RoleId] | None]:
    """Roles excluded for a conflict of interest, by agency; None: the whole agency."""
    found: dict[AgencyId, frozenset[RoleId] | None] = {}
    for each in exclusions:
        so_far = found.get(each.agency, NO_ROLES)
        found[each.agency] = None if each.role is None or so_far is None else so_far | {each.role}
    return found


def _add_alternates(facts: Facts, rules: RuleSet, case: Circumstances, found: Hits, reader: _Reader) -> None:
    """Give each excluded agency's alternate what that agency would have got (P-05)."""
    added: Hits = {}
    for agency in sorted({each.agency for each in facts.exclusions}):
        candidate = reader.candidate(agency, found.get(agency, ()))
        alternate = _alternate(facts, rules, agency)
        if alternate is None or not _only_conflict_bars(rules, case, candidate):
            continue
        for hit in candidate.hits:
            if not hit_reasons(rules, case, candidate, hit):
                added[alternate.id] = (*added.get(alternate.id, ()), _stand_in(alternate, hit))
    for name, hits in added.items():
        found[name] = (*found.get(name, ()), *hits)


def _only_conflict_bars(rules: RuleSet, case: Circumstances, candidate: Candidate) -> bool:
    """Whether the agency would receive if it were not for the conflict."""
    if candidate.notes.withheld or candidate.denies or agency_reasons(rules, case, candidate):
        return False
    return all(excludes(candidate.notes.excluded, hit) for hit in candidate.hits)


def _alternate(facts: Facts, rules: RuleSet, agency: AgencyId) -> CompiledAgency | None:
    """The first agency along the chain of alternates that is not excluded itself."""
    barred = {each.agency for each in facts.exclusions if each.role is None}
    seen = {agency}
    known = rules.agencies.get(agency)
    while known is not None and known.alternate is not None and known.alternate not in seen:
        seen.add(known.alternate)
        known = rules.agencies.get(known.alternate)
        if known is not None and known.id not in barred:
            return known
    return None


def _stand_in(alternate: CompiledAgency, hit: Hit) -> Hit:
    """The same hit, addressed to the alternate's same role or, if it has none, to its first role."""
    role = hit.role if hit.role in alternate.roles or not alternate.roles else alternate.roles[0]
    return hit.rule.hit(role, (*hit.marks, ReasonCode.ALTERNATE_FOR_EXCLUDED), hit.holds)


def concerned_areas(facts: Facts, rules: RuleSet) -> tuple[tuple[CompiledArea, ...], bool]:
    """Areas whose rules apply (R-07), and whether the child's home authority is in no area that takes part."""
    home = rules.area_of_gss.get(facts.area_gss)
    if home is not None and facts.placing_la is None and facts.host_la is None:
        return (rules.areas[home],), False
    source = rules.agencies.get(facts.source)
    names = [home or (facts.masa_id if source is None else source.area)]
    for token in (facts.placing_la, facts.host_la):
        gss = None if token is None else rules.tokens.authority.get(token)
        if gss is not None:
            names.append(rules.area_of_gss[gss])
    areas = tuple(rules.areas[name] for name in dict.fromkeys(names) if name in rules.areas)
    return areas, home is None and facts.area_gss is not None
