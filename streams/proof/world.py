"""A compiled rule set's document as proofs read it, and the days on which anything in it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

Entry = Mapping[str, Any]
Token = Callable[[str, str], str]  # (scheme, code) -> locator token

NOTHING: Entry = {"classes": [], "restricted": False, "serves": "PERSON_OF_CONCERN", "staffed": None}


@dataclass(frozen=True)
class World:
    """Agencies, areas and rules of one document, by their ids."""

    document: Entry

    @cached_property
    def areas(self) -> Mapping[str, Entry]:
        found: Mapping[str, Entry] = self.document["areas"]
        return found

    @cached_property
    def agencies(self) -> Mapping[str, Entry]:
        return {agency["id"]: agency for agency in self.document["agencies"]}

    @cached_property
    def rules(self) -> Mapping[str, Entry]:
        return {rule["id"]: rule for rule in self.document["rules"]}

    @cached_property
    def area_of_gss(self) -> Mapping[str, str]:
        return {gss: name for name, area in self.areas.items() for gss in area["authorities"]}

    @cached_property
    def served(self) -> Mapping[str, frozenset[str]]:
        """Authorities that each agency serves: its own list, or all of its area."""
        return {
            name: frozenset(
                self.areas[agency["area"]]["authorities"] if agency["authorities"] is None else agency["authorities"]
            )
            for name, agency in self.agencies.items()
        }

    @cached_property
    def holders(self) -> Mapping[tuple[str, str], str]:
        """(scheme, code) -> the agency that it identifies, for the codes that settings are named by."""
        return {
            (scheme, code): agency["id"]
            for agency in self.document["agencies"]
            for scheme, code in agency["identifiers"]
            if scheme in ("URN", "ODS")
        }

    @cached_property
    def accused_codes(self) -> Mapping[str, frozenset[str]]:
        """Agency -> codes under which an allegation names it as the setting of the accused."""
        return {
            name: frozenset(code for scheme, code in agency["identifiers"] if scheme in ("URN", "OFSTED_URN"))
            for name, agency in self.agencies.items()
        }

    def role(self, area: str, role: str) -> Entry:
        """An area's definition of a role; one that holds nothing when it has none."""
        found: Entry = self.areas[area]["roles"].get(role, NOTHING)
        return found

    def rules_for(self, event_type: str) -> tuple[Entry, ...]:
        return tuple(rule for rule in self.document["rules"] if event_type in rule["events"])


def periods(world: World, first: date) -> tuple[date, ...]:
    """The first days of the spans, from `first` on, in each of which every decision is the same on all days."""
    return (first, *sorted({day for day in _changes(world) if day > first}))


def _changes(world: World) -> Iterator[date]:
    """Days on which something begins, and days after the last one of something."""
    for area in world.areas.values():
        yield from _span(area["dutyCommencedOn"], area["reviewBy"])
        for agreement in area["agreements"].values():
            yield from _span(agreement["signedOn"], agreement["reviewBy"])
    for agency in world.agencies.values():
        yield from _span(agency["dutyBasis"]["from"], agency["dutyBasis"]["until"])
        if "contract" in agency:
            yield from _span(None, agency["contract"]["until"])
    for rule in world.document["rules"]:
        yield from _span(rule["validFrom"], rule["validUntil"])


def _span(first: str | None, last: str | None) -> Iterator[date]:
    if first is not None:
        yield date.fromisoformat(first)
    if last is not None:
        yield date.fromisoformat(last) + timedelta(days=1)


def within(day: date, first: str | None, last: str | None) -> bool:
    """Whether a day lies between two days of a document, both included; None is no bound."""
    return (first is None or date.fromisoformat(first) <= day) and (last is None or day <= date.fromisoformat(last))
