"""Laws of the simulation: same seed, same events; good is good, bad is bad, whatever the seed and the time."""

from __future__ import annotations

from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import decode_event, encode_event
from schemas.errors import EventInvalid, FrameError
from schemas.validation import validate
from schemas.vocabulary import RejectReason
from streams.simulation.bad import BAD_KINDS, BadInput, BadKind, SeenBy, good_record
from streams.simulation.rhythm import evenly
from tests.unit.simulation.area import NOW_MS, PSEUDONYMS, traffic

SEEDS = st.integers(min_value=0, max_value=2**32)
TIMES = st.integers(min_value=NOW_MS - 300 * 86_400_000, max_value=NOW_MS + 900 * 86_400_000)
HOUSEHOLDS = 40


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, start=TIMES)
def test_the_same_seed_and_times_give_the_same_events(seed: int, start: int) -> None:
    """Two runs agree byte for byte: agency, type, content, key, headers."""
    runs = []
    for _ in range(2):
        events = islice(traffic(seed, HOUSEHOLDS).events(evenly(start, 0.05)), 40)
        runs.append([(event.kind, good_record(event, PSEUDONYMS)) for event in events])
    assert runs[0] == runs[1]


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, start=TIMES)
def test_every_good_event_is_valid_and_reads_back_as_it_was(seed: int, start: int) -> None:
    """Validation finds nothing and the codec loses nothing, at any time of any year."""
    for event in islice(traffic(seed, HOUSEHOLDS).events(evenly(start, 0.01)), 60):
        assert validate(event.event_type, event.datum, received_at_ms=event.at_ms) == []
        assert decode_event(encode_event(event.event_type, event.datum)).datum == event.datum


@settings(max_examples=120, deadline=None)
@given(seed=SEEDS, kind=st.sampled_from([kind for kind in BAD_KINDS if kind.seen_by is not SeenBy.ROUTER]))
def test_every_bad_record_is_refused_for_its_reason(seed: int, kind: BadKind) -> None:
    """Whichever event it was made from."""
    made = BadInput(traffic(seed, HOUSEHOLDS), PSEUDONYMS, seed).make(kind, NOW_MS)
    assert made is not None
    assert _reason(made.record.value) == made.kind.reason


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, kind=st.sampled_from([kind for kind in BAD_KINDS if kind.seen_by is SeenBy.ROUTER]))
def test_a_record_that_only_the_router_refuses_is_a_sound_event(seed: int, kind: BadKind) -> None:
    """So that the test of the router tests the router."""
    made = BadInput(traffic(seed, HOUSEHOLDS), PSEUDONYMS, seed, own_topics=True).make(kind, NOW_MS)
    assert made is not None
    if made.kind.reason is not RejectReason.OVERSIZE:
        assert _reason(made.record.value) is None


def _reason(value: bytes | None) -> RejectReason | None:
    try:
        decoded = decode_event(value or b"")
    except (FrameError, EventInvalid) as error:
        return error.reason
    problems = validate(decoded.event_type, decoded.datum, received_at_ms=NOW_MS)
    return problems[0].code if problems else None
