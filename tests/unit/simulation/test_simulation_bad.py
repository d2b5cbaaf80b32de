"""The catalogue of bad input: what codec and validation can see is refused for exactly the named reason."""

from __future__ import annotations

import json

import pytest

from schemas.codec import decode_event
from schemas.errors import EventInvalid, FrameError
from schemas.json_form import from_json, read_json, to_json
from schemas.registry import load_event_types
from schemas.validation import validate
from schemas.vocabulary import RejectReason
from streams.simulation.bad import BAD_KINDS, BadKind, BadRecord, SeenBy, kind_named
from streams.simulation.bad_json import BAD_JSON_KINDS, BadJsonKind
from tests.unit.simulation.area import NOW_MS, agencies, bad_input, traffic

SEEDS = (1, 2, 3, 4)
# What only the router knows: it compares with topic, headers, rule set and its own memory.
ROUTERS_OWN = {
    RejectReason.OVERSIZE,
    RejectReason.HEADERS,
    RejectReason.UNKNOWN_AGENCY,
    RejectReason.SPOOFED_SOURCE,
    RejectReason.UNKNOWN_RECIPIENT,
    RejectReason.ID_REUSED,
}


def made(kind: BadKind, seed: int) -> BadRecord:
    record = bad_input(seed).make(kind, NOW_MS)
    assert record is not None
    return record


def refusal(value: bytes | None) -> tuple[SeenBy | None, RejectReason | None, str | None]:
    """Who refuses these bytes first, why, and which field."""
    try:
        decoded = decode_event(value or b"")
    except FrameError as error:
        return SeenBy.CODEC, error.reason, None
    except EventInvalid as error:
        return SeenBy.CODEC, error.reason, error.problems[0].path
    problems = validate(decoded.event_type, decoded.datum, received_at_ms=NOW_MS)
    return (SeenBy.VALIDATION, problems[0].code, problems[0].path) if problems else (None, None, None)


def test_there_are_many_kinds_and_every_reason_has_one() -> None:
    """At least 34 kinds; every reason a record can be rejected for, but one that only JSON can have."""
    assert len({kind.name for kind in BAD_KINDS}) == len(BAD_KINDS) >= 34
    reasons = {kind.reason for kind in BAD_KINDS}
    assert reasons == set(RejectReason) - {RejectReason.UNKNOWN, RejectReason.TYPE_MISMATCH}
    assert RejectReason.TYPE_MISMATCH in {kind.reason for kind in BAD_JSON_KINDS}


@pytest.mark.parametrize("kind", [k for k in BAD_KINDS if k.seen_by is not SeenBy.ROUTER], ids=lambda k: k.name)
def test_what_bytes_or_content_give_away_is_refused_for_its_reason(kind: BadKind) -> None:
    """By the right check, with the right reason and field."""
    for seed in SEEDS:
        seen_by, reason, path = refusal(made(kind, seed).record.value)
        assert (seen_by, reason) == (kind.seen_by, kind.reason)
        assert kind.path is None or path == kind.path


@pytest.mark.parametrize("kind", [k for k in BAD_KINDS if k.seen_by is SeenBy.ROUTER], ids=lambda k: k.name)
def test_what_only_the_router_can_tell_is_a_sound_event(kind: BadKind) -> None:
    """Codec and validation pass it, so only the router's own check can be what refuses it."""
    assert kind.reason in ROUTERS_OWN
    for seed in SEEDS:
        record = made(kind, seed).record
        if kind.reason is RejectReason.OVERSIZE:
            assert len(record.value or b"") > 256 * 1024
        else:
            assert refusal(record.value) == (None, None, None)


def test_a_reused_id_comes_after_a_good_event_with_that_id_on_the_same_key() -> None:
    """Same partition, so the router has seen the first."""
    bad = made(kind_named("id-reused"), 1)
    (first,) = bad.before
    assert (first.topic, first.key) == (bad.record.topic, bad.record.key)
    one, other = (decode_event(value or b"").datum["envelope"] for value in (first.value, bad.record.value))
    assert one["eventId"] == other["eventId"]
    assert first.value != bad.record.value


def test_kinds_on_topics_of_their_own_are_left_out_unless_wanted() -> None:
    """A provisioned area has no topic for them."""
    usual = type(bad_input())(traffic(), bad_input()._pseudonymiser, 1)
    assert {kind.name for kind in BAD_KINDS} - {kind.name for kind in usual.kinds} == {
        "unknown-topic-owner",
        "gateway-agency-on-own-topic",
    }
    topics = {f"agency.{agency.id}.outbox" for agency in agencies() if agency.channel == "kafka"} | {"gateway.outbox"}
    for kind in usual.kinds:
        record = usual.make(kind, NOW_MS)
        assert record is not None
        assert record.record.topic in topics


def test_random_bad_input_is_of_many_kinds() -> None:
    """Three hundred draws reach most kinds."""
    bad = bad_input()
    drawn = {record.kind.name for _ in range(300) if (record := bad.any(NOW_MS))}
    assert len(drawn) > 60


def test_an_unknown_kind_is_an_error() -> None:
    """Asking by a name that is not in the catalogue raises."""
    with pytest.raises(KeyError):
        kind_named("perfect")


@pytest.mark.parametrize("kind", BAD_JSON_KINDS, ids=lambda k: k.name)
def test_bad_json_is_refused_with_its_reason_and_path(kind: BadJsonKind) -> None:
    """As `masa publish` reads it: text, then form, then content."""
    event_type = load_event_types()["police.domestic-abuse-incident"]
    event = traffic().compose(event_type.name, NOW_MS)
    assert event is not None
    good = to_json(event_type, event.datum)
    assert from_json(event_type, read_json(json.dumps(good))) == event.datum
    with pytest.raises(EventInvalid) as raised:
        from_json(event_type, read_json(kind.spoil(good)))
    problem = raised.value.problems[0]
    assert (problem.code, problem.path) == (kind.reason, kind.path)
    assert problem.expected
