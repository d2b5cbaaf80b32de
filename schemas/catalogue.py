"""The catalogue: who may publish each event type, under which powers, how soon it must be acted on.

Read from `schemas/catalogue.yaml`. Unknown keys, unknown words and missing entries are errors that name the entry.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import yaml

from schemas.errors import SchemaError
from schemas.relationships import Declaration, parse_declarations
from schemas.vocabulary import AgencyCategory, DpRegime, FieldClass, LegalGateway, Purpose, Urgency

CLOCKS = frozenset({"PT15M", "PT1H", "PT4H", "PT72H", "1WD", "2WD", "5WD", "5SD", "10SD", "NEXT_SCHOOL_DAY", "NONE"})
MATURITIES = frozenset({"alpha", "beta", "release"})
_REQUIRED = frozenset(
    {"title", "publishers", "gateways", "clock", "urgency", "maturity", "purposes", "regimes", "basis"}
)
_KEYS = _REQUIRED | {"requires", "sensitive", "relationships", "example"}
# libyaml reads the catalogue in a tenth of the time, which every command pays at its start
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What the catalogue says of one event type."""

    name: str
    title: str
    publishers: tuple[AgencyCategory, ...]
    gateways: tuple[LegalGateway, ...]
    clock: str
    urgency: Urgency
    maturity: str
    purposes: tuple[Purpose, ...]
    regimes: tuple[DpRegime, ...]
    requires: tuple[str, ...]  # leaf paths that must be present
    sensitive: Mapping[FieldClass, str]  # class -> why the purpose needs it (E-12)
    basis: str
    relationships: tuple[Declaration, ...]  # what it says of who is involved with the child
    example: Mapping[str, Any] = field(repr=False)  # leaf path -> value


Catalogue = Mapping[str, CatalogueEntry]


def parse_catalogue(text: str) -> Catalogue:
    """Read the catalogue's YAML. Raises `SchemaError` naming the entry and the key."""
    raw = read_yaml(text)
    types = raw.get("types") if isinstance(raw, dict) else None
    if not isinstance(types, dict) or not types:
        raise SchemaError("catalogue.yaml must be a mapping with one key `types`")
    return {name: _entry(name, entry) for name, entry in types.items()}


def _entry(name: str, raw: Any) -> CatalogueEntry:
    if not isinstance(raw, dict):
        raise SchemaError(f"catalogue.yaml `{name}`: must be a mapping")
    for key in raw:
        if key not in _KEYS:
            raise SchemaError(f"catalogue.yaml `{name}`: unknown key `{key}`{suggest(key, _KEYS)}")
    if missing := sorted(_REQUIRED - set(raw)):
        raise SchemaError(f"catalogue.yaml `{name}`: missing key `{missing[0]}`")
    publishers = _words(name, "publishers", raw["publishers"], AgencyCategory)
    return CatalogueEntry(
        name=name,
        title=str(raw["title"]),
        publishers=publishers,
        gateways=_words(name, "gateways", raw["gateways"], LegalGateway),
        clock=_one_of(name, "clock", raw["clock"], CLOCKS),
        urgency=_words(name, "urgency", [raw["urgency"]], Urgency)[0],
        maturity=_one_of(name, "maturity", raw["maturity"], MATURITIES),
        purposes=_words(name, "purposes", raw["purposes"], Purpose),
        regimes=_words(name, "regimes", raw["regimes"], DpRegime),
        requires=tuple(raw.get("requires") or ()),
        sensitive=_sensitive(name, raw.get("sensitive") or {}),
        basis=str(raw["basis"]).strip(),
        relationships=parse_declarations(name, raw.get("relationships") or [], publishers),
        example=dict(raw.get("example") or {}),
    )


def _words(name: str, key: str, raw: Any, words: type[_Word]) -> tuple[_Word, ...]:
    if not isinstance(raw, list) or not raw:
        raise SchemaError(f"catalogue.yaml `{name}`: `{key}` must be a list with at least one entry")
    allowed = [member for member in words.__members__ if member != "UNKNOWN"]
    return tuple(words(_one_of(name, key, word, allowed)) for word in raw)


def _one_of(name: str, key: str, word: Any, allowed: Iterable[str]) -> str:
    choices = sorted(allowed)
    if word not in choices:
        raise SchemaError(f"catalogue.yaml `{name}`: `{key}` has `{word}`{suggest(str(word), choices)}")
    return str(word)


def _sensitive(name: str, raw: Any) -> Mapping[FieldClass, str]:
    if not isinstance(raw, dict):
        raise SchemaError(f"catalogue.yaml `{name}`: `sensitive` must map a field class to its reason")
    return {
        FieldClass(_one_of(name, "sensitive", key, FieldClass.__members__)): str(reason).strip()
        for key, reason in raw.items()
    }


def read_yaml(text: str) -> Any:
    """Plain data from YAML."""
    return yaml.load(text, _LOADER)  # noqa: S506  both are safe loaders


def suggest(wrong: str, right: Iterable[str]) -> str:
    """`; did you mean ...` with the nearest right name, or a list of all of them when none is near."""
    choices = sorted(right)
    if near := difflib.get_close_matches(wrong, choices, n=1):
        return f"; did you mean `{near[0]}`"
    return "; use one of " + ", ".join(f"`{choice}`" for choice in choices)
