"""Browser sessions and delegations of roles: every SQL statement about them.

Persons are keyed pseudonyms, sessions the digests of their cookies: nothing here lets anyone in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from psycopg.rows import class_row

from connectors.http.values import StoredSession
from connectors.postgres.connection import Connection, database_failures
from connectors.postgres.pool import Pool


class DelegationRow(NamedTuple):
    delegation_id: str
    agency: str
    person: str  # who gave it, a pseudonym
    role: str
    to_role: str | None
    to_person: str | None  # a pseudonym
    since: int
    until: int


_PUT = """
INSERT INTO gateway_session (key, data, created_at, seen_at, expires_at)
VALUES (%(key)s, %(data)s, %(now)s, %(now)s, %(expires)s)
ON CONFLICT (key) DO UPDATE SET data = excluded.data, seen_at = excluded.seen_at, expires_at = excluded.expires_at
"""
_GET = """
UPDATE gateway_session SET seen_at = %(now)s
WHERE key = %(key)s AND expires_at > %(now)s AND seen_at > %(idle)s
RETURNING data, created_at, seen_at
"""
_DROP = "DELETE FROM gateway_session WHERE key = %s"
_SWEEP = "DELETE FROM gateway_session WHERE expires_at <= %s"

_FIELDS = ", ".join(DelegationRow._fields)
_GIVE = f"INSERT INTO gateway_delegation ({_FIELDS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608 - our own
_IN_FORCE = f"""
SELECT {_FIELDS} FROM gateway_delegation
WHERE agency = %(agency)s AND ended_at IS NULL AND since <= %(now)s AND until > %(now)s
  AND (person = %(person)s OR to_person = %(person)s OR to_role = ANY(%(roles)s))
ORDER BY until, delegation_id
"""  # noqa: S608 - as above
_END = """
UPDATE gateway_delegation SET ended_at = %(now)s
WHERE delegation_id = %(id)s AND agency = %(agency)s AND person = %(person)s AND ended_at IS NULL AND until > %(now)s
"""


class SessionStore:
    """Implements `connectors.http.ports.Sessions`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def put(self, key: bytes, data: Mapping[str, Any], *, now: int, expires_at: int) -> None:
        with self._pool.transaction() as connection:
            row = {"key": key, "data": json.dumps(data), "now": now, "expires": expires_at}
            connection.execute(_PUT, row)

    def get(self, key: bytes, *, now: int, idle_ms: int) -> StoredSession | None:
        # That it was seen may be forgotten in a crash: the session then ends a little early.
        with self._pool.transaction(durable=False) as connection:
            row = connection.execute(_GET, {"key": key, "now": now, "idle": now - idle_ms}).fetchone()
        return None if row is None else StoredSession(*row)

    def drop(self, key: bytes) -> None:
        with self._pool.transaction() as connection:
            connection.execute(_DROP, (key,))


def sweep_sessions(connection: Connection, *, now: int) -> int:
    """Forget expired sessions; how many."""
    with database_failures():
        return connection.execute(_SWEEP, (now,)).rowcount


def give(connection: Connection, row: DelegationRow) -> None:
    """Store a delegation."""
    with database_failures():
        connection.execute(_GIVE, row)


def in_force(
    connection: Connection, agency: str, person: str, roles: Iterable[str], *, now: int
) -> list[DelegationRow]:
    """Delegations that this person gave, or received in person or through one of these roles."""
    wanted = {"agency": agency, "person": person, "roles": sorted(roles), "now": now}
    with database_failures(), connection.cursor(row_factory=class_row(DelegationRow)) as cursor:
        return cursor.execute(_IN_FORCE, wanted).fetchall()


def end(connection: Connection, agency: str, person: str, delegation_id: str, *, now: int) -> bool:
    """End a delegation that this person gave; false when there is none in force."""
    with database_failures():
        wanted = {"id": delegation_id, "agency": agency, "person": person, "now": now}
        return connection.execute(_END, wanted).rowcount == 1
