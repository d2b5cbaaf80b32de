"""Removing: an agency confirms that what was taken back is out of its records (P-13)."""

from __future__ import annotations

from connectors.http.taken_back import Removed
from connectors.http.values import Caller, NotFound
from connectors.kafka.publisher import Outgoing
from connectors.postgres import gateway_recalls, gateway_store
from connectors.postgres.gateway_store import DeliveryRow
from connectors.postgres.outbox import enqueue
from streams.gateway import records
from streams.gateway.deputies import Deputies
from streams.gateway.judging import is_theirs
from streams.gateway.parts import MALFORMED, UUID, Parts

_DONE = "ACTION_TAKEN"


class Removing:
    """Safe from any thread."""

    def __init__(self, parts: Parts, deputies: Deputies) -> None:
        self._parts, self._deputies = parts, deputies

    def removed(self, caller: Caller, delivery_id: str) -> Removed | NotFound:
        """As the port says. Who confirms by the message that asked for it has answered that message too."""
        now, who = self._parts.now(), self._parts.actor(caller)
        original: DeliveryRow | None = None
        if UUID.fullmatch(delivery_id):
            with self._parts.pool.transaction() as connection:
                roles = self._deputies.roles(connection, caller) if caller.kind == "person" else caller.roles
                given = gateway_store.locked(connection, delivery_id)
                if given is not None and is_theirs(given, caller, roles):
                    named = gateway_recalls.asked_to_remove(connection, given)
                    if named is not None:
                        original = given if named == delivery_id else gateway_store.locked(connection, named)
                if given is not None and original is not None:
                    told = self._told(caller, who, original, now)
                    if original is not given and given.state != "ACKNOWLEDGED":
                        told += self._answered(caller, who, given, now)
                        gateway_store.acknowledge(
                            connection, delivery_id, outcome=_DONE, note=None, at=now, by=who, lease=None
                        )
                    enqueue(connection, told)
        if original is None:
            self._parts.refuse_access(caller, "removed", delivery_id if UUID.fullmatch(delivery_id) else MALFORMED)
            return NotFound(delivery_id)
        return Removed(original.delivery_id, now)

    def _told(self, caller: Caller, who: str, original: DeliveryRow, now: int) -> list[Outgoing]:
        """There is one receipt of the removal of a delivery, and one operation; the first stands."""
        identity = records.named_id("removed", original.delivery_id)
        told = records.operation(caller, who, records.REMOVED, original.delivery_id, now, operation_id=identity)
        return [records.receipt(original, "REMOVED", caller, who, now), told]

    def _answered(self, caller: Caller, who: str, message: DeliveryRow, now: int) -> list[Outgoing]:
        picked_up = records.receipt(message, "PICKED_UP", caller, who, now)
        answered = records.receipt(message, "ACKNOWLEDGED", caller, who, now, outcome=_DONE)
        identity = records.named_id("acknowledged", message.delivery_id)
        told = records.operation(
            caller, who, records.ACKNOWLEDGED, message.delivery_id, now, operation_id=identity,
            details={"outcome": _DONE},
        )  # fmt: skip
        return [*([picked_up] if message.picked_up_at is None else []), answered, told]
