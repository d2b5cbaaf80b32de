"""What the documents are made from: one area of a compiled rule set, and the event contract.

Everything is read from the artefact, nothing from the folder, so that a document speaks of exactly the rule set whose
hash it names. Order is always that of ids, so that equal rule sets give equal documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.registry import EventType
from streams.policy.artefact import Artefact, Document
from streams.policy.build import build_areas
from streams.policy.compiled import RoleView
from streams.policy.facts import AreaId, RoleId

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """An invariant that `masa rules verify` proves for this area."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    area: str
    rule_set: str  # hash
    document: Document
    event_types: Mapping[str, EventType]
    views: Mapping[RoleId, RoleView]  # what each role of the area may hold
    proven: tuple[Proven, ...] = ()

    @property
    def spec(self) -> Entry:
        """The area itself."""
        spec: Entry = self.document["areas"][self.area]
        return spec

    @property
    def governance(self) -> Entry:
        """What the area says beside its rules; empty when it says nothing, and `gaps` then says what is missing."""
        return self.spec.get("governance") or {}

    @property
    def agreements(self) -> list[tuple[str, Entry]]:
        """The overarching agreement, which has the most gateways and parties, first; then by title."""
        entries = self.spec["agreements"].items()
        widest = max(
            entries, key=lambda pair: (len(pair[1]["gateways"]), len(pair[1]["parties"]), pair[0]), default=None
        )
        return sorted(entries, key=lambda pair: (pair != widest, pair[1]["title"], pair[0]))

    @property
    def agencies(self) -> list[Entry]:
        return [entry for entry in self.document["agencies"] if entry["area"] == self.area]

    @property
    def rules(self) -> list[Entry]:
        return [entry for entry in self.document["rules"] if entry["area"] == self.area]

    @property
    def allows(self) -> list[Entry]:
        return [rule for rule in self.rules if rule["effect"] == "allow"]

    @property
    def denies(self) -> list[Entry]:
        return [rule for rule in self.rules if rule["effect"] == "deny"]

    def title(self, role: str) -> str:
        """What the area calls a role."""
        title: str = self.spec["roles"][role]["title"]
        return title

    def organisation(self, slug: str) -> str:
        """Name of a legal person: an organisation that any area of the rule set names, or an agency."""
        for area in self.document["areas"].values():
            names = (area.get("governance") or {}).get("organisations", {})
            if slug in names:
                return str(names[slug])
        return next((str(a["name"]) for a in self.document["agencies"] if a["id"] == slug), slug)

    def agency(self, slug: str) -> str:
        """Name of an agency."""
        return next((str(a["name"]) for a in self.document["agencies"] if a["id"] == slug), slug)

    def event(self, name: str) -> str:
        """Title of an event type."""
        kind = self.event_types.get(name)
        return name if kind is None else kind.title


def source_of(
    artefact: Artefact, area: str, event_types: Mapping[str, EventType], proven: Iterable[Proven] = ()
) -> Source:
    """Raises KeyError when the rule set does not hold the area."""
    document = artefact.document()
    return Source(
        area=area,
        rule_set=artefact.hash,
        document=document,
        event_types=event_types,
        views=build_areas(document)[AreaId(area)].roles,
        proven=tuple(sorted(proven, key=lambda each: each.id)),
    )


def gaps(source: Source) -> list[str]:
    """What the area leaves out and a data-sharing agreement must say. Each is a sentence for whoever mends it."""
    governance, spec = source.governance, source.spec
    if not governance:
        return ["area.yaml has no `governance`: rights, breaches, retention and assurance are not described"]
    found = [
        f"`governance.locatingReasons` gives no reason for `{role}`"
        for role in spec["locatingRoles"]
        if role not in governance["locatingReasons"]
    ]
    named = {agency["organisation"] for agency in source.agencies}
    found += [
        f"`governance.organisations` does not name `{slug}`"
        for slug in sorted(named)
        if source.organisation(slug) == slug
    ]
    found += [
        f"role `{name}` has no `plain` words" for name, role in sorted(spec["roles"].items()) if not role["plain"]
    ]
    found += [f"agreement `{name}` has no `approvals`" for name, entry in source.agreements if not entry["approvals"]]
    return found
