"""The compiled index decides exactly as the reference interpreter does."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.vocabulary import Disposition, OutcomeKind
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.decide import decide
from streams.policy.facts import AgencyId, Facts
from streams.policy.index import RuleSet
from streams.policy.reasons import ReasonCode
from streams.policy.recipients import UNRESOLVED
from streams.policy.reference import decide_by_reference
from streams.policy.release import NAMEABLE, WAIVABLE
from tests.property.policy_worlds import NORTH_AGENCIES, areas, event, instant, some, stops
from tests.unit.policy.builders import EVENT_TYPES, TODAY, token

EVENTS_A_RULE_SET = 4


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.randoms(use_true_random=False))
def test_the_index_agrees_with_the_reference(rnd: Random) -> None:
    """Any rule set and any events: equal decisions, down to each field and reason."""
    artefact = compile_areas(areas(rnd), EVENT_TYPES, TODAY)
    rules = RuleSet.build(artefact, EVENT_TYPES, token)
    for _ in range(EVENTS_A_RULE_SET):
        _compare(rnd, artefact, rules)


@pytest.mark.parametrize("seed", range(4))
def test_the_index_agrees_on_many_seeded_worlds(seed: int) -> None:
    """Whatever Hypothesis likes to draw, these thousands of decisions are compared on every run."""
    rnd = Random(seed)
    for _ in range(60):
        artefact = compile_areas(areas(rnd), EVENT_TYPES, TODAY)
        rules = RuleSet.build(artefact, EVENT_TYPES, token)
        for _ in range(15):
            _compare(rnd, artefact, rules)


def _released(rnd: Random, facts: Facts) -> Facts:
    """Sometimes a release of those who waited."""
    agencies = [AgencyId(each["id"]) for each in NORTH_AGENCIES]
    waited = rnd.sample([*agencies, *(AgencyId(UNRESOLVED + of) for of in NAMEABLE)], k=rnd.choice([0, 0, 0, 0, 1, 6]))
    if not waited:
        return facts
    named = [f"{of}={rnd.choice([*agencies, 'nobody'])}" for of in some(rnd, [*NAMEABLE, "child.homeAuthority"])]
    waived = some(rnd, [*sorted(WAIVABLE), ReasonCode.SHARING_STOPPED, ReasonCode.DENY_RULE], most=5)
    return facts._replace(released=tuple(waited), waived=tuple(sorted(waived)), resolved=tuple(named))


def _compare(rnd: Random, artefact: Artefact, rules: RuleSet) -> None:
    facts, now, stopped = _released(rnd, event(rnd)), instant(rnd), stops(rnd)
    expected = decide_by_reference(facts, artefact, EVENT_TYPES, token, now, stopped)
    assert decide(facts, rules.with_stops(stopped), now) == expected
    if not stopped:
        assert decide(facts, rules, now) == expected


def test_the_worlds_reach_every_reason_and_outcome() -> None:
    """The comparison above would prove little if its worlds never came to a deny, a hold, a stand-in …"""
    rnd, seen, kinds, dispositions = Random(7), set(), set(), set()
    for _ in range(300):
        rules = RuleSet.build(compile_areas(areas(rnd), EVENT_TYPES, TODAY), EVENT_TYPES, token)
        for _ in range(30):
            decision = decide(_released(rnd, event(rnd)), rules.with_stops(stops(rnd)), instant(rnd))
            dispositions.add(decision.disposition)
            seen |= set(decision.reasons)
            for outcome in decision.outcomes:
                kinds.add(outcome.kind)
                seen |= set(outcome.reasons)
                seen |= {field.reason for field in (outcome.plan.withheld if outcome.plan else ())}
    assert kinds == set(OutcomeKind) - {OutcomeKind.UNKNOWN}
    assert dispositions == {Disposition.DECIDED, Disposition.UNROUTED, Disposition.HELD}
    never = {"POLICY_ABSENT", "GATEWAY_NOT_IN_RULE", "NOT_RELEVANT", "LEGAL_RESTRICTION"}
    assert {code.value for code in ReasonCode} - seen == never
