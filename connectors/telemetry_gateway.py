"""What stands behind the HTTP door says about itself: its part of `connectors.telemetry.Telemetry`."""

from __future__ import annotations

import logging

from connectors import metrics_gateway as defined
from connectors.telemetry_base import Occurrences


class GatewayOccurrences(Occurrences):
    """One method an occurrence."""

    def gateway_published(self, *, result: str, events: int) -> None:
        self._add(defined.GATEWAY_PUBLISHED, {(result,): events})

    def gateway_filled(self, *, deliveries: int, unreadable: int) -> None:
        self._add(defined.GATEWAY_FILLED, {(): deliveries})
        self._add(defined.GATEWAY_UNREADABLE, {(): unreadable})
        if unreadable:
            self._say(logging.ERROR, "gateway.unreadable-deliveries", records=unreadable)

    def gateway_behind(self, records: int) -> None:
        self._set(defined.GATEWAY_BEHIND, records)

    def gateway_claimed(self, *, deliveries: int) -> None:
        self._add(defined.GATEWAY_CLAIMED, {(): deliveries})

    def gateway_acknowledged(self, *, outcome: str) -> None:
        self._add(defined.GATEWAY_ACKNOWLEDGED, {(outcome,): 1})

    def gateway_access_refused(self, *, what: str) -> None:
        self._add(defined.GATEWAY_ACCESS_REFUSED, {(what,): 1})
        self._say(logging.WARNING, "gateway.access-refused", what=what)

    def gateway_purged(self, *, state: str, deliveries: int) -> None:
        self._add(defined.GATEWAY_PURGED, {(state,): deliveries})
        level = logging.INFO if state == "ACKNOWLEDGED" else logging.WARNING
        self._say(level, "gateway.purged", state=state, deliveries=deliveries)

    def gateway_failed(self, *, part: str, error: str) -> None:
        """The work goes on. `error` is the class of the exception."""
        self._add(defined.GATEWAY_FAILURES, {(part, error): 1})
        self._say(logging.WARNING, "gateway.failed", part=part, error=error)

    def outbox_relayed(self, *, records: int) -> None:
        self._add(defined.OUTBOX_RELAYED, {(): records})

    def outbox_refused(self, *, records: int) -> None:
        """Rows of an agency's own outbox."""
        self._add(defined.OUTBOX_REFUSED, {(): records})
        self._say(logging.WARNING, "outbox.refused", records=records)
