"""What is surely valid is valid: the quick answer never says yes where validation finds something."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import encode_event
from schemas.field_classes import NamedTypes
from schemas.leaf_bytes import leaf_encoder
from schemas.registry import EventType, load_event_types
from schemas.sure_event import SureEvents
from schemas.validation import validate
from tests.datums import datums
from tests.events import an_event, at, put

TYPES = list(load_event_types().values())
SURE = {synthetic: SureEvents(load_event_types(), allow_synthetic=synthetic) for synthetic in (True, False)}
NEVER_SURE = frozenset({"lado.allegation"})


@pytest.mark.parametrize("event_type", TYPES, ids=lambda each: each.name)
def test_examples_are_surely_valid(event_type: EventType) -> None:
    """The common case takes the quick way, or the quick way is for nothing."""
    datum = an_event(event_type)
    occurred = datum["envelope"]["occurredAt"]
    received = datum["envelope"]["publishedAt"]
    if datum["envelope"]["child"]["expectedDeliveryDate"] is not None or event_type.name in NEVER_SURE:
        occurred = None
    if datum["envelope"]["legalGateway"] == "S213B_HOUSING" or datum["envelope"]["proposedRecipients"]:
        occurred = None
    assert SURE[True].occurred_at(encode_event(event_type, datum), received) == occurred


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_sure_is_valid(data: st.DataObject) -> None:
    """An example with any leaves of any other datum in it: sure means that validation finds nothing."""
    event_type = data.draw(st.sampled_from(TYPES))
    datum, other = an_event(event_type), data.draw(datums(event_type))
    received = datum["envelope"]["publishedAt"] + data.draw(st.sampled_from([0, -400_000, 10**12]))
    for path in data.draw(st.sets(st.sampled_from(event_type.paths), max_size=3)):
        try:
            put(datum, path, at(other, path))
        except (KeyError, TypeError):
            continue  # below a record that is not there
    try:
        value = encode_event(event_type, datum)
    except ValueError:
        return
    synthetic = data.draw(st.booleans())
    occurred = SURE[synthetic].occurred_at(value, received)
    problems = validate(event_type, datum, received_at_ms=received, allow_synthetic=synthetic)
    assert occurred is None or (problems == [] and occurred == datum["envelope"]["occurredAt"])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_event_put_together_from_pieces_is_the_encoded_event(data: st.DataObject) -> None:
    """Leaf by leaf gives the bytes that the codec writes."""
    event_type = data.draw(st.sampled_from(TYPES))
    datum = data.draw(datums(event_type))
    assert encode_event(event_type, datum)[10:] == leaf_encoder(event_type.schema, NamedTypes())(datum)
