"""What the exporter asks PostgreSQL. Counts and ages only."""

from __future__ import annotations

from typing import NamedTuple

from connectors.postgres.connection import Connection, database_failures

_LEDGER = "SELECT partition, next_offset FROM ledger.progress WHERE topic = %s"
_GATEWAY = "SELECT partition, next_offset FROM gateway_position WHERE topic = %s"
_UNCLAIMED = "SELECT count(*), min(available_at) FROM gateway_delivery WHERE state = 'AVAILABLE'"
_CONNECTIONS = """
SELECT CASE state WHEN 'active' THEN 'active' WHEN 'idle' THEN 'idle' WHEN 'idle in transaction' THEN 'in-transaction'
       ELSE 'other' END, count(*)
FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1
"""
_DATABASE = """
SELECT current_setting('max_connections')::int, pg_database_size(current_database()),
    (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0)::float8 FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
"""
STATES = ("active", "idle", "in-transaction", "other")


class Unclaimed(NamedTuple):
    deliveries: int
    oldest_at: int | None  # milliseconds since the epoch


class Database(NamedTuple):
    connections: dict[str, int]
    limit: int
    size_bytes: int
    oldest_transaction_seconds: float


def ledger_positions(connection: Connection, topic: str) -> dict[int, int]:
    """Partition to next offset."""
    return _pairs(connection, _LEDGER, topic)


def gateway_positions(connection: Connection, topic: str) -> dict[int, int]:
    """Partition to next offset."""
    return _pairs(connection, _GATEWAY, topic)


def unclaimed(connection: Connection) -> Unclaimed:
    """What waits at the gateway and nobody picked up."""
    with database_failures():
        row = connection.execute(_UNCLAIMED).fetchone()
    return Unclaimed(*row) if row else Unclaimed(0, None)


def database(connection: Connection) -> Database:
    """How the server is. Our own role must see others' sessions (pg_monitor) for the age; else it is 0."""
    with database_failures():
        found = {str(state): int(count) for state, count in connection.execute(_CONNECTIONS)}
        row = connection.execute(_DATABASE).fetchone()
    limit, size, age = row or (0, 0, 0.0)
    return Database({state: found.get(state, 0) for state in STATES}, limit, size, age)


def _pairs(connection: Connection, query: str, topic: str) -> dict[int, int]:
    with database_failures():
        return dict(connection.execute(query, (topic,)).fetchall())
