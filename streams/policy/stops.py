"""Stops: sharing that a person has halted at once, until it is lifted as deliberately (requirement R-10).

A stop is no part of the rule set, so the rule set keeps its hash; `RuleSet.with_stops` gives one that honours them. It
only ever takes deliveries away, and what it takes away waits (HELD) and is not denied: nothing may be lost, and once
the stop is lifted the event is decided anew. An outcome lists `stop:<id>` for every stop that changed it, so that a
past decision can be replayed from its audit record.

Readings where the requirement leaves room, all on the protective side: what already waits keeps waiting even if the
rule that made it wait is stopped; a stop of an agency halts what it would receive and what it publishes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NewType

from streams.policy.facts import AgencyId, EpochMillis, RuleId

if TYPE_CHECKING:
    from streams.policy.compiled import Hit

StopId = NewType("StopId", str)

MARK = "stop:"  # before a stop's id, where an outcome lists what spoke
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_PARTS = {"rule": "rule", "agency": "agency", "event_type": "eventType"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What no longer is shared. Every part that it names must match; it names at least one."""

    id: StopId
    rule: RuleId | None = None
    agency: AgencyId | None = None  # as recipient, or as publisher
    event_type: str | None = None
    reason: str
    by: str  # who ordered it
    since: EpochMillis  # said to people only: a stop holds from when it is known

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"`{self.id}` is no id of a stop: use lower-case letters, digits and hyphens, at most 64")
        if self.rule is None and self.agency is None and self.event_type is None:
            raise ValueError("a stop names nothing: name a rule, an agency or an event type")

    @property
    def mark(self) -> RuleId:
        """How an outcome names it among what spoke."""
        return RuleId(MARK + self.id)

    def as_document(self) -> dict[str, Any]:
        """As JSON holds it, without the parts it does not name."""
        values = {_PARTS.get(name, name): value for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if value is not None}


def stop_from_document(document: Mapping[str, Any]) -> Stop:
    """The stop that JSON holds. Raises ValueError naming the key that is missing, unknown or of the wrong type."""
    known = {"id": str, "rule": str, "agency": str, "eventType": str, "reason": str, "by": str, "since": int}
    for name, value in document.items():
        if name not in known:
            raise ValueError(f"a stop has no `{name}`: it has {', '.join(known)}")
        if type(value) is not known[name]:
            raise ValueError(f"`{name}` of a stop must be {'a text' if known[name] is str else 'an instant'}")
    for name in ("id", "reason", "by", "since"):
        if name not in document:
            raise ValueError(f"a stop needs `{name}`")
    python_name = {json: python for python, json in _PARTS.items()}
    return Stop(**{python_name.get(name, name): value for name, value in document.items()})


def in_order_of_id(stops: Iterable[Stop]) -> tuple[Stop, ...]:
    return tuple(sorted(stops, key=lambda stop: stop.id))


def strike(
    stops: tuple[Stop, ...], event_type: str, source: AgencyId | None, agency: AgencyId, hits: tuple[Hit, ...]
) -> tuple[tuple[Hit, ...], tuple[RuleId, ...]]:
    """(hits that no stop touches, marks of the stops that touch any), for one candidate.

    `source` is the publisher if any stop names it, None otherwise.
    """
    here = [
        stop
        for stop in stops
        if stop.event_type in (None, event_type) and (stop.agency is None or stop.agency in (agency, source))
    ]
    marks = [stop.mark for stop in here if any(stop.rule in (None, hit.rule.id) for hit in hits)]
    left = tuple(hit for hit in hits if not any(stop.rule in (None, hit.rule.id) for stop in here))
    return left, tuple(marks)
