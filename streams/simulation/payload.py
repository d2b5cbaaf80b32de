"""Variety in an event's payload: other codes, counts and answers than the example's, within the contract.

Works from the schema alone, so that a new event type has variety at once; the few couplings between fields that no
schema states are listed here.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from schemas.field_classes import Leaf, full_name
from schemas.registry import EventType
from schemas.vocabulary import FieldClass
from schemas.wire import Datum

_CHANGE_CODE, _CHANGE_LIST, _FLIP, _NO_NOTE = 0.5, 0.5, 0.25, 0.6
_UNKNOWN = "UNKNOWN"
# Evidence of consent stays as it is; codes that name an agency's kind or scheme must fit another field.
_FIXED_PREFIXES = ("consent", "chosen", "setting", "level")
# field -> (deciding field, the codes under which it is filled)
_ONLY_WHEN: dict[str, tuple[str, frozenset[str]]] = {
    "endDate": ("change", frozenset({"ENDED"})),
    "endReason": ("change", frozenset({"ENDED"})),
    "declineGround": ("result", frozenset({"DECLINED"})),
    "protectedGround": ("ground", frozenset({"GROUND_NOT_GIVEN"})),
}

_Vary = Callable[[Random, Datum], None]


class PayloadVariety:
    """Varies payloads of one event type."""

    def __init__(self, event_type: EventType) -> None:
        enums = _enums(event_type.schema)
        made = [_variation(leaf, enums) for leaf in event_type.leaves if _may_vary(leaf)]
        self._variations = [each for each in made if each is not None]
        present = {leaf.path for leaf in event_type.leaves}
        self._couplings = [(f, *when) for f, when in _ONLY_WHEN.items() if f in present and when[0] in present]
        self._required = frozenset(event_type.requires)

    def vary(self, rng: Random, datum: Datum) -> None:
        """Change the payload in place."""
        for variation in self._variations:
            variation(rng, datum)
        for name, decider, codes in self._couplings:
            if datum[decider] not in codes and name not in self._required:
                datum[name] = None


def _may_vary(leaf: Leaf) -> bool:
    """Top-level payload fields whose value nothing else hangs on. Sensitive-service fields need a decision (P-09)."""
    if "." in leaf.path or leaf.path.startswith(_FIXED_PREFIXES):
        return False
    return FieldClass.SENSITIVE_SERVICE not in leaf.classes and FieldClass.CONTROL not in leaf.classes


def _variation(leaf: Leaf, enums: dict[str, tuple[str, ...]]) -> _Vary | None:
    name = leaf.path
    if name == "note":
        return _sometimes_empty(name)
    if leaf.kind == "enum":
        return _other_code(name, _known(leaf.symbols))
    if leaf.kind == "boolean":
        return _flipped(name)
    if leaf.kind == "int" and leaf.logical is None:
        return _other_count(name)
    if leaf.kind == "array":
        symbols = _known(_symbols_of(leaf.node["items"], enums))
        return _other_codes(name, symbols) if symbols else None
    return None


def _sometimes_empty(name: str) -> _Vary:
    def vary(rng: Random, datum: Datum) -> None:
        if rng.random() < _NO_NOTE:
            datum[name] = None

    return vary


def _other_code(name: str, symbols: tuple[str, ...]) -> _Vary:
    def vary(rng: Random, datum: Datum) -> None:
        if datum[name] is not None and rng.random() < _CHANGE_CODE:
            datum[name] = rng.choice(symbols)

    return vary


def _other_codes(name: str, symbols: tuple[str, ...]) -> _Vary:
    def vary(rng: Random, datum: Datum) -> None:
        if datum[name] is not None and rng.random() < _CHANGE_LIST:
            datum[name] = rng.sample(symbols, min(rng.randint(1, 3), len(symbols)))

    return vary


def _flipped(name: str) -> _Vary:
    def vary(rng: Random, datum: Datum) -> None:
        if datum[name] is not None and rng.random() < _FLIP:
            datum[name] = not datum[name]

    return vary


def _other_count(name: str) -> _Vary:
    def vary(rng: Random, datum: Datum) -> None:
        count = datum[name]
        if count is not None:
            datum[name] = rng.randint(count // 2, count * 2 + 1)

    return vary


def _symbols_of(items: Any, enums: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Symbols of an array's items; none when they are not of an enum."""
    if isinstance(items, str):
        return enums.get(items, ())
    return tuple(items.get("symbols", ()))


def _known(symbols: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(symbol for symbol in symbols if symbol != _UNKNOWN)


def _enums(node: Any) -> dict[str, tuple[str, ...]]:
    """Symbols of every named enum in a self-contained schema."""
    found: dict[str, tuple[str, ...]] = {}
    if isinstance(node, dict):
        if node.get("type") == "enum":
            found[full_name(node)] = tuple(node["symbols"])
        for value in node.values():
            found.update(_enums(value))
    elif isinstance(node, list):
        for value in node:
            found.update(_enums(value))
    return found
