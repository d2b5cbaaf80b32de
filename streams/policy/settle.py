"""From everything that speaks for and against one candidate to its one outcome.

Precedence: the publisher's judgement, the laws, conflict of interest, deny rules, waiting for a person, delivery. A
deny rule that names an agency by any role it has denies the whole agency, because an agency has one inbox; likewise a
publisher who withholds from one role of an agency withholds from the agency. Stops come last: they only turn a
delivery, or a part of it, into waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from schemas.vocabulary import OutcomeKind
from streams.policy.clocks import soonest
from streams.policy.compiled import NO_ROLE, CompiledRule, Hit, RoleView
from streams.policy.decision import FieldPlan, Outcome
from streams.policy.facts import AgencyId, RoleId, RuleId
from streams.policy.fields import Grant, plan
from streams.policy.laws import AGENCY_LAWS, HIT_LAWS, Circumstances, Claim, Standing
from streams.policy.reasons import ReasonCode, in_order
from streams.policy.stops import strike

if TYPE_CHECKING:
    from streams.policy.index import RuleSet


NO_ROLES: frozenset[RoleId] = frozenset()


class Notes(NamedTuple):
    """What is special about one candidate in one event."""

    is_source: bool = False
    is_accused: bool = False
    withheld: tuple[ReasonCode, ...] = ()  # grounds; empty: the publisher does not withhold
    confirmed: frozenset[RoleId] | None = NO_ROLES  # roles the publisher confirmed; None: all of them
    excluded: frozenset[RoleId] | None = NO_ROLES  # roles excluded for conflict; None: the whole agency
    marks: tuple[ReasonCode, ...] = ()
    holds: tuple[ReasonCode, ...] = ()


PLAIN = Notes()
OWN = Notes(is_source=True)
CONFIRMED = Notes(confirmed=None)


class Candidate(NamedTuple):
    agency: AgencyId
    hits: tuple[Hit, ...]
    denies: tuple[CompiledRule, ...]
    notes: Notes


def settle(rules: RuleSet, case: Circumstances, candidate: Candidate) -> Outcome:
    """The candidate's outcome, interned: equal outcomes of one rule set are the same object."""
    outcome = _settle(rules, case, candidate)
    return rules.outcomes.setdefault(outcome, outcome)


def _settle(rules: RuleSet, case: Circumstances, candidate: Candidate) -> Outcome:
    notes = candidate.notes
    if notes.withheld:
        reasons = (ReasonCode.PUBLISHER_WITHHELD, *notes.withheld)
        return _without(candidate, OutcomeKind.WITHHELD, reasons)
    against = list(agency_reasons(rules, case, candidate))
    open_hits = [hit for hit in candidate.hits if not excludes(notes.excluded, hit)]
    broken = {hit: hit_reasons(rules, case, candidate, hit) for hit in open_hits}
    if conflicted(candidate):
        against.append(ReasonCode.CONFLICT_OF_INTEREST)
    if candidate.denies:
        against.append(ReasonCode.DENY_RULE)
    standing = tuple(hit for hit in open_hits if not broken[hit])
    if against or not (standing or notes.holds):
        against.extend(reason for reasons in broken.values() for reason in reasons)
        return _without(candidate, OutcomeKind.DENIED, against or [_unnamed(rules, candidate)])
    holds = [*notes.holds, *(reason for hit in standing for reason in hit.holds)]
    if rules.stops and standing:
        left, stops = strike(rules.stops, case.event_type, case.stopped_source, candidate.agency, standing)
    else:
        left, stops = standing, ()
    if standing and not left:
        return _without(candidate, OutcomeKind.HELD, [ReasonCode.SHARING_STOPPED, *holds], stops)
    if holds:
        return _without(candidate, OutcomeKind.HELD, holds)
    return _delivered(rules, case, candidate, left, stops)


def agency_reasons(rules: RuleSet, case: Circumstances, candidate: Candidate) -> tuple[ReasonCode, ...]:
    """The laws that deny the agency as a whole."""
    agency = rules.agencies.get(candidate.agency)
    if agency is None:
        return ()
    standing = _standing(rules, candidate)
    found = (law(case, agency, standing) for law in AGENCY_LAWS)
    return tuple(reason for reason in found if reason is not None)


def hit_reasons(rules: RuleSet, case: Circumstances, candidate: Candidate, hit: Hit) -> tuple[ReasonCode, ...]:
    """The laws that take one rule away from the candidate."""
    standing, claim = _standing(rules, candidate), _claim(rules, candidate, hit)
    found = (law(case, standing, claim) for law in HIT_LAWS)
    return tuple(reason for reason in found if reason is not None)


def excludes(excluded: frozenset[RoleId] | None, hit: Hit) -> bool:
    """Whether a conflict of interest bars this hit."""
    return excluded is None or not excluded.isdisjoint(hit.roles)


def conflicted(candidate: Candidate) -> bool:
    """Whether the conflict of interest leaves the candidate no rule (or it was named for nothing else)."""
    excluded = candidate.notes.excluded
    if excluded is None:
        return True
    return bool(excluded) and all(excludes(excluded, hit) for hit in candidate.hits)


def _standing(rules: RuleSet, candidate: Candidate) -> Standing:
    agency = rules.agencies.get(candidate.agency)
    area = None if agency is None else rules.areas.get(agency.area)
    return Standing(agency, area, candidate.notes.is_source, candidate.notes.is_accused)


def _claim(rules: RuleSet, candidate: Candidate, hit: Hit) -> Claim:
    confirmed = candidate.notes.confirmed
    return Claim(
        hit.rule,
        rules.areas[hit.rule.area],
        view_of(rules, candidate.agency, hit),
        confirmed is None or not confirmed.isdisjoint(hit.roles),
    )


def view_of(rules: RuleSet, agency_id: AgencyId, hit: Hit) -> RoleView:
    """What the addressed role may hold there: no more than the rule's role, and no more than its own area says."""
    agency = rules.agencies.get(agency_id)
    if agency is None:
        return hit.rule.view.narrowed(rules.areas[hit.rule.area].roles.get(hit.role, NO_ROLE))
    own = rules.areas[agency.area].roles.get(hit.role, NO_ROLE) if hit.role in agency.roles else NO_ROLE
    return hit.rule.view.narrowed(own)


def _unnamed(rules: RuleSet, candidate: Candidate) -> ReasonCode:
    known = candidate.agency in rules.agencies
    return ReasonCode.NO_RULE if known else ReasonCode.UNKNOWN_AGENCY


def _without(
    candidate: Candidate,
    kind: OutcomeKind,
    reasons: list[ReasonCode] | tuple[ReasonCode, ...],
    stops: tuple[RuleId, ...] = (),
) -> Outcome:
    roles = sorted({hit.role for hit in candidate.hits})
    denies = sorted({rule.id for rule in candidate.denies})
    allows = sorted({hit.rule.id for hit in candidate.hits})
    spoke = (*denies, *allows, *stops)
    if _by_register(candidate):
        reasons = (*reasons, ReasonCode.RELATIONSHIP_REGISTER)
    return Outcome(candidate.agency, kind, tuple(roles), spoke, in_order(reasons), None, None, None)


def _by_register(candidate: Candidate) -> bool:
    """Whether the relationship register brought it in: told whatever the outcome, so that no use goes unseen (R-05)."""
    found = ReasonCode.RELATIONSHIP_REGISTER
    return found in candidate.notes.marks or any(found in hit.marks for hit in candidate.hits)


def _delivered(
    rules: RuleSet, case: Circumstances, candidate: Candidate, standing: tuple[Hit, ...], stops: tuple[RuleId, ...]
) -> Outcome:
    marks = (*candidate.notes.marks, *(mark for hit in standing for mark in hit.marks))
    speaking = sorted({hit.rule for hit in standing}, key=lambda rule: rule.number)
    bases = dict.fromkeys(rule.agreement.lawful_basis for rule in speaking if rule.agreement is not None)
    default = rules.clocks.get(case.event_type, "NONE")
    return Outcome(
        candidate.agency,
        OutcomeKind.DELIVERED,
        tuple(sorted({hit.role for hit in standing})),
        (*(rule.id for rule in speaking), *stops),
        in_order((ReasonCode.ALLOWED, *marks)),
        " | ".join(bases),
        _plan(rules, case, candidate, standing),
        soonest(rule.clock or default for rule in speaking),
    )


def _plan(rules: RuleSet, case: Circumstances, candidate: Candidate, standing: tuple[Hit, ...]) -> FieldPlan:
    kind = rules.event_types.get(case.event_type)
    if kind is None:  # the rules know a type that this software does not: nothing can be given
        return FieldPlan(case.event_type, frozenset(), ())
    grants = (
        Grant(hit.rule.shares.get(case.event_type, frozenset()), claim.view, claim.confirmed)
        for hit in standing
        for claim in (_claim(rules, candidate, hit),)
    )
    made = plan(kind, grants, protected=case.protected)
    return rules.plans.setdefault(made, made)
