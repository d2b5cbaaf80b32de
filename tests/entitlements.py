"""What a delivery may hold, read from the rule set's document alone: none of the policy code is used.

The document names fields one by one, so this is the promise that a policy lead signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.registry import EventType
from schemas.vocabulary import FieldClass

HOME_AUTHORITY = "envelope.area.gss"


class Entitlements:
    """Of one rule set."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._areas = document["areas"]
        self._rules = {rule["id"]: rule for rule in document["rules"]}
        self._area_of = {agency["id"]: agency["area"] for agency in document["agencies"]}

    def allow_rules(self, area: str | None = None) -> set[str]:
        return {
            name for name, rule in self._rules.items() if rule["effect"] == "allow" and area in (None, rule["area"])
        }

    def rules_to(self, selector: str) -> set[str]:
        """Rules of every area that name their recipient so."""
        return {name for name, rule in self._rules.items() if rule["to"]["of"] == selector}

    def is_locating(self, agency: str, roles: Iterable[str]) -> bool:
        """Whether the agency is addressed in a role that may learn where a protected child is (P-02)."""
        return not set(self._areas[self._area_of[agency]]["locatingRoles"]).isdisjoint(roles)

    def fields(
        self, event_type: EventType, agency: str, roles: Iterable[str], rules: Iterable[str], *, protected: bool
    ) -> set[str]:
        """Paths that may hold a value: metadata, and what the rules' shares name.

        Where a protected child lives is no metadata: its home authority is for roles listed as locating alone.
        """
        given = set(roles)
        paths = {leaf.path for leaf in event_type.leaves if leaf.is_routing}
        if protected:
            paths.discard(HOME_AUTHORITY)
        for name in rules:
            rule = self._rules[name]
            area = self._areas[rule["area"]]
            shared = set(area["projections"][rule["share"]]["events"][event_type.name])
            locating = rule["to"]["role"] in area["locatingRoles"] and self.is_locating(agency, given)
            if protected and not locating:
                shared -= {leaf.path for leaf in event_type.leaves if FieldClass.LOCATING in leaf.classes}
            paths |= shared
            if locating:
                paths.add(HOME_AUTHORITY)
        return paths - {leaf.path for leaf in event_type.leaves if FieldClass.CONTROL in leaf.classes}
