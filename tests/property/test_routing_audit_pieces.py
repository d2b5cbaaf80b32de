"""Audit records joined from pieces are the bytes that encoding the whole record gives."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import decode_record, encode_record
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.registry import record_wire
from schemas.vocabulary import Disposition, OutcomeKind
from streams.policy.decision import Decision, Outcome
from streams.policy.facts import AgencyId, Exclusion, Facts, Judgement
from streams.routing.audit_pieces import AuditPieces, Origin, ack_by_piece, delivered_piece, outcome_piece, varint
from streams.routing.audit_record import Delivered, audit_datum, outcome_datum

PIECES = AuditPieces(SINGLE_OBJECT_MARK + record_wire("audit").fingerprint, 3)
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=9) | st.sampled_from(
    ["S16LA", "x" * 63, "é" * 40, "y" * 200]
)
MAYBE = st.none() | WORDS
LONGS = st.integers(0, 2**53) | st.integers(0, 300)
IDS = st.sampled_from(["01a0fd32-2d00-7000-8000-000000000001", "01a0fd32-2d00-7000-8000-00000000000f"])
TOKENS = st.none() | st.sampled_from(["0" * 32, "f" * 32])

FACTS = st.builds(
    Facts,
    event_id=IDS,
    event_type=WORDS,
    source=WORDS,
    source_category=WORDS,
    masa_id=WORDS,
    area_gss=MAYBE,
    gateway=WORDS,
    regime=WORDS,
    purpose=WORDS,
    urgency=WORDS,
    grade=WORDS,
    marking=WORDS,
    do_not_disclose_to_subject=st.booleans(),
    sensitive_service=st.booleans(),
    restricted=st.booleans(),
    protection=WORDS,
    match=WORDS,
    age_years=st.none() | st.integers(0, 26),
    unborn=st.booleans(),
    concerns=st.lists(WORDS, max_size=4).map(tuple),
    school=TOKENS,
    gp=TOKENS,
    community_health=TOKENS,
    placing_la=TOKENS,
    host_la=TOKENS,
    accused_setting=TOKENS,
    judgements=st.lists(st.builds(Judgement, MAYBE, MAYBE, WORDS, MAYBE), max_size=3).map(tuple),
    exclusions=st.lists(st.builds(Exclusion, WORDS.map(AgencyId), MAYBE, WORDS), max_size=3).map(tuple),
    supersedes=st.none() | IDS,
    subject=TOKENS,
    occurred_at=st.integers(-(2**45), 2**53),
    published_at=LONGS,
    allocated_team=TOKENS,
    registered=st.lists(WORDS, max_size=4).map(tuple),
    waived=st.lists(WORDS, max_size=2).map(tuple),
    resolved=st.lists(WORDS, max_size=2).map(tuple),
    operation=st.none() | WORDS,
    release_of=st.none() | WORDS,
    released=st.lists(WORDS, max_size=4).map(tuple),
)
LISTS = st.lists(WORDS, max_size=3).map(tuple)
OUTCOMES = st.builds(
    Outcome,
    agency=WORDS,
    kind=st.sampled_from([kind for kind in OutcomeKind if kind is not OutcomeKind.UNKNOWN]),
    roles=LISTS,
    rules=LISTS,
    reasons=LISTS,
    basis=MAYBE,
    plan=st.none(),
    clock=MAYBE,
)
SHORT = st.lists(st.tuples(WORDS, LISTS), max_size=3).map(tuple)
DELIVERED = st.none() | st.builds(Delivered, IDS, st.none() | LONGS)
RESULTS = st.lists(st.tuples(OUTCOMES, SHORT, st.none() | WORDS, DELIVERED), max_size=70)
ORIGINS = st.builds(Origin, WORDS, st.integers(0, 9), LONGS, LONGS, st.binary(min_size=32, max_size=32))
KINDS = st.sampled_from([Disposition.DECIDED, Disposition.UNROUTED, Disposition.HELD])


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    origin=ORIGINS,
    decided_at=LONGS,
    facts=FACTS,
    kind=KINDS,
    rule_set=st.none() | WORDS,
    reasons=LISTS,
    results=RESULTS,
    as_encoded=st.booleans(),
)
def test_joined_pieces_are_the_whole_record(
    origin: Origin,
    decided_at: int,
    facts: Facts,
    kind: Disposition,
    rule_set: Any,
    reasons: tuple[str, ...],
    results: list[Any],
    as_encoded: bool,
) -> None:
    """Byte for byte, for any facts and outcomes, whatever was remembered of earlier records."""
    decision = Decision(kind, rule_set, tuple(each[0] for each in results), reasons)
    pieces = [
        outcome_piece(outcome, withheld, topic)
        + (
            b"\0\0"
            if delivered is None
            else delivered_piece(delivered.delivery_id.encode(), ack_by_piece(delivered.ack_by))
        )
        for outcome, withheld, topic, delivered in results
    ]
    times = varint(facts.occurred_at) + varint(facts.published_at) if as_encoded else None
    joined = PIECES.join(origin, decided_at, facts, decision, pieces, times)
    whole = audit_datum(
        kind,
        origin,
        decided_at,
        3,
        facts=facts,
        rule_set=rule_set,
        reasons=reasons,
        outcomes=[outcome_datum(*each) for each in results],
    )
    assert decode_record("audit", joined) == whole
    assert joined == encode_record("audit", whole)


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_are_as_avro_writes_them(number: int) -> None:
    """Zigzag and base 128, for every number that fits."""
    import io

    import avro.io

    out = io.BytesIO()
    avro.io.BinaryEncoder(out).write_long(number)
    assert varint(number) == out.getvalue()
