"""Escalation as the engine meets it: the rule set's ladders, whichever is in force, behind the hooks of `hooks.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.postgres import followup_ladder
from connectors.postgres.connection import Connection
from connectors.postgres.followup_store import Delivery
from streams.followup import escalation, life
from streams.followup.hooks import Heard, Recall, Removal
from streams.policy.artefact import Document
from streams.policy.follow_up_build import FollowUp, build_follow_up

# (hash, document) of the rule set in force, None while none is known.
InForce = Callable[[], tuple[str, Document] | None]


class Ladders:
    """The ladders in force, built anew only when another rule set is."""

    def __init__(self, in_force: InForce) -> None:
        self._in_force = in_force
        self._built: tuple[str, FollowUp] | None = None

    def current(self) -> FollowUp | None:
        """None while no rule set is known: then no clock may be judged."""
        found = self._in_force()
        if found is None:
            return None
        identity, document = found
        if self._built is None or self._built[0] != identity:
            self._built = (identity, build_follow_up(document))
        return self._built[1]

    def schedule(self, delivery: Delivery) -> Delivery:
        """A `Schedule`. Without rules the plainest deadlines; a sweep finds the ladder once they are known."""
        follow_up = self.current()
        return life.scheduled(delivery) if follow_up is None else escalation.scheduled(delivery, follow_up)

    def beside(self, recall: Recall) -> Recall:
        """`recall`, and calls demanded of what is IMMEDIATE."""
        return _WithCalls(recall, self)


class _WithCalls:
    """A recall that also notes which new deliveries demand a call (D-05)."""

    def __init__(self, recall: Recall, ladders: Ladders) -> None:
        self._recall, self._ladders = recall, ladders

    def heard(self, connection: Connection, events: Sequence[Heard]) -> object:
        return self._recall.heard(connection, events)

    def recorded(self, connection: Connection, deliveries: Sequence[Delivery]) -> object:
        follow_up = self._ladders.current()
        if follow_up is not None:
            due = ((each.delivery_id, escalation.phone_by(each, follow_up)) for each in deliveries)
            followup_ladder.demand_calls(connection, [(name, at) for name, at in due if at is not None])
        return self._recall.recorded(connection, deliveries)

    def removed(self, connection: Connection, removals: Sequence[Removal]) -> object:
        return self._recall.removed(connection, removals)
