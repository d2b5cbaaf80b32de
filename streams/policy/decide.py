"""The decision: from the facts of one event to one outcome for every candidate recipient.

Pure: equal facts, rule set and day give an equal decision. The rule set's caches are looked into, never relied on.
"""

from __future__ import annotations

from typing import Any

from schemas.vocabulary import AddressProtection, Disposition, OutcomeKind
from streams.policy.compiled import DAY_MS, NO, UNSURE, YES, CompiledArea, CompiledRule, Holds
from streams.policy.decision import Decision, Outcome
from streams.policy.facts import AgencyId, EpochMillis, Facts
from streams.policy.index import MAX_INTERNED, RuleSet
from streams.policy.judgements import confirmation_matters, named_only
from streams.policy.laws import Circumstances
from streams.policy.reasons import ReasonCode
from streams.policy.release import identified, released_outcomes, without_release
from streams.policy.settle import OWN, PLAIN, Candidate, settle
from streams.policy.special import Denies, Gathered, Hits, concerned_areas, special_candidates

_SURE: Holds = ()
_UNRESOLVED = ReasonCode.UNRESOLVED_RECIPIENT
_UNSURE: Holds = (ReasonCode.CONDITION_UNKNOWN,)
_ABSENT = Decision(Disposition.HELD, None, (), (ReasonCode.POLICY_ABSENT.value,))
_STALE = (ReasonCode.POLICY_STALE.value,)
_NO_CANDIDATE = (ReasonCode.NO_CANDIDATE.value,)
_NOBODY_ENTITLED = (ReasonCode.NOBODY_ENTITLED.value,)
_UNPROTECTED = AddressProtection.NONE.value
_DENIED = OutcomeKind.DENIED
_DECIDED = Disposition.DECIDED


def decide(facts: Facts, rules: RuleSet | None, now: EpochMillis) -> Decision:
    """Decide one event at the instant `now` (milliseconds, UTC). Raises nothing, whatever the facts.

    HELD as a whole without rules, or when the rules of an area concerned are past their review date; UNROUTED when
    nobody is a candidate or every candidate is denied, so that a person is alarmed; otherwise DECIDED.
    """
    if rules is None:
        return _ABSENT
    if rules.settled_count >= MAX_INTERNED:
        rules.forget()
    if facts.resolved:
        facts = _identified(facts, rules, now)
    day = now // DAY_MS
    areas, unknown_home = concerned_areas(facts, rules)
    for area in areas:
        if area.review_by < day:
            return Decision(Disposition.HELD, rules.hash, (), _STALE)
    hits, denies, lost = _gather(facts, rules, day, areas)
    case = Circumstances(
        facts.event_type,
        facts.gateway,
        facts.regime,
        facts.purpose,
        facts.protection != _UNPROTECTED,
        facts.sensitive_service,
        facts.restricted,
        day,
        facts.source if facts.source in rules.stopped_agencies else None,
    )
    special = bool(lost or unknown_home or denies or facts.exclusions or facts.accused_setting)
    if not special and facts.judgements:
        special = not _add_confirmed(facts, rules, hits)
    if facts.released:
        outcomes = released_outcomes(facts, rules, case, Gathered(hits, denies, unknown_home))
    elif special:
        outcomes = _special(facts, rules, case, Gathered(hits, denies, unknown_home))
    else:
        outcomes = _plain(rules, case, hits, facts.source)
    for outcome in outcomes:
        if outcome.kind is not _DENIED:
            return Decision(_DECIDED, rules.hash, outcomes, ())
    reasons = _NOBODY_ENTITLED if outcomes else _NO_CANDIDATE
    return Decision(Disposition.UNROUTED, rules.hash, outcomes, reasons)


def _identified(facts: Facts, rules: RuleSet, now: EpochMillis) -> Facts:
    """The facts with the recipients that a person found."""
    reached = decide(without_release(facts), rules, now).outcomes
    return identified(facts, rules, {outcome.agency for outcome in reached if outcome.kind is OutcomeKind.DELIVERED})


def _gather(facts: Facts, rules: RuleSet, day: int, areas: tuple[CompiledArea, ...]) -> tuple[Hits, Denies, bool]:
    """Hits of allow rules by agency, deny rules with whom they name, and whether a recipient was not found."""
    found: Hits = {}
    denies: Denies = []
    lost = False
    for area in areas:
        for key_of, table in rules.shapes.get((facts.event_type, area.id), ()):
            for rule, certain in table.get(key_of(facts), ()):
                if not rule.first_day <= day <= rule.last_day:
                    continue
                holds = _SURE if certain else _UNSURE
                if rule.when:
                    answer = _ask(rule, facts)
                    if answer == NO:
                        continue
                    if answer == UNSURE:
                        holds = _UNSURE
                agencies, hit = rule.resolve(rule, facts, rules, holds)
                if rule.deny:
                    if agencies:
                        denies.append((rule, agencies, hit.marks))
                    continue
                if _UNRESOLVED in hit.holds:
                    lost = True
                for agency in agencies:
                    so_far = found.get(agency)
                    found[agency] = (hit,) if so_far is None else (*so_far, hit)
    return found, denies, lost


def _add_confirmed(facts: Facts, rules: RuleSet, hits: Hits) -> bool:
    """Add agencies that the publisher confirmed by name; False if its judgements say more than that."""
    if confirmation_matters(facts, rules) or not named_only(facts.judgements):
        return False
    for judgement in facts.judgements:
        if judgement.agency is not None:
            hits.setdefault(judgement.agency, ())
    return True


def _ask(rule: CompiledRule, facts: Facts) -> int:
    """NO if any condition fails, else UNSURE if any cannot be told, else YES."""
    answer = YES
    for condition in rule.when:
        said = condition(facts)
        if said == NO:
            return NO
        if said == UNSURE:
            answer = UNSURE
    return answer


def _plain(rules: RuleSet, case: Circumstances, hits: Hits, source: AgencyId) -> tuple[Outcome, ...]:
    """Outcomes when only allow rules speak."""
    cache = _cache(rules, case)
    outcomes: list[Outcome] = []
    for item in sorted(hits.items()):
        if item[0] == source:
            candidate = Candidate(*item, (), OWN)
            outcome = cache.get(candidate) or _settle(rules, case, candidate, candidate)
        else:
            outcome = cache.get(item) or _settle(rules, case, item, Candidate(*item, (), PLAIN))
        outcomes.append(outcome)
    return tuple(outcomes)


def _special(facts: Facts, rules: RuleSet, case: Circumstances, gathered: Gathered) -> tuple[Outcome, ...]:
    cache = _cache(rules, case)
    outcomes: list[Outcome] = []
    for candidate in special_candidates(facts, rules, case, gathered):
        agency, hits, denies, notes = candidate
        key = (agency, hits) if notes is PLAIN and not denies else candidate
        outcomes.append(cache.get(key) or _settle(rules, case, key, candidate))
    outcomes.sort()
    return tuple(outcomes)


def _cache(rules: RuleSet, case: Circumstances) -> dict[Any, Outcome]:
    """Outcomes already settled in equal circumstances."""
    cache = rules.settled.get(case)
    if cache is None:
        cache = rules.settled[case] = {}
    return cache


def _settle(rules: RuleSet, case: Circumstances, key: Any, candidate: Candidate) -> Outcome:
    rules.settled_count += 1
    outcome = settle(rules, case, candidate)
    _cache(rules, case)[key] = outcome
    return outcome
