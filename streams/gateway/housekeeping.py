"""What the gateway forgets: content after 14 days (A-04), sessions at their end, publications after 30 days, and that
there was a delivery after as long as the audit stream is kept: the ledger knows for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from connectors.errors import RetryLater
from connectors.kafka.topic_plan import AUDIT_DAYS, INBOX_DAYS
from connectors.keeping import Loop
from connectors.postgres import gateway_people, gateway_publications, gateway_store
from connectors.postgres.pool import Pool

PUBLICATION_DAYS = 30  # longer than anybody tries again with the same key; the ledger knows the event for ever
EVERY_SECONDS = 300.0
_DAY_MS = 86_400_000
_BATCH = 1_000


class HousekeepingTelemetry(Protocol):
    def gateway_purged(self, *, state: str, deliveries: int) -> object: ...


def tidy(pool: Pool, telemetry: HousekeepingTelemetry, *, now: int) -> Counter[str]:
    """Forget what is due; how many deliveries lost their content, by state. Safe to run in several processes."""
    purged: Counter[str] = Counter()
    while True:
        with pool.transaction() as connection:
            states = gateway_store.purge(connection, before=now - INBOX_DAYS * _DAY_MS, now=now, limit=_BATCH)
        purged.update(states)
        if len(states) < _BATCH:
            break
    for state, deliveries in purged.items():
        telemetry.gateway_purged(state=state, deliveries=deliveries)
    with pool.transaction() as connection:
        gateway_people.sweep_sessions(connection, now=now)
        gateway_publications.forget(connection, before=now - PUBLICATION_DAYS * _DAY_MS)
    while True:
        with pool.transaction() as connection:
            if gateway_store.forget(connection, before=now - AUDIT_DAYS * _DAY_MS, limit=_BATCH) < _BATCH:
                return purged


def keep_tidy(pool: Pool, telemetry: HousekeepingTelemetry, now: Callable[[], int], loop: Loop) -> None:
    """Tidy every few minutes until told to stop."""
    while not loop.stopping():
        try:
            tidy(pool, telemetry, now=now())
        except RetryLater as failure:
            loop.failed(type(failure).__name__)
        loop.pause(EVERY_SECONDS)
