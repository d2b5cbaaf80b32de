"""Declarations of the catalogue: which events say who is involved with a child, and for how long (R-05).

An event declares an involvement, or ends one. Only what its publisher knows of its own counts: a school says that it
has the pupil; what an officer notes as the child's school routes that one event and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from schemas.errors import SchemaError
from schemas.vocabulary import AgencyCategory

MAX_DAYS = 400  # the longest any relationship lives without being declared again
_Word = TypeVar("_Word", bound=StrEnum)
_KEYS = frozenset({"declares", "ends", "from", "days", "publishers", "when", "of"})


class RelationshipKind(StrEnum):
    SCHOOL = "school"
    GP = "gp"
    COMMUNITY_HEALTH = "communityHealth"
    SOCIAL_CARE = "socialCare"


class DeclaredBy(StrEnum):
    """Whom a declaration names: the publisher itself, or the organisation in one of the event's settings."""

    SOURCE = "source"
    SCHOOL = "school"
    GP = "gp"
    COMMUNITY_HEALTH = "communityHealth"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one event type says about relationships. `days` is None when it ends them.

    `by` is None only when it ends them whoever they are with; with `by`, it ends those with that organisation.
    """

    kinds: tuple[RelationshipKind, ...]
    by: DeclaredBy | None
    days: int | None  # from when the event occurred
    publishers: frozenset[AgencyCategory] = frozenset()  # who counts; empty: everyone who may publish it
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)  # payload field -> symbols of which one is asked
    of: Mapping[str, str] = field(default_factory=dict)  # nhsNumber or upn -> payload field; empty: the event's child

    @property
    def paths(self) -> tuple[str, ...]:
        """Payload fields it reads."""
        return (*self.when, *self.of.values())


def parse_declarations(name: str, raw: Any, publishers: tuple[AgencyCategory, ...]) -> tuple[Declaration, ...]:
    """`relationships` of one catalogue entry. Raises `SchemaError` naming the entry and what would be right."""
    if not isinstance(raw, list) or not all(isinstance(each, dict) for each in raw):
        raise SchemaError(f"catalogue.yaml `{name}`: `relationships` must be a list of mappings")
    return tuple(_declaration(f"catalogue.yaml `{name}`, `relationships`", each, publishers) for each in raw)


def _declaration(where: str, raw: Mapping[str, Any], publishers: tuple[AgencyCategory, ...]) -> Declaration:
    for key in raw:
        if key not in _KEYS:
            raise SchemaError(f"{where}: unknown key `{key}`; use {', '.join(sorted(_KEYS))}")
    if ("declares" in raw) == ("ends" in raw):
        raise SchemaError(f"{where}: say either `declares` or `ends`")
    ends = raw.get("ends")
    kinds = [raw["declares"]] if ends is None else ends
    days = raw.get("days")
    if (days is None) != (ends is not None):
        raise SchemaError(f"{where}: `days` belongs to `declares`, and `declares` needs it")
    if days is not None and not 0 < days <= MAX_DAYS:
        raise SchemaError(f"{where}: `days` has `{days}`, use 1 to {MAX_DAYS}")
    if ends is None and "from" not in raw:
        raise SchemaError(f"{where}: `declares` needs `from`: {', '.join(DeclaredBy)}")
    counted = frozenset(_word(where, "publishers", word, AgencyCategory) for word in raw.get("publishers", ()))
    if strangers := sorted(counted - set(publishers)):
        raise SchemaError(f"{where}: `{strangers[0]}` may not publish it")
    return Declaration(
        kinds=tuple(_word(where, "declares" if ends is None else "ends", kind, RelationshipKind) for kind in kinds),
        by=_word(where, "from", raw["from"], DeclaredBy) if "from" in raw else None,
        days=days,
        publishers=counted,
        when={path: frozenset(symbols) for path, symbols in raw.get("when", {}).items()},
        of=dict(raw.get("of", {})),
    )


def _word(where: str, key: str, word: Any, words: type[_Word]) -> _Word:
    if word not in list(words):
        raise SchemaError(f"{where}: `{key}` has `{word}`, use one of {', '.join(words)}")
    return words(word)
