"""What recalls ask of the rules in force and of the ledger."""

from __future__ import annotations

from collections.abc import Callable

from connectors.postgres.connection import Connection
from connectors.postgres.followup_store import Delivery
from schemas.registry import EventTypes
from streams.gateway.in_force import InForce
from streams.ledger import queries
from streams.recall.places import places_given

# A setting that learned of a severed identity could tell which child was adopted (I-06).
UNAWARE = frozenset({"SCHOOL", "COLLEGE", "EARLY_YEARS"})


class Standing:
    """Answers by the rules that are in force when asked."""

    def __init__(self, in_force: Callable[[], InForce], types: EventTypes) -> None:
        self._in_force, self._types = in_force, types
        self._leaves = queries.leaf_paths(types)

    def places_given(self, connection: Connection, delivery: Delivery) -> tuple[str, ...]:
        """What it got of where the child is, and may not know once the child is protected.

        By the ledger's record of the decision; while the ledger has not read so far, as if it got all of it.
        """
        kind = self._types.get(delivery.event_type)
        if kind is None or self._may_know(delivery):
            return ()
        audit = queries.found(connection, delivery.event_id, leaves=self._leaves)
        outcomes = audit["outcomes"] if audit is not None else ()
        own = next((each for each in outcomes if each["deliveryId"] == delivery.delivery_id), None)
        return places_given(kind, [each["path"] for each in own["withheld"]] if own is not None else ())

    def unaware(self, agency: str) -> bool:
        """Whether it must not even learn that an identity was severed; yes of one that is not known."""
        found = self._in_force().agencies.get(agency)
        return found is None or found["category"] in UNAWARE

    def _may_know(self, delivery: Delivery) -> bool:
        force = self._in_force()
        entry = force.agencies.get(delivery.agency)
        area = force.areas.get(entry["area"]) if entry is not None else None
        return area is not None and not set(area["locatingRoles"]).isdisjoint(delivery.roles)
