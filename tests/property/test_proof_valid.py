"""Which events are possible is exact: every real event is, and every possible one can be made into a real event."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from random import Random

import pytest
import z3

from schemas.examples import example
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType
from schemas.validation import validate
from schemas.vocabulary import AddressProtection, AgencyGrade, DpRegime, LegalGateway, MatchStatus, Purpose, Urgency
from streams.policy.decide import decide
from streams.policy.facts import AgencyId, EpochMillis
from streams.policy.facts_from import facts_from_datum
from streams.proof.agreement import decided_deliveries, encoded_deliveries
from streams.proof.encoding import Encoding
from streams.proof.event import SymbolicEvent, said_by
from streams.proof.valid import possible, sole_codes
from streams.proof.witness import EVENT_ID, datum_of, nearest, noon_of
from streams.proof.world import World, periods
from tests.property import test_policy_shipped_areas as shipped_areas
from tests.unit.proof.shipped import shipped, types

DAY = date(2026, 10, 5)
KEY = Pseudonymiser(b"0123456789abcdef0123456789abcdef")
DRAWN = 3  # events a type


@cache
def world() -> World:
    return World(shipped().document())


def symbolic(kind: EventType) -> tuple[SymbolicEvent, z3.Solver]:
    """A possible event of the type."""
    event = SymbolicEvent(world(), periods(world(), DAY))
    for agency in ("oakfield-primary", "northshire-csc"):
        event.says("confirmed", agency)
        event.says("withheld", agency)
        event.says("excluded", agency, "dsl")
    event.says("withheld", None, "dsl")
    for concern in ("NEGLECT", "UNKNOWN"):
        event.concern(concern)
    solver = z3.SolverFor("QF_FD")
    solver.add(*event.laws_of_dimensions(), *(term for term in possible(event, kind) if term is not True))
    return event, solver


@pytest.mark.parametrize("name", list(types()))
def test_every_possible_event_can_be_published(name: str) -> None:
    """Whatever the solver may find is made into a valid event, and that event says what was found."""
    kind, rnd = types()[name], Random(name)
    event, solver = symbolic(kind)
    for _ in range(DRAWN):
        wishes = [dimension.variables[rnd.choice(dimension.values)] for dimension in event.dimensions.values()]
        wishes += [var for var in (*event.flags.values(), *event.said.values(), *event.concerns.values())
                   if rnd.random() < 0.5]  # fmt: skip
        rnd.shuffle(wishes)
        found = nearest(solver, event, [event.day.variables[DAY], *wishes])
        datum = datum_of(found, event, kind)
        assert validate(kind, datum, received_at_ms=found.now_ms) == []
        facts = facts_from_datum(kind, datum, AgencyId(found.values["source"]), KEY)
        assert event.assignment(facts, DAY, KEY.locator) == {**found.values, "allocated_team": None, "day": DAY}
        assert {flag: getattr(facts, flag) for flag in found.flags} == found.flags
        assert set(facts.concerns) == set(found.concerns)
        assert said_by(facts) == set(found.said)


@pytest.mark.parametrize("name", list(types()))
def test_every_event_that_may_be_published_is_possible(name: str) -> None:
    """No proof leaves a real event out: what the contract accepts fulfils the formulas, and much is drawn that it
    does not accept and they do not either."""
    kind, rnd = types()[name], Random(name)
    event, solver = symbolic(kind)
    publishers = [each for each in sole_codes(world()) if world().agencies[each]["category"] in kind.publishers]
    accepted = 0
    for _ in range(DRAWN * 4):
        source = rnd.choice(publishers if rnd.random() < 0.8 else list(sole_codes(world())))
        agency, (scheme, code) = world().agencies[source], sole_codes(world())[source]
        drawn = {
            "envelope.legalGateway": rnd.choice(list(LegalGateway)[1:]),
            "envelope.purpose": rnd.choice(list(Purpose)),
            "envelope.dpRegime": rnd.choice(list(DpRegime)),
            "envelope.urgency": rnd.choice(list(Urgency)),
            "envelope.agencyGrade": rnd.choice(list(AgencyGrade)),
            "envelope.matchStatus": rnd.choice(list(MatchStatus)),
            "envelope.addressProtection": rnd.choice([each for each in AddressProtection if each != "REFUGE"]),
            "envelope.settings.schoolUrn": rnd.choice([None, "990001", "999999"]),
            "envelope.area.gss": rnd.choice([None, "E06000098", "E09000001"]),
            "envelope.child.dateOfBirth": rnd.choice([None, "now-1y", "now-25y", "now-26y", "now-27y"]),
        }
        overrides = {path: drawn[path] for path in rnd.sample(sorted(drawn), k=rnd.randint(0, 3))}
        overrides |= {"envelope.sourceOrg.category": agency["category"], "envelope.sourceOrg.scheme": scheme,
                      "envelope.sourceOrg.id": code, "envelope.masaId": agency["area"]}  # fmt: skip
        datum = example(kind, now_ms=noon_of(DAY), event_id=EVENT_ID, overrides=overrides)
        valid = validate(kind, datum, received_at_ms=noon_of(DAY)) == []
        facts = facts_from_datum(kind, datum, AgencyId(source), KEY)
        fits = solver.check(*event.pinned(facts, DAY, KEY.locator)) == z3.sat
        accepted += valid
        assert fits or not valid, overrides
    assert accepted


@pytest.mark.parametrize("name", ["police.domestic-abuse-incident", "health.was-not-brought", "housing.household-moved",
                                  "lado.allegation", "exploitation.concern"])  # fmt: skip
def test_the_formulas_agree_with_decisions_under_the_shipped_rules(name: str) -> None:
    """Real rules, real fields, events drawn as the shipped areas' own test draws them."""
    _, artefact, rules = shipped_areas.shipped()
    kind, rnd = types()[name], Random(name)
    shipped_world = World(artefact.document())
    encoding = Encoding(shipped_world, kind, SymbolicEvent(shipped_world, periods(shipped_world, DAY)))
    for _ in range(8):
        facts, later = shipped_areas.varied(rnd, kind), rnd.choice([0, 0, 400, 900])
        now = EpochMillis(shipped_areas.NOW + later * 86_400_000)
        day = DAY + timedelta(days=later)
        encoded = encoded_deliveries(encoding, facts, day, shipped_areas.token)
        assert encoded == decided_deliveries(decide(facts, rules, now))
