"""The relay of an agency's own outbox table: its rows to the exchange, in order, through either door.

Each row at least once, under the id that its row has; the exchange knows an id again, so once in effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from connectors.client.interface import EventRefused, Publisher
from connectors.keeping import Loop, keep
from connectors.postgres.agency_outbox import AgencyOutbox, Row
from schemas.dates import iso_instant

BATCH = 500
IDLE_SECONDS = 0.2


class RelayTelemetry(Protocol):
    def outbox_relayed(self, *, records: int) -> object: ...
    def outbox_refused(self, *, records: int) -> object: ...


def relay(database_url: str, publisher: Callable[[], Publisher], telemetry: RelayTelemetry, loop: Loop) -> None:
    """Until told to stop. Raises what only an operator can deal with."""
    keep(lambda: RelaySession(AgencyOutbox(database_url), publisher, telemetry, loop), loop)


class RelaySession:
    """The right to relay, and a publisher."""

    def __init__(
        self, outbox: AgencyOutbox, publisher: Callable[[], Publisher], telemetry: RelayTelemetry, loop: Loop
    ) -> None:
        self._outbox, self._telemetry, self._loop = outbox, telemetry, loop
        try:
            self._publisher = publisher()
        except BaseException:
            outbox.close()
            raise

    def step(self) -> None:
        """What waits, up to a batch of it: published, then forgotten or marked as refused."""
        rows = self._outbox.take(BATCH)
        if not rows:
            self._loop.pause(IDLE_SECONDS)
            return
        answers = self._publisher.publish_all([event_of(row) for row in rows])
        refused = {
            row.seq: str(answer) for row, answer in zip(rows, answers, strict=True) if isinstance(answer, EventRefused)
        }
        self._outbox.settle(sent=[row.seq for row in rows if row.seq not in refused], refused=refused)
        self._telemetry.outbox_relayed(records=len(rows) - len(refused))
        if refused:
            self._telemetry.outbox_refused(records=len(refused))

    def close(self) -> None:
        try:
            self._publisher.close()
        finally:
            self._outbox.close()


def event_of(row: Row) -> Mapping[str, Any]:
    """The row's event with its id and time, the same however often it is asked: that is what makes it one event."""
    event = row.event if isinstance(row.event, dict) else {}
    envelope = event.get("envelope")
    if not isinstance(envelope, dict):
        return event  # refused for what it lacks
    at = iso_instant(row.created_at)
    own = {"eventId": row.event_id, "publishedAt": at, "recordedAt": envelope.get("publishedAt") or at}
    return {**event, "envelope": {**envelope, **{name: own[name] for name in own if envelope.get(name) is None}}}
