"""The rules that the gateway answers by: what `masa.policy` says is in force, in the forms that answers need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import RetryLater
from schemas.pseudonym import Pseudonymiser
from streams.gateway.publishers import Publisher, Publishers
from streams.policy.artefact import Artefact, Document
from streams.policy.facts import LocatorToken
from streams.policy.index import RuleSet
from streams.routing.policy_feed import PolicyFeed

_WAIT_SECONDS = 0.5
_PAUSE_SECONDS = 0.5

Entry = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class InForce:
    """One rule set with the stops on it. `document` is the artefact's."""

    rules: RuleSet
    document: Document
    publishers: Publishers
    agencies: Mapping[str, Entry]
    areas: Mapping[str, Entry]
    token: Callable[[str, str], LocatorToken]

    @classmethod
    def of(cls, rules: RuleSet, artefact: Artefact, pseudonymiser: Pseudonymiser) -> InForce:
        document = artefact.document()

        def token(scheme: str, code: str) -> LocatorToken:
            return LocatorToken(pseudonymiser.locator(scheme, code))

        return cls(
            rules=rules,
            document=document,
            publishers=Publishers.of_rule_set(document),
            agencies={entry["id"]: entry for entry in document["agencies"]},
            areas=document["areas"],
            token=token,
        )

    def publisher(self, agency: str) -> Publisher | None:
        """The agency as a publisher, None when it takes no part."""
        found = self.publishers.named(agency)
        return found if isinstance(found, Publisher) else None

    def role_titles(self, area: str) -> Mapping[str, str]:
        """Titles of the area's roles by id."""
        roles = self.areas[area]["roles"] if area in self.areas else {}
        return {name: role["title"] for name, role in roles.items()}

    def titles_for(self, agency: str, roles: list[str] | tuple[str, ...]) -> tuple[str, ...]:
        """Titles of roles in an agency's area; an id that has none any more stays as it is."""
        titles = self.role_titles(self.agencies[agency]["area"]) if agency in self.agencies else {}
        return tuple(titles.get(role, role) for role in roles)

    def area_name(self, area: str | None) -> str | None:
        return str(self.areas[area]["name"]) if area is not None and area in self.areas else None


class RulesInForce:
    """Holds what is in force. Written by one thread, read by all."""

    def __init__(self, pseudonymiser: Pseudonymiser) -> None:
        self._pseudonymiser = pseudonymiser
        self._current: InForce | None = None

    def now(self) -> InForce:
        """Raises RetryLater while nothing is in force: nothing can be checked or explained then."""
        current = self._current
        if current is None:
            raise RetryLater("no rules are in force yet")
        return current

    def known(self) -> bool:
        return self._current is not None

    def set(self, rules: RuleSet, artefact: Artefact) -> None:
        """Answer by these from now on."""
        self._current = InForce.of(rules, artefact, self._pseudonymiser)

    def follow(self, feed: PolicyFeed, pause: Callable[[float], object], stopping: Callable[[], bool]) -> None:
        """Keep in step with the topic until told to stop. What cannot be read for a while changes nothing."""
        first = True
        while not stopping():
            try:
                changed = feed.refresh(_WAIT_SECONDS)
            except RetryLater:
                pause(_PAUSE_SECONDS)
                continue
            artefact = feed.artefact() if changed or first else None
            if artefact is not None and feed.rules is not None:
                self.set(feed.rules, artefact)
                first = False
