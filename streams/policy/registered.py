"""Completes an event's facts with what the relationship register knows of the child (requirements R-04, R-05).

The register only ever fills in what the event does not say, so an event names its recipients first. Where it is not
asked at all: an unknown child, a match that a person must look at (I-04: it might be another child's relationship), the
restricted lane (P-08) and a protected child's settings (P-02: routing then uses the authority alone). The team with the
child's case is an authority's and is asked for protected children too; they are the ones who have one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from schemas.registry import EventType
from schemas.relationships import RelationshipKind
from schemas.vocabulary import AddressProtection
from streams.policy.facts import Facts, LocatorToken
from streams.policy.recipients import LOW_MATCH

Known = Callable[[RelationshipKind], LocatorToken | None]

TEAM = "allocatedTeam"  # as the selector `child.allocatedTeam` calls it
_UNPROTECTED = AddressProtection.NONE.value
_SETTINGS = (  # kind, field of Facts, name in selectors
    (RelationshipKind.SCHOOL, "school", "school"),
    (RelationshipKind.GP, "gp", "gp"),
    (RelationshipKind.COMMUNITY_HEALTH, "community_health", "communityHealth"),
)


def ended_by(event_type: EventType) -> tuple[RelationshipKind, ...]:
    """Kinds that an event of this type always ends: what was before is not asked for any more."""
    found: tuple[RelationshipKind, ...] = ()
    for declaration in event_type.relationships:
        if declaration.days is None and not declaration.when:
            found += declaration.kinds
    return found


def may_ask(facts: Facts) -> bool:
    """Whether the register may be asked about this event's child at all."""
    return facts.subject is not None and not facts.restricted and facts.match not in LOW_MATCH


def complete(facts: Facts, known: Known, ended: Collection[RelationshipKind] = ()) -> Facts:
    """The facts with what is known; the same object when nothing is. `ended` kinds are over by the event itself.

    Only call it if `may_ask(facts)`.
    """
    found: dict[str, LocatorToken] = {}
    names: list[str] = []
    if facts.protection == _UNPROTECTED:
        for kind, field, name in _SETTINGS:
            if getattr(facts, field) is None and kind not in ended and (token := known(kind)) is not None:
                found[field] = token
                names.append(name)
    if RelationshipKind.SOCIAL_CARE not in ended and (token := known(RelationshipKind.SOCIAL_CARE)) is not None:
        found["allocated_team"] = token
        names.append(TEAM)
    return facts._replace(registered=tuple(names), **found) if names else facts  # type: ignore[arg-type]
