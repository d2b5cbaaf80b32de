"""Whom a rule names: from its selector and the event to agencies (requirements R-04, R-07, R-11).

Each resolver answers `(agencies, hit)`. What cannot be found answers the stand-in agency `unresolved:<selector>` with a
hit that waits for a person. A deny rule whose recipient cannot be found names nobody.

Readings where the requirement leaves room, all on the protective side: a school that is known but lacks the role is
not found; a child without a GP in the event is not found (`hasGp: true` asks for one); a 0-19 provider that the event
does not name is the only agency with the role that serves the authority, and not found if there are several; the
allocated team is the agency that declared the child's case if it has the role, else the one agency of the same
organisation that has it, and not found if there is none or several. A child without a declared case has no team, so
such a rule then asks for nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.vocabulary import MatchStatus
from streams.policy.compiled import CompiledRule, Hit, Holds, Resolver
from streams.policy.facts import AgencyId, Facts, LocatorToken
from streams.policy.reasons import ReasonCode

if TYPE_CHECKING:
    from streams.policy.index import RuleSet

Found = tuple[tuple[AgencyId, ...], Hit]
Marks = tuple[ReasonCode, ...]

UNRESOLVED = "unresolved:"
LOW_MATCH = frozenset(
    {MatchStatus.POTENTIAL_MATCH, MatchStatus.LOW_CONFIDENCE, MatchStatus.MANY_MATCH, MatchStatus.ERROR}
)
_BY_REGISTER: Marks = (ReasonCode.RELATIONSHIP_REGISTER,)
BROAD = ("area", "category:")  # selectors that name a class of agencies, not those of one child or event


def is_broad(of: str) -> bool:
    """Whether a selector names a class. A broad deny rule speaks of candidates only, it makes none."""
    return of.startswith(BROAD)


def resolver_for(of: str) -> Resolver:
    return _RESOLVERS.get(of, _category)


def _waiting(facts: Facts, holds: Holds) -> Holds:
    """Whoever is chosen through the child's record waits while it is not sure whose record it is (I-04)."""
    return (*holds, ReasonCode.LOW_MATCH_STATUS) if facts.match in LOW_MATCH else holds


def _hit(rule: CompiledRule, holds: Holds, marks: Marks = ()) -> Hit:
    return rule.hit(rule.role, marks, holds) if holds or marks else rule.plain


def _unresolved(rule: CompiledRule, holds: Holds, marks: Marks = ()) -> Found:
    if rule.deny:
        return (), rule.plain
    stand_in = AgencyId(UNRESOLVED + rule.of)
    return (stand_in,), rule.hit(rule.role, marks, (*holds, ReasonCode.UNRESOLVED_RECIPIENT))


def _known(rule: CompiledRule, facts: Facts, rules: RuleSet, agency: AgencyId | None, holds: Holds) -> Found:
    marks = _marks(rule, facts)
    if agency is None or rule.role not in rules.agencies[agency].roles:
        return _unresolved(rule, holds, marks)
    return (agency,), _hit(rule, holds, marks)


def _marks(rule: CompiledRule, facts: Facts) -> Marks:
    """How the recipient was found, if not from the event itself: every hit of the register is told (R-05)."""
    registered = facts.registered
    return _BY_REGISTER if registered and rule.of.removeprefix("child.") in registered else ()


def _school(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    waiting = _waiting(facts, holds)
    if facts.school is not None:
        return _known(rule, facts, rules, rules.tokens.school.get(facts.school), waiting)
    officer = rules.areas[rule.area].officer_role
    if rule.deny or officer is None or facts.area_gss is None:
        return _unresolved(rule, waiting)
    officers = rules.serving.get((rule.area, officer, facts.area_gss), ())
    if not officers:
        return _unresolved(rule, waiting)
    return officers, rule.hit(officer, (ReasonCode.NO_SCHOOL_FALLBACK,), waiting)


def _gp(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    agency = None if facts.gp is None else rules.tokens.health.get(facts.gp)
    return _known(rule, facts, rules, agency, _waiting(facts, holds))


def _community_health(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    waiting = _waiting(facts, holds)
    if facts.community_health is not None:
        return _known(rule, facts, rules, rules.tokens.health.get(facts.community_health), waiting)
    serving = rules.serving.get((rule.area, rule.role, facts.area_gss or ""), ())
    if len(serving) == 1 and not rule.deny:
        return serving, _hit(rule, waiting)
    return _unresolved(rule, waiting)


def _allocated_team(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    if facts.allocated_team is None:
        return (), rule.plain  # no case is known: the rule asks for nobody
    waiting = _waiting(facts, holds)
    declared = rules.tokens.agency.get(facts.allocated_team)
    if declared is None:
        return _known(rule, facts, rules, None, waiting)
    agency = rules.agencies[declared]
    if agency.area != rule.area:
        return (), rule.plain  # other areas have their own rules
    if rule.role in agency.roles:
        return _known(rule, facts, rules, declared, waiting)
    same = rules.in_organisation.get((rule.area, rule.role, agency.organisation), ())
    return _known(rule, facts, rules, same[0] if len(same) == 1 else None, waiting)


def _home_authority(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    gss = facts.area_gss
    if gss is None:
        return _unresolved(rule, holds)
    return _authority(rule, rules, gss, holds)


def _placing_authority(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    return _by_token(rule, facts, rules, facts.placing_la, holds)


def _host_authority(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    return _by_token(rule, facts, rules, facts.host_la, holds)


def _by_token(rule: CompiledRule, facts: Facts, rules: RuleSet, token: LocatorToken | None, holds: Holds) -> Found:
    waiting = _waiting(facts, holds)
    if token is None:
        return (), rule.plain  # the child is not placed: the rule asks for nobody
    gss = rules.tokens.authority.get(token)
    return _unresolved(rule, waiting) if gss is None else _authority(rule, rules, gss, waiting)


def _authority(rule: CompiledRule, rules: RuleSet, gss: str, holds: Holds) -> Found:
    """Agencies with the role that serve an authority of the rule's own area; other areas have their own rules."""
    if gss not in rules.areas[rule.area].authorities:
        return (), rule.plain
    serving = rules.serving.get((rule.area, rule.role, gss), ())
    return (serving, _hit(rule, holds)) if serving else _unresolved(rule, holds)


def _area(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    return rules.with_role.get((rule.area, rule.role), ()), _hit(rule, holds)


def _category(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    key = (rule.area, rule.role, rule.of.removeprefix("category:"))
    return rules.in_category.get(key, ()), _hit(rule, holds)


def _source(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    source = rules.agencies.get(facts.source)
    named = source is not None and rule.role in source.roles
    return ((facts.source,) if named else ()), _hit(rule, holds)


def _explicit(rule: CompiledRule, facts: Facts, rules: RuleSet, holds: Holds) -> Found:
    """Agencies that the publisher confirmed by name, in any area, if they have the role."""
    named: dict[AgencyId, None] = {}
    for each in facts.judgements:
        agency = None if each.agency is None else rules.agencies.get(each.agency)
        if agency is None or each.judgement != "CONFIRMED" or each.role not in (None, rule.role):
            continue
        if rule.role in agency.roles:
            named[agency.id] = None
    return tuple(named), _hit(rule, holds)


_RESOLVERS: dict[str, Resolver] = {
    "child.school": _school,
    "child.gp": _gp,
    "child.communityHealth": _community_health,
    "child.homeAuthority": _home_authority,
    "child.placingAuthority": _placing_authority,
    "child.hostAuthority": _host_authority,
    "child.allocatedTeam": _allocated_team,
    "area": _area,
    "source": _source,
    "explicit": _explicit,
}
