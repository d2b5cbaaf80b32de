"""What may be done with a delivery: decided from its row and the caller alone. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import cast

from connectors.http.values import (
    AckAnswer,
    Acknowledged,
    AckOutcome,
    AlreadyAcknowledged,
    Caller,
    Conflict,
    DeliveryState,
)
from connectors.postgres.gateway_store import DeliveryRow, ListedRow

_TAKEN_BACK = ("FROZEN", "RECALLED")  # states, and effects of recalls that came before the delivery did


def taken_back(row: DeliveryRow) -> bool:
    """Whether it was recalled or frozen: nobody may open it, and its addressee is told so (P-13, P-14)."""
    return row.state in _TAKEN_BACK or row.block in _TAKEN_BACK


def is_theirs(row: DeliveryRow, caller: Caller, roles: AbstractSet[str]) -> bool:
    """Whether this delivery is the caller's (P-10), whatever has become of it. `roles`: those a person acts in now.

    An agency's own software sees all that its agency receives, as it would on Kafka; a person what is for their roles.
    """
    if row.agency != caller.agency or "inbox" not in caller.scopes:
        return False
    return caller.kind == "system" or not roles.isdisjoint(row.roles) or (not row.roles and bool(roles))


def state_of(row: DeliveryRow | ListedRow, now: int) -> DeliveryState:
    """The state as people see it: a lease that ran out leaves no trace."""
    if row.state == "ACKNOWLEDGED":
        return "ACKNOWLEDGED"
    if is_leased(row, now):
        return "LEASED"
    return "AVAILABLE" if row.picked_up_at is None else "PICKED_UP"


def is_leased(row: DeliveryRow | ListedRow, now: int) -> bool:
    return row.lease_until is not None and row.lease_until > now


def judge(row: DeliveryRow, caller: Caller, who: str, outcome: AckOutcome, lease: str | None, now: int) -> AckAnswer:
    """The answer to an acknowledgement of a delivery that is the caller's. `Acknowledged` means: do it.

    The first answer stands. A lease that ran out still counts while nobody else has taken the delivery. A person needs
    none: somebody who has read it knows more than software that holds it.
    """
    delivery = row.delivery_id
    if row.state == "ACKNOWLEDGED" and not taken_back(row):
        return _again(row, who, outcome, lease)
    if taken_back(row):
        return Conflict(delivery, "TAKEN_BACK")
    if lease is not None and lease != row.lease:
        return Conflict(delivery, "LEASE_LOST")
    if lease is None and caller.kind == "system" and is_leased(row, now):
        return Conflict(delivery, "LEASED")
    return Acknowledged(delivery, outcome, now)


def _again(row: DeliveryRow, who: str, outcome: AckOutcome, lease: str | None) -> AckAnswer:
    """The same one again is no error: with the same lease, or without any by the same caller."""
    stands = cast("AckOutcome", row.outcome)  # the store holds no others
    at = row.acknowledged_at or 0
    own = lease == row.acknowledged_lease if lease is not None else who == row.acknowledged_by
    if own and stands == outcome:
        return AlreadyAcknowledged(row.delivery_id, stands, at)
    return Conflict(row.delivery_id, "ACKNOWLEDGED", stands, at)
