"""The shipped areas, with the real contract: index and reference agree, and no law is broken, on random real events."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from random import Random

import pytest

from schemas.examples import example
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType, load_event_types
from schemas.vocabulary import AddressProtection, DpRegime, FieldClass, LegalGateway, MatchStatus, OutcomeKind, Urgency
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.decide import decide
from streams.policy.facts import AgencyId, EpochMillis, Exclusion, Facts, Judgement, LocatorToken
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import RuleSet
from streams.policy.load import load_areas
from streams.policy.model import Area
from streams.policy.reference import decide_by_reference
from tests.unit.policy.builders import millis

AREAS = Path(__file__).resolve().parents[2] / "deploy" / "areas"
KEY = Pseudonymiser(b"0123456789abcdef0123456789abcdef")
NOW = millis("2026-10-05T18:00")
EVENTS_A_TYPE = 30


def token(scheme: str, code: str) -> LocatorToken:
    return LocatorToken(_token(scheme, code))


@cache
def _token(scheme: str, code: str) -> str:
    return KEY.locator(scheme, code)


@cache
def shipped() -> tuple[tuple[Area, ...], Artefact, RuleSet]:
    areas = load_areas(AREAS / "northshire", date(2026, 10, 1))
    artefact = compile_areas(areas, load_event_types(), date(2026, 10, 1))
    return areas, artefact, RuleSet.build(artefact, load_event_types(), token)


def varied(rnd: Random, kind: EventType) -> Facts:
    """The type's example with much of what routing reads drawn anew."""
    areas, _, rules = shipped()
    datum = example(kind, now_ms=NOW, event_id="01928bd0-0000-7000-8000-00000000ca5e")
    stated = datum["envelope"]["sourceOrg"]
    source = rules.agency_for(stated["scheme"], stated["id"])
    assert source is not None
    facts = facts_from_datum(kind, datum, source.id, KEY)
    names = [agency.id for area in areas for agency in area.agencies]
    codes = [(i.scheme.value, i.id) for area in areas for a in area.agencies for i in a.identifiers]
    las = [None, None, *(token("GSS", gss) for area in areas for gss in area.spec.authorities), LocatorToken("lost")]

    def code(scheme: str) -> LocatorToken | None:
        return rnd.choice([None, LocatorToken("lost"), *(token(scheme, c) for s, c in codes if s == scheme)])

    nursery = token("URN", "EY990001")  # an accused setting is named by either kind of URN, under one scheme

    def maybe(share: float = 0.25) -> bool:
        return rnd.random() < share

    drawn = {
        "source": AgencyId(rnd.choice(names)) if maybe() else facts.source,
        "area_gss": rnd.choice(["E10000099", "E06000098", "E06000099", "E09000001", None]),
        "gateway": rnd.choice([*LegalGateway, facts.gateway, facts.gateway, facts.gateway]),
        "regime": rnd.choice(list(DpRegime)),
        "urgency": rnd.choice(list(Urgency)),
        "grade": rnd.choice(["HIGH", "MEDIUM", "STANDARD", "LOW", "UNGRADED", "UNKNOWN"]),
        "sensitive_service": maybe(),
        "restricted": maybe(),
        "protection": rnd.choice(list(AddressProtection)),
        "match": rnd.choice(list(MatchStatus)),
        "age_years": rnd.choice([None, 0, 2, 4, 11, 16, 18]),
        "unborn": maybe(0.1),
        "school": code("URN"),
        "gp": code("ODS"),
        "community_health": code("ODS"),
        "placing_la": rnd.choice(las),
        "host_la": rnd.choice(las),
        "accused_setting": rnd.choice([code("URN"), nursery]) if maybe() else None,
        "judgements": tuple(
            Judgement(
                AgencyId(rnd.choice(names)), None, rnd.choice(["CONFIRMED", "CONFIRMED", "WITHHELD"]), "DETRIMENT"
            )
            for _ in range(rnd.choice([0, 1, 4]))
        ),
        "exclusions": tuple(Exclusion(AgencyId(rnd.choice(names)), None, "X") for _ in range(rnd.choice([0, 0, 1]))),
    }
    return facts._replace(**{name: drawn[name] for name in rnd.sample(sorted(drawn), k=rnd.randint(0, 8))})


@pytest.mark.parametrize("name", list(load_event_types()))
def test_index_and_reference_agree_on_the_shipped_areas(name: str) -> None:
    """Every event type, real rules, real fields."""
    _, artefact, rules = shipped()
    rnd = Random(name)
    for _ in range(EVENTS_A_TYPE):
        facts = varied(rnd, load_event_types()[name])
        now = EpochMillis(NOW + rnd.choice([0, 0, 400, 900]) * 86_400_000)
        assert decide(facts, rules, now) == decide_by_reference(facts, artefact, load_event_types(), token, now)


@pytest.mark.parametrize("name", list(load_event_types()))
def test_no_shipped_rule_lets_a_protected_childs_location_out(name: str) -> None:
    """P-02 over the real projections: LOCATING fields and the home authority reach the listed roles alone."""
    areas, _, rules = shipped()
    kind, rnd = load_event_types()[name], Random(name)
    listed = {area.spec.area: set(area.spec.locating_roles) for area in areas}
    locating = {leaf.path for leaf in kind.leaves if FieldClass.LOCATING in leaf.classes} | {"envelope.area.gss"}
    for _ in range(200):
        facts = varied(rnd, kind)._replace(protection=rnd.choice(["PROTECTED", "REFUGE", "PLACEMENT"]))
        for outcome in decide(facts, rules, NOW).outcomes:
            if outcome.plan is not None and outcome.plan.kept & locating:
                assert set(outcome.roles) & listed[rules.agencies[outcome.agency].area], outcome


def test_the_variations_reach_every_outcome() -> None:
    """Otherwise the agreement above would say little."""
    _, _, rules = shipped()
    rnd, seen = Random(1), set()
    for kind in load_event_types().values():
        for _ in range(10):
            seen |= {outcome.kind for outcome in decide(varied(rnd, kind), rules, NOW).outcomes}
    assert seen == set(OutcomeKind) - {OutcomeKind.UNKNOWN}
