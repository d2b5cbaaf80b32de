"""A rehearsal equals deciding every record's event anew, the slow way, and comparing field by field."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import decode_record, encode_record
from schemas.vocabulary import Disposition
from streams.ledger.replay import facts_of
from streams.policy.artefact import compile_areas
from streams.policy.decide import decide
from streams.policy.decision import Decision
from streams.policy.index import RuleSet
from streams.rehearsal.cells import Cell, Tally
from streams.rehearsal.past import PastReader, recorded
from streams.rehearsal.rehearse import Rehearsal
from tests.property.policy_worlds import areas, event, instant
from tests.property.test_ledger_scan import AUDITS
from tests.rehearsed import audit_of, plainly
from tests.unit.policy.builders import EVENT_TYPES, FACTS, NOW, TODAY, token

READER = PastReader()


def counted(tally: Tally) -> Counter[Cell]:
    return Counter({cell: found.count for cell, found in tally.cells.items()})


def agrees(rnd: Random, events: int) -> int:
    """Compare both ways on one world; how many cells there were."""
    old = RuleSet.build(compile_areas(areas(rnd), EVENT_TYPES, TODAY), EVENT_TYPES, token)
    new = compile_areas(areas(rnd), EVENT_TYPES, TODAY)
    values = []
    for _ in range(events):
        facts, now = event(rnd), instant(rnd)
        values.append(audit_of(facts, decide(facts, rnd.choice([old, old, None]), now), now, EVENT_TYPES))
    values += rnd.choices(values, k=events)  # so that what is remembered is used
    at = rnd.choice([None, instant(rnd)])
    rehearsal = Rehearsal(RuleSet.build(new, EVENT_TYPES, token), EVENT_TYPES, at=at, remembered=rnd.choice([3, 1000]))
    for value in values:
        rehearsal.feed(value)
    counts, changed = plainly(values, new, EVENT_TYPES, token, at)
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
    value = audit_of(FACTS, decision, int(NOW), EVENT_TYPES)
    word = b"\x18NO_CANDIDATE"
    sized = value.replace(b"\x02" + word + b"\x00", b"\x01\x1a" + word + b"\x00")
    assert sized != value
    assert READER.read(sized) == READER.read(value)
