"""Whatever happens to an event's bytes on the way, the router's intake reads an event or names a reason."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode_event
from schemas.registry import load_event_types
from schemas.vocabulary import RejectReason
from streams.policy.facts import AgencyId, EpochMillis
from streams.routing.intake import Event, Intake, Rejection
from tests.unit.simulation.area import NOW_MS, PSEUDONYMS, traffic

# A place in the event (0 to 1), how many bytes to take out there, and what to put in.
DAMAGES = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 9), st.binary(max_size=9)), min_size=1, max_size=4
)


@cache
def intake() -> Intake:
    return Intake(load_event_types(), PSEUDONYMS)


@cache
def events() -> tuple[tuple[str, bytes], ...]:
    """Publisher and bytes of a few hundred events of all types."""
    made = traffic(11)
    return tuple((e.agency.id, encode_event(e.event_type, e.datum)) for e in made.spread(400, NOW_MS - 10**8, NOW_MS))


@settings(max_examples=1_500, deadline=None)
@given(index=st.integers(0, 399), damages=DAMAGES)
def test_damaged_bytes_are_an_event_or_a_named_reason(index: int, damages: list[tuple[float, int, bytes]]) -> None:
    """Never an exception: one that escaped would stop the router at the same record for ever."""
    source, value = events()[index]
    for place, taken, put in damages:
        at = int(place * len(value))
        value = value[:at] + put + value[at + taken :]
    read = intake().read(value, AgencyId(source), EpochMillis(NOW_MS))
    if isinstance(read, Rejection):
        assert read.reason is not RejectReason.UNKNOWN
        assert read.explanation
    else:
        assert isinstance(read, Event)
