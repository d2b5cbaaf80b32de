"""Fields, withheld ones, contacts and times as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from connectors.http.values import Contact, NamedField, WithheldFields
from schemas.paths import collapse
from schemas.registry import EventType
from streams.gateway.in_force import InForce
from streams.policy.reasons import SENTENCES, ReasonCode

NOT_STATED = "NOT_STATED"
_NOT_STATED = "It is not shared with this recipient."
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOPS = ("envelope", "payload")


def label(path: str) -> str:
    """`envelope.child.dateOfBirth` as `Child: date of birth`."""
    parts = path.split(".")
    words = [_CAPITAL.sub(" ", part).lower() for part in (parts[1:] if parts[0] in _TOPS else parts)]
    text = ": ".join(words) or parts[0]
    return text[:1].upper() + text[1:]


def named_fields(paths: Iterable[str]) -> tuple[NamedField, ...]:
    return tuple(NamedField(path, label(path)) for path in paths)


def sentence(code: str) -> str:
    """The sentence of a reason code; one that a newer release writes stays as it is."""
    return SENTENCES[ReasonCode(code)] if code in ReasonCode.__members__ else code


def withheld_fields(by_reason: Mapping[str, Iterable[str]], kind: EventType | None) -> tuple[WithheldFields, ...]:
    """Withheld fields by reason code, written short where the event type is known."""
    found = []
    for code, paths in by_reason.items():
        known = [path for path in paths if kind is None or path in kind.leaf_by_path]
        short = tuple(known) if kind is None else collapse(known, kind.paths)
        if short:
            words = _NOT_STATED if code == NOT_STATED else sentence(code)
            found.append(WithheldFields(code, words, named_fields(short)))
    return tuple(found)


def contacts(entry: Mapping[str, Mapping[str, Mapping[str, str]]], who: str) -> Iterator[Contact]:
    """The desks of an agency as its area names them."""
    for key, out_of_hours in (("office", False), ("outOfHours", True)):
        desk = entry["contacts"].get(key)
        if desk is not None:
            yield Contact(who=who, name=desk["name"], phone=desk["phone"], out_of_hours=out_of_hours)


def front_door(force: InForce, area: str | None) -> tuple[Contact, ...]:
    """Whom to ring in an area; never the publisher itself, which could tell where the child is."""
    if area is None or area not in force.areas:
        return ()
    entry = force.agencies.get(force.areas[area]["frontDoor"])
    return () if entry is None else tuple(contacts(entry, str(entry["name"])))


def sentences(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(sentence(code) for code in codes)


def councils(force: InForce) -> tuple[tuple[str, str], ...]:
    """GSS code and name of every authority that the areas span, by name: the name of the legal person."""
    entries = force.agencies.values()
    by_code = {code: entry for entry in entries for scheme, code in entry["identifiers"] if scheme == "GSS"}
    found = set()
    for area in force.areas.values():
        organisations = (area.get("governance") or {}).get("organisations") or {}
        known = [(code, by_code[code]) for code in area["authorities"] if code in by_code]
        found |= {(code, str(organisations.get(entry["organisation"], entry["name"]))) for code, entry in known}
    return tuple(sorted(found, key=lambda each: each[1]))
