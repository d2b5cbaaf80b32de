"""Cumulative patterns (R-12): several events about one child that say little alone. Pure.

What is kept of a child is a handful of references under its keyed pseudonym, for as long as the longest pattern looks
back. Kept by event id, so that reading a record twice counts it once. There is no score: a pattern is met or not, and
its text is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streams.followup.faust.seen import Seen
from streams.policy.follow_up import PatternModel

DAY_MS = 24 * 60 * 60 * 1000
MOST_KEPT = 200  # events of one child; the oldest go first
RETRACTION, SEVERED = "control.retraction", "identity.severed"
OPEN_ADDRESS = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One event about the child. `told` lists the patterns whose notice has named it."""

    event_id: str
    event_type: str
    source: str
    category: str
    occurred_at: int
    decided_at: int
    grade: str
    urgency: str
    protection: str
    restricted: bool
    do_not_disclose: bool
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What is kept of one child. The instants say when it was last known to be protected or restricted."""

    events: tuple[Noted, ...] = ()
    protected_at: int | None = None
    restricted_at: int | None = None

    @property
    def newest(self) -> int:
        """When something was last decided about it."""
        marks = (self.protected_at or 0, self.restricted_at or 0)
        return max((*marks, *(each.decided_at for each in self.events)), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A pattern that is met now, by these events, oldest first."""

    pattern: PatternModel
    events: tuple[Noted, ...] = field(default=())


def noted(child: Child, seen: Seen, keep_days: int) -> Child:
    """The child after this event. Nothing is left of one whose identity was severed (I-06)."""
    if seen.event_type == SEVERED:
        return Child()
    protected_at, restricted_at = _marks(child, seen)
    others = [each for each in child.events if each.event_id != seen.event_id]
    if seen.event_type == RETRACTION:
        others = [each for each in others if each.event_id != seen.supersedes]
    elif not seen.event_type.startswith(("control.", "identity.")):
        known = next((each for each in child.events if each.event_id == seen.event_id), None)
        others.append(known or _noted(seen))
    since = seen.decided_at - keep_days * DAY_MS
    kept = sorted((e for e in others if e.decided_at >= since), key=lambda e: (e.occurred_at, e.event_id))
    return Child(events=tuple(kept[-MOST_KEPT:]), protected_at=protected_at, restricted_at=restricted_at)


def _marks(child: Child, seen: Seen) -> tuple[int | None, int | None]:
    """A change of protection to none is believed; any other event's silence about it is not."""
    protected = child.protected_at
    if seen.protection != OPEN_ADDRESS:
        protected = seen.decided_at
    elif seen.event_type == "identity.protection-changed":
        protected = None
    return protected, seen.decided_at if seen.restricted else child.restricted_at


def _noted(seen: Seen) -> Noted:
    shared = {name: getattr(seen, name) for name in Noted.__dataclass_fields__ if name != "told"}
    return Noted(**shared)


def met(child: Child, seen: Seen, patterns: Iterable[PatternModel]) -> list[Met]:
    """Patterns that this event completes. An event that a notice has named does not make the same pattern again."""
    return [each for pattern in patterns if (each := _met(child, seen, pattern)) is not None]


def _met(child: Child, seen: Seen, pattern: PatternModel) -> Met | None:
    since = seen.decided_at - pattern.days * DAY_MS
    if not pattern.protected and (child.protected_at or -1) >= since:
        return None
    if not pattern.restricted and (child.restricted_at or -1) >= since:
        return None
    counted = [each for each in child.events if _counts(each, pattern) and pattern.id not in each.told]
    if not any(each.event_id == seen.event_id for each in counted):
        return None
    newest = max(each.occurred_at for each in counted)
    recent = tuple(each for each in counted if each.occurred_at > newest - pattern.days * DAY_MS)
    if not any(each.event_id == seen.event_id for each in recent):
        return None
    enough = len(recent) >= pattern.at_least and len({each.source for each in recent}) >= pattern.agencies
    return Met(pattern=pattern, events=recent) if enough else None


def _counts(event: Noted, pattern: PatternModel) -> bool:
    return (
        (pattern.events is None or event.event_type in pattern.events)
        and (pattern.urgency is None or event.urgency in pattern.urgency)
        and (pattern.grade is None or event.grade in pattern.grade)
        and (pattern.protected or event.protection == OPEN_ADDRESS)
        and (pattern.restricted or not event.restricted)
    )


def told(child: Child, found: Sequence[Met]) -> Child:
    """The child once these notices are out."""
    named = {(each.event_id, one.pattern.id) for one in found for each in one.events}
    events = (
        replace(e, told=(*e.told, *sorted(pattern for event, pattern in named if event == e.event_id)))
        for e in child.events
    )
    return replace(child, events=tuple(events))


def to_bytes(child: Child) -> bytes:
    """For the table."""
    events = [{name: getattr(each, name) for name in Noted.__dataclass_fields__} for each in child.events]
    value = {"events": events, "protected_at": child.protected_at, "restricted_at": child.restricted_at}
    return json.dumps(value, separators=(",", ":")).encode()


def from_bytes(value: bytes | None) -> Child:
    """From the table; a child that it does not know for None."""
    if value is None:
        return Child()
    found: dict[str, Any] = json.loads(value)
    events = tuple(Noted(**{**each, "told": tuple(each["told"])}) for each in found["events"])
    return Child(events=events, protected_at=found["protected_at"], restricted_at=found["restricted_at"])
