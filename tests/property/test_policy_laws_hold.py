"""Laws that hold for every rule set and every event, stated without the code that enforces them."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.vocabulary import Disposition, FieldClass, OutcomeKind
from streams.policy.artefact import compile_areas
from streams.policy.decide import decide
from streams.policy.decision import Decision
from streams.policy.facts import EpochMillis, Facts
from streams.policy.index import RuleSet
from streams.policy.laws import AGENCY_LAWS
from streams.policy.model import Area, RuleModel
from streams.policy.reasons import ReasonCode
from tests.property.policy_worlds import NORTH_AGENCIES, areas, event, instant, rule, rules
from tests.unit.policy.builders import EVENT_TYPES, TODAY, judgement, token

RANDOM = st.randoms(use_true_random=False)
CALM = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
CLASSES = {name: {leaf.path: leaf.classes for leaf in kind.leaves} for name, kind in EVENT_TYPES.items()}
BY_LAW = {
    "ACCUSED_SETTING", "DUTY_NOT_COMMENCED", "NO_DUTY_BASIS", "CONTRACT_EXPIRED", "OUT_OF_CONTRACT_SCOPE",
}  # fmt: skip


def compiled(given: list[Area]) -> RuleSet:
    return RuleSet.build(compile_areas(given, EVENT_TYPES, TODAY), EVENT_TYPES, token)


def world(rnd: Random) -> tuple[list[Area], RuleSet, Facts, EpochMillis]:
    here = areas(rnd)
    return here, compiled(here), event(rnd), instant(rnd)


def kinds(decision: Decision) -> dict[str, OutcomeKind]:
    return {outcome.agency: outcome.kind for outcome in decision.outcomes}


@CALM
@given(RANDOM)
def test_every_candidate_has_exactly_one_outcome_with_a_reason(rnd: Random) -> None:
    """No agency twice, in order, always with a reason; a plan, basis and clock exactly when delivered."""
    _, rs, facts, now = world(rnd)
    decision = decide(facts, rs, now)
    names = [outcome.agency for outcome in decision.outcomes]
    assert names == sorted(set(names))
    for outcome in decision.outcomes:
        assert outcome.reasons
        delivered = outcome.kind is OutcomeKind.DELIVERED
        assert delivered == (outcome.plan is not None) == (outcome.clock is not None) == (outcome.basis is not None)
        assert outcome.rules or not delivered


@CALM
@given(RANDOM)
def test_nobody_entitled_is_an_alarm_not_silence(rnd: Random) -> None:
    """Without a delivery, a hold or a publisher's judgement, an event is UNROUTED and says why."""
    _, rs, facts, now = world(rnd)
    decision = decide(facts, rs, now)
    reached = any(kind is not OutcomeKind.DENIED for kind in kinds(decision).values())
    assert (decision.disposition is Disposition.DECIDED) == reached
    assert reached or decision.reasons


@CALM
@given(RANDOM)
def test_deny_wins(rnd: Random) -> None:
    """An added deny rule never turns a refusal into a delivery; whom it names is not delivered to."""
    given_rules = rules(rnd)
    before_areas = areas(rnd, given_rules)
    extra = rule(rnd, "zz-deny", effect="deny")
    facts, now = event(rnd), instant(rnd)
    after_areas = [_with_rules(before_areas[0], [*given_rules, extra]), before_areas[1]]
    before, after = decide(facts, compiled(before_areas), now), decide(facts, compiled(after_areas), now)
    for outcome in after.outcomes:
        assert not (outcome.kind is OutcomeKind.DELIVERED and "zz-deny" in outcome.rules)
        if outcome.kind is OutcomeKind.DELIVERED and "ALTERNATE_FOR_EXCLUDED" not in outcome.reasons:
            assert kinds(before)[outcome.agency] is OutcomeKind.DELIVERED


@CALM
@given(RANDOM)
def test_the_publishers_withheld_always_wins(rnd: Random) -> None:
    """Whatever rules, confirmations and laws say, a recipient the publisher withholds from is WITHHELD."""
    _, rs, facts, now = world(rnd)
    name = rnd.choice(NORTH_AGENCIES)["id"]
    facts = facts._replace(judgements=(*facts.judgements, judgement(name, "WITHHELD", ground="DETRIMENT")))
    decision = decide(facts, rs, now)
    if decision.disposition is not Disposition.HELD:
        assert kinds(decision)[name] is OutcomeKind.WITHHELD


@CALM
@given(RANDOM)
def test_no_locating_field_of_a_protected_child_leaves_for_an_unlisted_role(rnd: Random) -> None:
    """P-02, whatever share, stand-in or area: some addressed role must be listed, in the rule's and its own area."""
    here, rs, facts, now = world(rnd)
    facts = facts._replace(protection=rnd.choice(["PROTECTED", "REFUGE", "PLACEMENT", "UNKNOWN"]))
    listed = {area.spec.area: set(area.spec.locating_roles) for area in here}
    area_of = {agency.id: area.spec.area for area in here for agency in area.agencies}
    for outcome in decide(facts, rs, now).outcomes:
        kept = outcome.plan.kept if outcome.plan else frozenset()
        if any(_tells_where(facts.event_type, path) for path in kept):
            assert set(outcome.roles) & listed[area_of[outcome.agency]], outcome


@CALM
@given(RANDOM)
def test_no_instruction_to_the_exchange_is_ever_delivered(rnd: Random) -> None:
    """CONTROL fields stay here; every field is either kept or withheld, never both, never neither."""
    _, rs, facts, now = world(rnd)
    for outcome in decide(facts, rs, now).outcomes:
        if outcome.plan is not None:
            classes = CLASSES[facts.event_type]
            assert not any(FieldClass.CONTROL in classes[path] for path in outcome.plan.kept)
            withheld = {field.path for field in outcome.plan.withheld}
            assert withheld | outcome.plan.kept == set(classes)
            assert not withheld & outcome.plan.kept


@CALM
@given(RANDOM)
def test_an_added_allow_rule_never_removes_a_denial_by_law(rnd: Random) -> None:
    """No rule a partnership writes can make lawful what the law forbids an agency."""
    given_rules = rules(rnd)
    before_areas = areas(rnd, given_rules)
    facts, now = event(rnd), instant(rnd)
    extra = rule(rnd, "zz-allow", effect="allow")
    after_areas = [_with_rules(before_areas[0], [*given_rules, extra]), before_areas[1]]
    before, after = decide(facts, compiled(before_areas), now), decide(facts, compiled(after_areas), now)
    later = kinds(after)
    for outcome in before.outcomes:
        if outcome.kind is OutcomeKind.DENIED and BY_LAW & set(outcome.reasons[:1]):
            assert later[outcome.agency] in (OutcomeKind.DENIED, OutcomeKind.WITHHELD)


@CALM
@given(RANDOM)
def test_under_the_duty_only_those_under_the_duty_receive(rnd: Random) -> None:
    """L-07, L-08: no agency without basis, no contractor outside its contract."""
    here, rs, facts, now = world(rnd)
    facts = facts._replace(gateway="S16LA")
    entries = {agency.id: agency for area in here for agency in area.agencies}
    for outcome in decide(facts, rs, now).outcomes:
        if outcome.kind is OutcomeKind.DELIVERED:
            agency = entries[outcome.agency]
            assert agency.duty_basis.basis != "NONE"
            assert agency.contract is None or facts.event_type in agency.contract.scope.event_types


@CALM
@given(RANDOM)
def test_a_decision_is_the_same_however_often_and_in_whatever_order_it_is_made(rnd: Random) -> None:
    """Caches are looked into, never relied on: a fresh rule set, a used one and a forgetful one decide alike."""
    here = areas(rnd)
    used, forgetful = compiled(here), compiled(here)
    asked = [(event(rnd), instant(rnd)) for _ in range(4)]
    first = [decide(facts, used, now) for facts, now in asked]
    for (facts, now), decision in reversed(list(zip(asked, first, strict=True))):
        forgetful.forget()
        assert decide(facts, used, now) == decision == decide(facts, forgetful, now)


@CALM
@given(RANDOM)
def test_the_hash_does_not_depend_on_the_order_of_files_or_areas(rnd: Random) -> None:
    """Two people who compile the same folder hold the same hash."""
    here = areas(rnd)
    shuffled = [_shuffled(area, rnd) for area in rnd.sample(here, k=len(here))]
    one, other = compile_areas(here, EVENT_TYPES, TODAY), compile_areas(shuffled, EVENT_TYPES, TODAY)
    assert (one.hash, one.content) == (other.hash, other.content)
    json.loads(one.content)


def test_the_laws_named_here_are_all_laws_of_agencies() -> None:
    """A law added to the code is added to the property above."""
    assert len(BY_LAW) == len(AGENCY_LAWS)
    assert set(ReasonCode.__members__) >= BY_LAW


def _tells_where(event_type: str, path: str) -> bool:
    """The home authority is metadata, and yet tells where a protected child is."""
    return path == "envelope.area.gss" or FieldClass.LOCATING in CLASSES[event_type][path]


def _with_rules(area: Area, given: list[dict[str, object]]) -> Area:
    return replace(area, rules=tuple(RuleModel.model_validate(entry) for entry in given))


def _shuffled(area: Area, rnd: Random) -> Area:
    return replace(
        area,
        agencies=tuple(rnd.sample(area.agencies, k=len(area.agencies))),
        agreements=tuple(rnd.sample(area.agreements, k=len(area.agreements))),
        rules=tuple(rnd.sample(area.rules, k=len(area.rules))),
        projections=dict(rnd.sample(sorted(area.projections.items()), k=len(area.projections))),
    )
