"""The agencies of an area as the simulation sees them, from a compiled rule set of any area."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol


class AreaAgency(Protocol):
    """What the simulation needs to know of an agency; a compiled rule set's agencies have it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def channel(self) -> str: ...  # kafka | gateway
    @property
    def identifiers(self) -> Collection[tuple[str, str]]: ...  # (scheme, id)
    @property
    def area(self) -> str: ...
    @property
    def roles(self) -> Collection[str]: ...
    @property
    def authorities(self) -> Collection[str]: ...  # GSS codes it serves


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """An `AreaAgency` made from the document of a compiled rule set."""

    id: str
    name: str
    category: str
    channel: str
    identifiers: tuple[tuple[str, str], ...]
    area: str
    roles: tuple[str, ...]
    authorities: tuple[str, ...]


def agencies_of(document: Mapping[str, Any]) -> tuple[Agency, ...]:
    """Every agency of a compiled rule set, neighbouring areas included."""
    areas = document["areas"]
    return tuple(
        Agency(
            id=entry["id"],
            name=entry["name"],
            category=entry["category"],
            channel=entry["channel"],
            identifiers=tuple((scheme, code) for scheme, code in entry["identifiers"]),
            area=entry["area"],
            roles=tuple(entry["roles"]),
            authorities=tuple(entry["authorities"] or areas[entry["area"]]["authorities"]),
        )
        for entry in document["agencies"]
    )


def school_days_of(document: Mapping[str, Any], area: str) -> Callable[[date], bool]:
    """Whether schools of the area are open on a day: in term, Monday to Friday, no bank holiday."""
    entry = document["areas"][area]
    terms = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in entry["schoolTerms"]]
    closed = {date.fromisoformat(day) for day in entry["bankHolidays"]}

    def open_on(day: date) -> bool:
        in_term = not terms or any(first <= day <= last for first, last in terms)
        return day.weekday() < 5 and in_term and day not in closed

    return open_on


class Roster:
    """Agencies in a fixed order, looked up by what they are. The same agencies give the same roster in any order."""

    def __init__(self, agencies: Iterable[AreaAgency], area: str | None = None) -> None:
        """`area` is the main area; default the one with most agencies. Raises `ValueError` without agencies."""
        self.all: tuple[AreaAgency, ...] = tuple(sorted(agencies, key=lambda agency: agency.id))
        if not self.all:
            raise ValueError("no agencies: the rule set has none to simulate")
        self.area = area or _largest(self.all)
        self._by_category: dict[tuple[str, str], tuple[AreaAgency, ...]] = {}
        for agency in self.all:
            key = (agency.area, agency.category)
            self._by_category[key] = (*self._by_category.get(key, ()), agency)
        self.areas = (self.area, *sorted({agency.area for agency in self.all} - {self.area}))

    def of_category(self, category: str, area: str | None = None) -> tuple[AreaAgency, ...]:
        """Agencies of one category in `area`, default the main area."""
        return self._by_category.get((area or self.area, category), ())

    def in_area(self, area: str) -> tuple[AreaAgency, ...]:
        return tuple(agency for agency in self.all if agency.area == area)

    def authorities(self, area: str | None = None) -> tuple[str, ...]:
        """GSS codes of the authorities of an area, default the main one."""
        return tuple(sorted({gss for agency in self.in_area(area or self.area) for gss in agency.authorities}))


def code_of(agency: AreaAgency, scheme: str) -> str | None:
    """The agency's identifier in a scheme."""
    return next((code for known, code in agency.identifiers if known == scheme), None)


def _largest(agencies: tuple[AreaAgency, ...]) -> str:
    counts: dict[str, int] = {}
    for agency in agencies:
        counts[agency.area] = counts.get(agency.area, 0) + 1
    return max(sorted(counts), key=counts.__getitem__)
