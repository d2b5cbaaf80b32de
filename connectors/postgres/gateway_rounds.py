"""Inboxes of agencies without a Kafka client, for several callers at once: what `gateway_store` does for one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg.rows import class_row

from connectors.postgres.connection import Connection, database_failures
from connectors.postgres.gateway_store import COLUMNS, OPEN, SHOWN, DeliveryRow

# In the order of the index, or PostgreSQL looks through the whole table for the first that fits.
_FREE = f"""
SELECT agency FROM unnest(%s::text[]) AS asked(agency) WHERE EXISTS (
    SELECT 1 FROM (
        SELECT d.delivery_id FROM gateway_delivery d
        WHERE d.agency = asked.agency AND {OPEN} AND coalesce(lease_until, 0) <= %s AND {SHOWN}
        ORDER BY urgency, available_at, d.delivery_id LIMIT 1
    ) AS first
)
"""  # noqa: S608 - conditions of our own

# In one order everywhere, so that two rounds with common deliveries cannot lock each other out.
_LOCK = f"""
SELECT {COLUMNS} FROM gateway_delivery d WHERE delivery_id = ANY(%s) ORDER BY delivery_id FOR UPDATE
"""  # noqa: S608 - column names of our own

_DONE = {
    "delivery_id": "text",
    "acknowledged_at": "bigint",
    "acknowledged_by": "text",
    "acknowledged_lease": "text",
    "outcome": "text",
    "note": "text",
    "picked_up_at": "bigint",
    "picked_up_by": "text",
}
_ACKNOWLEDGE = f"""
UPDATE gateway_delivery d
SET state = 'ACKNOWLEDGED', acknowledged_at = done.acknowledged_at, acknowledged_by = done.acknowledged_by,
    acknowledged_lease = done.acknowledged_lease, outcome = done.outcome, note = done.note,
    picked_up_at = done.picked_up_at, picked_up_by = done.picked_up_by, lease = NULL, lease_until = NULL
FROM unnest({", ".join(f"%s::{kind}[]" for kind in _DONE.values())}) AS done({", ".join(_DONE)})
WHERE d.delivery_id = done.delivery_id
"""  # noqa: S608 - column names of our own


def with_free(connection: Connection, agencies: Collection[str], *, now: int) -> set[str]:
    """For which of the agencies a claim could bring anything: what pollers ask most of the time, for a quarter of the
    price."""
    with database_failures():
        return {agency for (agency,) in connection.execute(_FREE, (list(agencies), now))}


def locked(connection: Connection, deliveries: Collection[str]) -> dict[str, DeliveryRow]:
    """Those that there are, by id; nobody else's until the transaction ends."""
    with database_failures(), connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        return {row.delivery_id: row for row in cursor.execute(_LOCK, (list(deliveries),))}


def acknowledge(connection: Connection, rows: Sequence[DeliveryRow]) -> None:
    """Store rows that were locked and became acknowledged."""
    if rows:
        columns = [[getattr(row, name) for row in rows] for name in _DONE]
        with database_failures():
            connection.execute(_ACKNOWLEDGE, columns)
