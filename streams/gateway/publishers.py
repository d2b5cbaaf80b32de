"""Who publishes: agencies of the rule set in force, found by id or by the identifier an event's `sourceOrg`
states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """An agency as a publisher. `gateway` when it uses the gateway's shared topics."""

    id: str
    category: str
    area: str
    gateway: bool
    identifiers: tuple[tuple[str, str], ...]  # (scheme, id)


class Publishers:
    """All agencies of a rule set."""

    def __init__(self, agencies: Iterable[Publisher]) -> None:
        self._by_id = {agency.id: agency for agency in agencies}
        self._by_code: dict[tuple[str, str, str], list[Publisher]] = {}
        for agency in self._by_id.values():
            for scheme, code in agency.identifiers:
                self._by_code.setdefault((agency.category, scheme, code), []).append(agency)

    def __len__(self) -> int:
        return len(self._by_id)

    @classmethod
    def of_rule_set(cls, document: Mapping[str, Any]) -> Publishers:
        """From the document of a compiled rule set."""
        return cls(
            Publisher(
                id=entry["id"],
                category=entry["category"],
                area=entry["area"],
                gateway=entry["channel"] == "gateway",
                identifiers=tuple((scheme, code) for scheme, code in entry["identifiers"]),
            )
            for entry in document["agencies"]
        )

    def named(self, agency: str) -> Publisher | str:
        """The agency of that id, or what to do about there being none."""
        found = self._by_id.get(agency)
        if found is not None:
            return found
        near = get_close_matches(agency, list(self._by_id), n=3)
        hint = f": did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
        return f"no agency `{agency}` in the rule set in force{hint}"

    def of_event(self, source_org: Mapping[str, Any], agency: str | None) -> Publisher | str:
        """The agency that `sourceOrg` names, which must be `agency` when that is given; or what is wrong."""
        category, scheme, code = source_org["category"], source_org["scheme"], source_org["id"]
        if agency is not None:
            named = self.named(agency)
            if isinstance(named, str):
                return named
            if scheme is None or code is None:
                return named if category == named.category else _not_of(named, f"category {named.category}")
            if category == named.category and (scheme, code) in named.identifiers:
                return named
            codes = " or ".join(f"{known} `{value}`" for known, value in named.identifiers)
            return _not_of(named, f"{named.category} with {codes}")
        found = self._by_code.get((category, scheme, code), [])
        if len(found) == 1:
            return found[0]
        if found:
            return f"fits {len(found)} agencies ({', '.join(a.id for a in found)}): say which with --agency"
        return (
            f"no {category} has that {scheme or 'identifier'} in the rule set in force: correct it, or add the agency"
        )


def _not_of(agency: Publisher, right: str) -> str:
    return f"is not `{agency.id}`: an agency publishes as itself only, which here is {right}"
