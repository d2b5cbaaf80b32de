"""What waits for a person in `masa.held` and `masa.rejected`, told from the queues and from what people did. Pure.

A record waits until an operation names its position: `held.release` those who were let go, `rejected.replay` and
`rejected.close` what was put back or given up with a reason. What is held anew stands at a new position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.kafka.topic_plan import HELD_DAYS, REJECTED_DAYS

EVERYBODY = "*"  # the event is held as a whole
HELD, REJECTED = "held", "rejected"
DEALT_WITH = {"rejected.replay": "replayed", "rejected.close": "closed"}  # kind of operation -> detail with positions
_DAY_MS = 86_400_000
_KEPT_MS = {HELD: HELD_DAYS * _DAY_MS, REJECTED: REJECTED_DAYS * _DAY_MS}

Key = tuple[str, str, str]  # queue, position, who waits


class _Waits(NamedTuple):
    at: int  # milliseconds since the epoch
    reason: str


class Figures(NamedTuple):
    records: dict[tuple[str, ...], int]  # (queue, reason)
    oldest_at: dict[str, int | None]  # queue -> milliseconds since the epoch


class Queues:
    """Fed with records in any order between topics; what was dealt with before it is seen never counts."""

    def __init__(self) -> None:
        self._waiting: dict[Key, _Waits] = {}
        self._done: dict[Key, int] = {}  # when

    def held(self, datum: Mapping[str, Any]) -> None:
        """A record of `masa.held`. Counted once for each who waits."""
        waits = _Waits(datum["heldAt"], next(iter(datum["reasons"]), "UNKNOWN"))
        for agency in [EVERYBODY] if datum["whole"] else datum["agencies"]:
            self._add((HELD, _position(datum), agency), waits)

    def rejected(self, datum: Mapping[str, Any]) -> None:
        """A record of `masa.rejected`."""
        self._add((REJECTED, _position(datum), EVERYBODY), _Waits(datum["rejectedAt"], datum["reason"]))

    def operation(self, datum: Mapping[str, Any]) -> None:
        """A record of `masa.operations`, of whatever kind."""
        details = {each["name"]: each["value"] for each in datum["details"]}
        for word in details.get("released", "").split() if datum["kind"] == "held.release" else ():
            position, _, agency = word.partition(">")
            self._deal_with((HELD, position, agency), datum["at"])
        for position in details.get(DEALT_WITH.get(datum["kind"], ""), "").split():
            self._deal_with((REJECTED, position, EVERYBODY), datum["at"])

    def figures(self, now: int) -> Figures:
        """What waits at `now` (milliseconds); what the broker has forgotten is forgotten here as well."""
        self._waiting = {key: each for key, each in self._waiting.items() if each.at > now - _KEPT_MS[key[0]]}
        self._done = {key: at for key, at in self._done.items() if at > now - _KEPT_MS[key[0]]}
        once: dict[tuple[str, str], _Waits] = {}  # a record that several wait for is one record
        for (queue, position, _), each in self._waiting.items():
            once.setdefault((queue, position), each)
        records: Counter[tuple[str, ...]] = Counter((queue, each.reason) for (queue, _), each in once.items())
        oldest = {q: min((e.at for (queue, _), e in once.items() if queue == q), default=None) for q in _KEPT_MS}
        return Figures(dict(records), oldest)

    def _add(self, key: Key, waits: _Waits) -> None:
        if self._done.get(key, -1) < waits.at:
            self._waiting[key] = waits

    def _deal_with(self, key: Key, at: int) -> None:
        self._done[key] = at
        waits = self._waiting.get(key)
        if waits is not None and waits.at <= at:
            del self._waiting[key]


def _position(datum: Mapping[str, Any]) -> str:
    return f"{datum['sourceTopic']}:{datum['sourcePartition']}:{datum['sourceOffset']}"
