"""A rehearsal equals deciding every record's event anew, the slow way, and comparing field by field."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import decode_record, encode_record
from schemas.paths import collapse, expand
from schemas.vocabulary import Disposition
from streams.ledger.replay import facts_of
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.decide import decide
from streams.policy.decision import Decision
from streams.policy.facts import EpochMillis, Facts
from streams.policy.index import RuleSet
from streams.policy.reference import decide_by_reference
from streams.rehearsal.cells import Cell, Kind, Tally
from streams.rehearsal.past import PastReader, recorded
from streams.rehearsal.rehearse import Rehearsal
from streams.routing.audit_pieces import Origin
from streams.routing.audit_record import audit_datum, outcome_datum
from tests.property.policy_worlds import areas, event, instant
from tests.property.test_ledger_scan import AUDITS
from tests.unit.policy.builders import EVENT_TYPES, FACTS, NOW, TODAY, token

ORIGIN = Origin("agency.north-police.outbox", 0, 7, int(NOW), bytes(32))

READER = PastReader()


def audit_of(facts: Facts, decision: Decision, decided_at: int) -> bytes:
    """The record that a router writes."""
    outcomes = []
    for each in decision.outcomes:
        by_reason: dict[str, list[str]] = {}
        for path, reason in each.plan.withheld if each.plan else ():
            by_reason.setdefault(reason, []).append(path)
        leaves = [leaf.path for leaf in EVENT_TYPES[facts.event_type].leaves] if by_reason else []
        short = tuple((reason, collapse(paths, leaves)) for reason, paths in by_reason.items())
        outcomes.append(outcome_datum(each, short, None, None))
    return encode_record(
        "audit",
        audit_datum(
            decision.disposition, ORIGIN, decided_at, 0,
            facts=facts, rule_set=decision.rule_set, reasons=decision.reasons, outcomes=outcomes,
        ),
    )  # fmt: skip


def fields_given(audit: dict[str, Any]) -> dict[str, set[str]]:
    """What each agency was given, read plainly from a decoded record."""
    given = {}
    for outcome in audit["outcomes"]:
        kind = EVENT_TYPES.get(audit["eventType"])
        leaves = [leaf.path for leaf in kind.leaves] if kind and outcome["outcome"] == "DELIVERED" else []
        withheld = {path for group in outcome["withheld"] for path in expand(group["paths"], leaves)}
        given[outcome["agency"]] = set(leaves) - withheld
    return given


def plainly(values: list[bytes], new: Artefact, at: EpochMillis | None) -> tuple[Counter[Cell], int]:
    """The counts as anybody would work them out with pencil and paper, and how many events changed."""
    counts: Counter[Cell] = Counter()
    changed = 0
    for value in values:
        audit = decode_record("audit", value)
        kind = EVENT_TYPES.get(audit["eventType"])
        classes = {leaf.path: leaf.classes for leaf in kind.leaves} if kind else {}
        decision = decide_by_reference(facts_of(audit), new, EVENT_TYPES, token, at or audit["decidedAt"])
        was, now = {o["agency"]: o for o in audit["outcomes"]}, {o.agency: o for o in decision.outcomes}
        had, one = fields_given(audit), Counter[Cell]()
        name = audit["eventType"]
        if audit["kind"] != decision.disposition:
            one[Cell(Kind.DISPOSITION, name, "", (audit["kind"], decision.disposition.value))] += 1
        for agency in {*was, *now}:
            old, new_one = was.get(agency), now.get(agency)
            before = old["outcome"] if old else "ABSENT"
            after = new_one.kind.value if new_one else "ABSENT"
            old_role = ", ".join(old["roles"]) if old else ""
            new_role = ", ".join(new_one.roles) if new_one else ""
            if before != after:
                role = old_role if before == "DELIVERED" or not new_one else new_role
                one[Cell(Kind.OUTCOME, name, role, (before, after))] += 1
            elif before == "DELIVERED" and old and new_one and old["clock"] != new_one.clock:
                one[Cell(Kind.CLOCK, name, new_role, (old["clock"], str(new_one.clock)))] += 1
            had_it = had.get(agency, set())
            gets = set(new_one.plan.kept) if new_one and new_one.plan else set()
            for each in {each for path in gets - had_it for each in classes[path]}:
                one[Cell(Kind.GAINED, name, new_role, (each.value,))] += 1
            for each in {each for path in had_it - gets for each in classes[path]}:
                one[Cell(Kind.LOST, name, old_role, (each.value,))] += 1
        changed += bool(one)
        counts += one
    return counts, changed


def counted(tally: Tally) -> Counter[Cell]:
    return Counter({cell: found.count for cell, found in tally.cells.items()})


def agrees(rnd: Random, events: int) -> int:
    """Compare both ways on one world; how many cells there were."""
    old = RuleSet.build(compile_areas(areas(rnd), EVENT_TYPES, TODAY), EVENT_TYPES, token)
    new = compile_areas(areas(rnd), EVENT_TYPES, TODAY)
    values = []
    for _ in range(events):
        facts, now = event(rnd), instant(rnd)
        values.append(audit_of(facts, decide(facts, rnd.choice([old, old, None]), now), now))
    values += rnd.choices(values, k=events)  # so that what is remembered is used
    at = rnd.choice([None, instant(rnd)])
    rehearsal = Rehearsal(RuleSet.build(new, EVENT_TYPES, token), EVENT_TYPES, at=at, remembered=rnd.choice([3, 1000]))
    for value in values:
        rehearsal.feed(value)
    counts, changed = plainly(values, new, at)
    assert counted(rehearsal.tally) == counts
    assert (rehearsal.tally.changed, rehearsal.tally.decisions) == (changed, len(values))
    return len(counts)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.randoms(use_true_random=False))
def test_a_rehearsal_equals_deciding_anew_with_the_reference(rnd: Random) -> None:
    """Any two rule sets, any past: every count is what the reference interpreter and plain comparison give."""
    agrees(rnd, 6)


@pytest.mark.parametrize("seed", range(3))
def test_a_rehearsal_equals_deciding_anew_on_seeded_worlds(seed: int) -> None:
    """Whatever Hypothesis likes to draw, hundreds of decisions that differ in all ways are compared on each run."""
    rnd = Random(seed)
    assert sum(agrees(rnd, 12) for _ in range(15)) > 100


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(AUDITS)
def test_records_are_read_as_the_decoder_reads_them(audit: dict[str, Any]) -> None:
    """Whatever the record holds: the same kind, time, names, facts, and outcomes that are told apart."""
    value = encode_record("audit", audit)
    past = READER.read(value)
    assert past is not None
    plain = decode_record("audit", value)
    assert past[:5] == tuple(plain[name] for name in ("kind", "decidedAt", "eventId", "eventType", "ruleSet"))
    assert (past.inputs is None) == (plain["inputs"] is None)
    if past.inputs is not None:
        assert READER.facts(past.inputs) == facts_of(plain)
    alike = dict(zip(past.outcomes, map(recorded, plain["outcomes"]), strict=True))
    assert [alike[piece] for piece in past.outcomes] == list(map(recorded, plain["outcomes"]))


def test_an_unusual_but_valid_layout_is_read_too() -> None:
    """An array written in a block with its size, as some writers do, changes nothing."""
    decision = Decision(Disposition.UNROUTED, None, (), ("NO_CANDIDATE",))
    value = audit_of(FACTS, decision, int(NOW))
    word = b"\x18NO_CANDIDATE"
    sized = value.replace(b"\x02" + word + b"\x00", b"\x01\x1a" + word + b"\x00")
    assert sized != value
    assert READER.read(sized) == READER.read(value)
