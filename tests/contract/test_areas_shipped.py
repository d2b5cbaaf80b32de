"""The two areas that ship: they load, they compile, and their own cases pass and cover every rule both ways.

The files are a promise to policy leads, who will copy them, and to every other test that publishes an example event.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest

from schemas.examples import example, new_event_id
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventTypes, load_event_types
from schemas.vocabulary import AgencyCategory, DutyBasis, FieldClass, OutcomeKind
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.cases import CaseReport, run_cases
from streams.policy.contract_checks import expand
from streams.policy.decide import decide
from streams.policy.decision import Decision
from streams.policy.facts import EpochMillis, LocatorToken
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import RuleSet
from streams.policy.load import load_areas
from streams.policy.model import Area, Effect, RuleModel

AREAS = Path(__file__).parents[2] / "deploy" / "areas"
TODAY = date(2026, 10, 1)
MONDAY_MORNING = EpochMillis(int(datetime(2026, 10, 5, 9, tzinfo=UTC).timestamp() * 1000))
PSEUDONYMISER = Pseudonymiser(b"nobody is hidden behind this key")
SHORTEST_REASON = 40  # characters: room for a why, not only a what
NEVER_DELIVERED = {"control.withheld"}  # that something was withheld is for the audit alone (L-03)
# Free text goes to social workers and to those who own a case of their own kind (E-04).
READS_NARRATIVE = {
    "front-door",
    "emergency-duty-team",
    "allocated-team",
    "child-protection-team",
    "marac-coordinator",
    "lado",
}
KAFKA_AGENCIES = {
    "northshire-police",
    "northshire-csc",
    "northshire-acute",
    "northshire-community-health",
    "northshire-probation",
    "northshire-yjs",
    "northshire-identity",
    "varley-district",
}
BY_HAND = {
    AgencyCategory.SCHOOL,
    AgencyCategory.GP,
    AgencyCategory.EARLY_YEARS,
    AgencyCategory.CONTRACTED_VCS,
}  # too small for a Kafka client: they use the gateway


@cache
def shipped() -> Mapping[str, Area]:
    return {area.spec.area: area for area in load_areas(AREAS / "northshire", TODAY)}


@cache
def types() -> EventTypes:
    return load_event_types()


@cache
def artefact() -> Artefact:
    return compile_areas(tuple(shipped().values()), types(), TODAY)


@cache
def report() -> CaseReport:
    return run_cases(tuple(shipped().values()), artefact(), types())


@cache
def rule_set() -> RuleSet:
    def token(scheme: str, code: str) -> LocatorToken:
        return LocatorToken(PSEUDONYMISER.locator(scheme, code))

    return RuleSet.build(artefact(), types(), token)


def decided(event_type: str, **overrides: object) -> Decision:
    """The decision on the catalogue's example, published by the organisation that it names."""
    kind = types()[event_type]
    event_id = new_event_id(MONDAY_MORNING, 1)
    datum = example(kind, now_ms=MONDAY_MORNING, event_id=event_id, overrides=overrides)
    stated = datum["envelope"]["sourceOrg"]
    source = rule_set().agency_for(stated["scheme"], stated["id"])
    assert source is not None, f"no shipped agency publishes the example of {event_type}"
    return decide(facts_from_datum(kind, datum, source.id, PSEUDONYMISER), rule_set(), MONDAY_MORNING)


def rules_of(area: str) -> tuple[RuleModel, ...]:
    return shipped()[area].rules


@pytest.mark.parametrize("area", ["northshire", "eastmarch"])
def test_each_area_loads_with_its_neighbour(area: str) -> None:
    """Either folder can be given: both areas load from it without a problem, and compile to the same rule set."""
    areas = load_areas(AREAS / area, TODAY)
    assert {each.spec.area for each in areas} == {"northshire", "eastmarch"}
    assert compile_areas(areas, types(), TODAY).hash == artefact().hash


def test_northshire_is_a_whole_arrangement() -> None:
    """At least 60 agencies of at least 16 categories, one of them outside the duty, some only under contract."""
    agencies = shipped()["northshire"].agencies
    assert len(agencies) >= 60
    assert len({agency.category for agency in agencies}) >= 16
    assert {agency.duty_basis.basis for agency in agencies} == set(DutyBasis)
    council = [agency.id for agency in agencies if agency.organisation == "northshire-council"]
    assert len(council) >= 10


def test_agencies_use_the_door_they_can_open() -> None:
    """Large bodies are on Kafka; schools, surgeries, nurseries and charities on the gateway."""
    agencies = {agency.id: agency for area in shipped().values() for agency in area.agencies}
    assert {agencies[each].channel for each in KAFKA_AGENCIES} == {"kafka"}
    assert {a.channel for a in agencies.values() if a.category in BY_HAND} == {"gateway"}


@pytest.mark.parametrize("area", ["northshire", "eastmarch"])
def test_every_event_type_has_a_rule(area: str) -> None:
    """A type nobody has thought about would reach nobody."""
    assert set(types()) == {event for rule in rules_of(area) for event in rule.events}


@pytest.mark.parametrize("area", ["northshire", "eastmarch"])
def test_every_rule_says_why(area: str) -> None:
    """A reason is a sentence that names its source in brackets, not a label; no two rules share one."""
    reasons = [(rule.reason, rule.id) for rule in rules_of(area)]
    for reason, rule in reasons:
        assert len(reason) >= SHORTEST_REASON, rule
        assert reason.endswith("."), rule
        assert "(" in reason, f"{rule} names no statute or practice"
    assert len({reason for reason, _ in reasons}) == len(reasons)


def test_every_case_passes() -> None:
    """Each case of both areas comes out as its author expects."""
    failed = {f"{r.file}:{r.line} {r.name}": r.failures for r in report().results if not r.passed}
    assert failed == {}


def test_every_rule_is_shown_at_work_and_at_rest() -> None:
    """Each rule has a case in which it speaks and one in which it is silent."""
    assert report().without_positive == ()
    assert report().without_negative == ()


@pytest.mark.parametrize("event_type", sorted(load_event_types()))
def test_every_example_reaches_somebody(event_type: str) -> None:
    """The example of each type is delivered to at least one agency; a withheld notice to none."""
    kinds = {outcome.kind for outcome in decided(event_type).outcomes}
    if event_type in NEVER_DELIVERED:
        assert kinds == {OutcomeKind.WITHHELD}
    else:
        assert OutcomeKind.DELIVERED in kinds


@pytest.mark.parametrize("event_type", sorted(load_event_types()))
def test_a_protected_child_is_located_by_listed_roles_only(event_type: str) -> None:
    """With the address protected, no recipient outside `locatingRoles` keeps a LOCATING field (P-02)."""
    listed = set(shipped()["northshire"].spec.locating_roles)
    locating = {leaf.path for leaf in types()[event_type].leaves if FieldClass.LOCATING in leaf.classes}
    for outcome in decided(event_type, **{"envelope.addressProtection": "PROTECTED"}).outcomes:
        if outcome.plan is not None and not listed & set(outcome.roles):
            assert not locating & outcome.plan.kept, outcome.agency


@pytest.mark.parametrize("area", ["northshire", "eastmarch"])
def test_free_text_goes_to_social_workers_and_case_owners(area: str) -> None:
    """No rule gives a NARRATIVE field to another role (E-04)."""
    shares = shipped()[area].projections
    for rule in rules_of(area):
        if rule.effect is Effect.DENY or rule.to.role in READS_NARRATIVE:
            continue
        assert rule.share is not None
        for event in rule.events:
            paths = (*shares[rule.share].common, *shares[rule.share].events.get(event, ()))
            given = [leaf for path in paths for leaf in expand(path, types()[event])]
            assert not [leaf.path for leaf in given if FieldClass.NARRATIVE in leaf.classes], rule.id


def test_whatever_is_immediate_reaches_somebody_awake() -> None:
    """Each kind of event about harm to a child, marked immediate, reaches a role that is staffed round the clock."""
    roles = shipped()["northshire"].spec.roles
    awake = {name for name, role in roles.items() if role.staffed == "ROUND_THE_CLOCK"}
    about_harm = [t for t in types() if t.startswith(("police.", "missing.", "health.", "dv.", "exploitation."))]
    for event_type in about_harm:
        reached = {
            role
            for outcome in decided(event_type, **{"envelope.urgency": "IMMEDIATE"}).outcomes
            for role in outcome.roles
            if outcome.kind is OutcomeKind.DELIVERED or "SOURCE_IS_RECIPIENT" in outcome.reasons
        }
        assert reached & awake, event_type


def test_no_agency_of_an_accused_person_is_told() -> None:
    """P-16: the example allegation reaches the designated officer and is denied to the setting itself."""
    outcomes = {str(outcome.agency): outcome.kind for outcome in decided("lado.allegation").outcomes}
    assert outcomes["northshire-lado"] is OutcomeKind.DELIVERED
    assert outcomes["oakfield-primary"] is OutcomeKind.DENIED
