"""What the policy core needs to know of the event contract. `schemas.registry` satisfies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from schemas.vocabulary import FieldClass


class LeafLike(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def classes(self) -> frozenset[FieldClass]: ...
    @property
    def node(self) -> Any: ...  # the schema node of the field's type


class EventTypeLike(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def clock(self) -> str: ...
    @property
    def leaves(self) -> Sequence[LeafLike]: ...


EventTypesLike = Mapping[str, EventTypeLike]  # by name
