"""The encoding that proofs rest on says of every event what the reference interpreter says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.vocabulary import OutcomeKind
from streams.policy.artefact import Artefact, canonical, compile_areas
from streams.policy.decision import Decision
from streams.policy.facts import EpochMillis, Facts
from streams.policy.reference import decide_by_reference
from streams.proof import encoding as encodings
from streams.proof import naming
from streams.proof.agreement import decided_deliveries, encoded_deliveries
from streams.proof.encoding import Encoding
from streams.proof.event import SymbolicEvent
from streams.proof.laws import Laws, all_laws
from streams.proof.world import World, periods
from tests.property.policy_worlds import areas, event, instant
from tests.unit.policy.builders import (
    EVENT_TYPES,
    INCIDENT,
    NOW,
    TODAY,
    agreement,
    allow,
    area,
    east,
    facts,
    judgement,
    token,
)

FIRST_DAY = date(2026, 9, 25)  # before anything in these worlds begins
EVENTS_A_WORLD = 6
MOST_TRIES = 12  # events shown to a spoilt encoding before it passes for sound


class Put(NamedTuple):
    """One event put to the reference."""

    world: World
    facts: Facts
    day: date
    decision: Decision


def put(rnd: Random) -> list[Put]:
    """A random rule set and what the reference decides of some random events."""
    artefact = compile_areas(areas(rnd), EVENT_TYPES, TODAY)
    world = World(artefact.document())
    found = []
    for _ in range(EVENTS_A_WORLD):
        facts, now = event(rnd), instant(rnd)
        if facts.event_type in EVENT_TYPES:
            decision = decide_by_reference(facts, artefact, EVENT_TYPES, token, now)
            found.append(Put(world, facts, day_of(now), decision))
    return found


def day_of(now: EpochMillis) -> date:
    return datetime.fromtimestamp(now // 1000, UTC).date()


def agrees(case: Put, laws: Laws | None = None) -> bool:
    event = SymbolicEvent(case.world, periods(case.world, FIRST_DAY))
    encoding = Encoding(case.world, EVENT_TYPES[case.facts.event_type], event, laws)
    return encoded_deliveries(encoding, case.facts, case.day, token) == decided_deliveries(case.decision)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.randoms(use_true_random=False))
def test_the_encoding_agrees_with_the_reference(rnd: Random) -> None:
    """Any rule set, any events: the same agencies receive, through the same roles, the same fields."""
    for case in put(rnd)[:3]:
        assert agrees(case)


@pytest.mark.parametrize("seed", range(3))
def test_the_encoding_agrees_on_many_seeded_worlds(seed: int) -> None:
    """Whatever Hypothesis likes to draw, these events are compared on every run, deliveries among them."""
    rnd, deliveries = Random(f"encoding {seed}"), 0
    for _ in range(8):
        for case in put(rnd)[:4]:
            assert agrees(case), case.facts
            deliveries += len(decided_deliveries(case.decision))
    assert deliveries


@cache
def pool() -> tuple[Put, ...]:
    """Events to try spoilt encodings on."""
    rnd = Random("spoilt encodings")
    return tuple(case for _ in range(400) for case in put(rnd))


def telling(reason: str) -> list[Put]:
    """Events in which the reason decides about a recipient, a field or all."""
    return [case for case in pool() if reason in set(_decisive(case.decision))][:MOST_TRIES]


def _decisive(decision: Decision) -> Iterator[str]:
    """Reasons that stand alone, or that a delivery or a withheld field gives."""
    yield from decision.reasons
    for outcome in decision.outcomes:
        if outcome.plan is not None:
            yield from outcome.reasons
            yield from (field.reason for field in outcome.plan.withheld)
        elif len(outcome.reasons) == 1 or outcome.kind is OutcomeKind.WITHHELD:
            yield outcome.reasons[0]


TOGETHER = {"DUTY_NOT_COMMENCED", "RULE_NOT_COMMENCED"}  # one stands in for the other, unless areas differ
BY_HAND = {*TOGETHER, "PERSON_OF_CONCERN_SERVICE"}  # too rare in random worlds
LAWS = [name for part in ("agency", "hit", "field") for name in getattr(all_laws("x"), part) if name not in BY_HAND]


@pytest.mark.parametrize("law", LAWS)
def test_an_encoding_without_a_law_is_caught(law: str) -> None:
    """Each law that the encoding forgets shows in a disagreement with the reference."""
    assert not all(agrees(case, all_laws(case.facts.event_type).without(law)) for case in telling(law))


@pytest.mark.parametrize(
    ("law", "reason"), [("conflicts", "CONFLICT_OF_INTEREST"), ("withholding", "PUBLISHER_WITHHELD")]
)
def test_an_encoding_that_overrules_the_publisher_is_caught(law: str, reason: str) -> None:
    """Withholding and conflicts of interest are compared too."""
    assert not all(agrees(case, all_laws(case.facts.event_type).without(law)) for case in telling(reason))


def by_hand(law: str) -> Put:
    """An event that the law alone decides about."""
    late = {"dutyCommencedOn": date(2026, 12, 1)}
    party = agreement(parties=["category:SCHOOL@east", "category:PROBATION"])
    rules = [allow("school", "dsl", "child.school"), allow("probation", "offender-manager", "area", share="name-only")]
    here = area(rules, agreements=[party], spec=late if law == "RULE_NOT_COMMENCED" else {})
    there = east([], spec=late if law == "DUTY_NOT_COMMENCED" else {})
    document = compile_areas([here, there], EVENT_TYPES, TODAY).document()
    if law == "PERSON_OF_CONCERN_SERVICE":  # does not compile, and could still be published
        document["areas"]["north"]["roles"]["offender-manager"]["classes"].append("CONTACT")
        document["areas"]["north"]["projections"]["name-only"]["events"][INCIDENT].append("envelope.contact.phone")
    content = canonical(document)
    artefact = Artefact.from_bytes(content)
    told = facts(school=token("URN", "990003"))
    return Put(World(document), told, day_of(NOW), decide_by_reference(told, artefact, EVENT_TYPES, token, NOW))


@pytest.mark.parametrize("law", sorted(BY_HAND))
def test_an_encoding_without_a_rarer_law_is_caught(law: str) -> None:
    """Laws that random worlds hardly ever decide by are compared on a case made for each."""
    case = by_hand(law)
    assert agrees(case)
    assert not agrees(case, all_laws(case.facts.event_type).without(law))


def _never(*given: Any) -> bool:
    return False


def _always(*given: Any) -> bool:
    return True


@pytest.mark.parametrize(
    ("where", "name", "instead", "reason"),
    [
        (naming, "DOUBTFUL", (), "LOW_MATCH_STATUS"),
        (naming.Namer, "no_home", _never, "CROSS_BORDER_UNKNOWN_AREA"),
        (naming.Namer, "published_in", _never, "CROSS_BORDER_UNKNOWN_AREA"),
        (naming.Namer, "_instead_of_school", _never, "NO_SCHOOL_FALLBACK"),
        (naming.Namer, "concerned", _always, "ALLOWED"),
        (naming.Namer, "on_days", _always, "AGREEMENT_EXPIRED"),
        (encodings.Encoding, "_denied_to", _never, "DENY_RULE"),
        (encodings.Encoding, "_holds_unknown_home", _never, "CROSS_BORDER_UNKNOWN_AREA"),
        (encodings.Encoding, "stale", False, "POLICY_STALE"),
        (encodings.Encoding, "_passed_on", lambda *given: (), "ALTERNATE_FOR_EXCLUDED"),
        (encodings, "home_withheld", _never, "PROTECTED_ADDRESS"),
        (encodings, "may_hold_home", _never, "ALLOWED"),
        (encodings, "may_hold_home", _always, "PROTECTED_ADDRESS"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_spoilt_encoding_is_caught(
    where: Any, name: str, instead: Any, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever part of the encoding is wrong shows in a disagreement with the reference."""
    monkeypatch.setattr(where, name, instead)
    cases = telling(reason)
    if name == "may_hold_home":
        cases = [case for case in pool() if case.facts.protection != "NONE" and decided_deliveries(case.decision)]
    assert any(not agrees(case) for case in cases)


CHOSEN: dict[str, tuple[str, dict[str, Any]]] = {
    "area": ("front-door", {}),
    "source": ("front-door", {"source": "north-csc"}),
    "explicit": ("dsl", {"judgements": (judgement("elm-school"),)}),
    "child.school": ("dsl", {}),
    "child.gp": ("gp-lead", {}),
    "child.communityHealth": ("gp-lead", {"community_health": token("ODS", "Z99001")}),
    "child.homeAuthority": ("front-door", {}),
    "child.placingAuthority": ("front-door", {"placing_la": token("GSS", "E10000099")}),
    "child.hostAuthority": ("front-door", {"host_la": token("GSS", "E10000099")}),
    "child.allocatedTeam": ("front-door", {"allocated_team": token("AGENCY", "north-csc")}),
}


@pytest.mark.parametrize("of", sorted(naming._CHOICES))
def test_each_way_of_choosing_recipients_is_compared(of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A selector whose encoding names nobody is caught."""
    role, said = CHOSEN[of]
    artefact = compile_areas([area([allow("one", role, of)])], EVENT_TYPES, TODAY)
    told = facts(**said)
    decision = decide_by_reference(told, artefact, EVENT_TYPES, token, NOW)
    case = Put(World(artefact.document()), told, day_of(NOW), decision)
    assert decided_deliveries(decision)
    assert agrees(case)
    monkeypatch.setitem(naming._CHOICES, of, _never)
    assert not agrees(case)
