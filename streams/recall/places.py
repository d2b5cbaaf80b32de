"""Fields that tell where a child is, and an event without them (P-02). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.projection import project_datum
from schemas.registry import EventType
from schemas.vocabulary import FieldClass
from schemas.wire import Datum
from streams.policy.fields import HOME_AUTHORITY


def places_of(kind: EventType) -> frozenset[str]:
    """Leaf paths that tell where a child is, in events of this type; of a protected child its home authority too."""
    return frozenset(leaf.path for leaf in kind.leaves if FieldClass.LOCATING in leaf.classes) | {HOME_AUTHORITY}


def places_given(kind: EventType, withheld: Iterable[str]) -> tuple[str, ...]:
    """Those that a recipient got from whom these leaves were withheld, sorted."""
    return tuple(sorted(places_of(kind) - frozenset(withheld)))


def without_places(kind: EventType, datum: Datum) -> Datum:
    """A copy with all of them null, as if the child had been protected when it was sent."""
    kept = frozenset(leaf.path for leaf in kind.leaves) - places_of(kind)
    return project_datum(kind.schema, datum, kept)
