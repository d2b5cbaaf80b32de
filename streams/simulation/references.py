"""Payload fields that point at something outside the event: another event, a setting, a council, an identifier."""

from __future__ import annotations

from random import Random
from typing import Any

from schemas.event_rules import is_address
from schemas.registry import EventType
from schemas.wire import Datum
from streams.simulation.agencies import AreaAgency, Roster, code_of
from streams.simulation.names import STREETS
from streams.simulation.people import Child, Population


class PayloadReferences:
    """Points one event type's payload at the simulated area instead of the example's organisations."""

    def __init__(self, event_type: EventType, roster: Roster, people: Population) -> None:
        inside = [leaf for leaf in event_type.leaves if not leaf.path.startswith("envelope.")]
        self._formats = [(tuple(leaf.path.split(".")), leaf.format) for leaf in inside if leaf.format]
        self._lines = [tuple(leaf.path.split(".")) for leaf in inside if is_address(leaf) and not leaf.format]
        self._required = frozenset(event_type.requires)
        self._urns = [urn for a in roster.in_area(roster.area) if (urn := code_of(a, "URN"))]
        self._authorities = [gss for area in roster.areas for gss in roster.authorities(area)]
        self._people = people

    def fill(self, rng: Random, datum: Datum, agency: AreaAgency, child: Child, target: str | None) -> None:
        """Replace every filled reference in place. `target` is the earlier event this one is about."""
        for path, fmt in self._formats:
            holder = _holder(datum, path)
            if holder is None or holder[path[-1]] is None:
                continue
            value = self._value(rng, path[-1], fmt, child, target, holder[path[-1]])
            if value is not None or ".".join(path) not in self._required:
                holder[path[-1]] = value
        for path in self._lines:
            holder = _holder(datum, path)
            if holder is not None and isinstance(holder[path[-1]], str):
                holder[path[-1]] = f"{rng.randint(1, 99)} {rng.choice(STREETS)}"
        envelope = datum["envelope"]
        self._couple(rng, datum, agency)
        if envelope["addressProtection"] == "REFUGE":
            clear_addresses(datum, (path for path, fmt in self._formats if fmt in ("postcode", "uprn")), self._lines)

    def _couple(self, rng: Random, datum: Datum, agency: AreaAgency) -> None:
        """Payload fields that must say the same as the envelope's settings."""
        settings = datum["envelope"]["settings"]
        if "settingId" in datum and datum["settingId"] is not None and self._urns:
            accused = settings["accusedSettingUrn"] = rng.choice(self._urns)
            datum["settingScheme"], datum["settingId"] = "URN", accused
        if "receivingUrn" in datum:
            datum["sendingUrn"] = code_of(agency, "URN") or datum["sendingUrn"]
            settings["schoolUrn"] = datum["receivingUrn"]

    def _value(self, rng: Random, name: str, fmt: str | None, child: Child, target: str | None, example: Any) -> Any:
        match fmt:
            case "uuid":
                return None if name.startswith("replacement") else target
            case "urn":
                return rng.choice(self._urns) if self._urns else example
            case "gss":
                return rng.choice(self._authorities)
            case "nhs-number":
                return self._people.spare_nhs_number() if name.startswith("new") else child.nhs_number
            case "upn":
                return child.upn
            case "uprn":
                return f"1{rng.randrange(10**11):011d}"
            case "postcode":
                return f"ZZ9 {rng.randrange(10)}ZZ"
            case _:
                return example


def clear_addresses(datum: Datum, *paths: Any) -> None:
    """Empty fields of an address: a refuge's never enters the exchange (P-03)."""
    for path in (each for group in paths for each in group):
        holder = _holder(datum, path)
        if holder is not None:
            holder[path[-1]] = None


def _holder(datum: Datum, path: tuple[str, ...]) -> Any:
    holder: Any = datum
    for part in path[:-1]:
        holder = holder[part] if holder is not None else None
    return holder
