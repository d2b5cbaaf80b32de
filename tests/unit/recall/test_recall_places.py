"""An event without the places of its child, whatever its type (P-02)."""

from __future__ import annotations

import pytest

from schemas.codec import decode_event, encode_event
from schemas.registry import load_event_types
from schemas.vocabulary import FieldClass
from streams.policy.fields import HOME_AUTHORITY
from streams.recall.places import places_given, places_of, without_places
from tests.canaries import Brood, Search
from tests.events import an_event, event_type


@pytest.mark.parametrize("name", sorted(load_event_types()))
def test_no_place_is_left_and_all_else_is(name: str) -> None:
    """A canary in every field: those of places are gone from the bytes, the others are all there."""
    kind = event_type(name)
    planted = Brood().plant(kind, an_event(kind))
    narrowed = encode_event(kind, without_places(kind, planted.datum))
    assert decode_event(narrowed).event_type is kind
    found = Search(planted.canaries).found(narrowed)
    places = {each for each in planted.canaries if FieldClass.LOCATING in each.classes or HOME_AUTHORITY in each.paths}
    assert found == set(planted.canaries) - places


def test_places_given_are_those_that_were_not_withheld() -> None:
    """Sorted, so that the same message is the same bytes."""
    kind = event_type("police.domestic-abuse-incident")
    places = places_of(kind)
    kept = next(iter(places - {HOME_AUTHORITY}))
    assert places_given(kind, places - {kept}) == (kept,)
    assert list(places_given(kind, ())) == sorted(places)
