"""Where the engine meets escalation and recall: what it calls, in its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from connectors.postgres.connection import Connection
from connectors.postgres.followup_store import Delivery

EpochMillis = int

# Takes every step that is due at `now`: steps, deadlines, notices and transitions, in the open transaction; how many
# steps. Called only when all receipts and the audit were read to the ends that they had after `now`.
Sweep = Callable[[Connection, EpochMillis], int]

# A delivery that has just become AVAILABLE or PICKED_UP, with `pick_up_by` and `next_due` as its ladder wants. Pure.
Schedule = Callable[[Delivery], Delivery]


class Heard(NamedTuple):
    """An event that arrived in the exchange's own inbox: minimised and audited like any delivery."""

    event_id: str
    event_type: str
    delivery_id: str
    area: str  # whose exchange it was delivered to
    at: EpochMillis  # Kafka's timestamp
    datum: dict[str, Any]  # the decoded event; what was withheld is null
    value: bytes
    headers: dict[str, str]


class Removal(NamedTuple):
    """A recipient has confirmed that it removed what was taken back."""

    delivery: Delivery  # as stored now
    at: EpochMillis  # of the receipt


class Recall(Protocol):
    """Takes deliveries back. Each method works in the engine's open transaction and may be called again with the same
    after a crash that undid it."""

    def heard(self, connection: Connection, events: Sequence[Heard]) -> object:
        """Events in the exchange's inbox, in order of arrival in a topic."""

    def recorded(self, connection: Connection, deliveries: Sequence[Delivery]) -> object:
        """Deliveries that were stored this moment: one recalled before it became known is recalled now."""

    def removed(self, connection: Connection, removals: Sequence[Removal]) -> object:
        """Recalled deliveries whose removal the recipient has confirmed (receipt REMOVED)."""


class NoRecall:
    """Recalls nothing."""

    def heard(self, connection: Connection, events: Sequence[Heard]) -> None: ...
    def recorded(self, connection: Connection, deliveries: Sequence[Delivery]) -> None: ...
    def removed(self, connection: Connection, removals: Sequence[Removal]) -> None: ...


def no_sweep(connection: Connection, now: EpochMillis) -> int:
    """Takes no step."""
    return 0
