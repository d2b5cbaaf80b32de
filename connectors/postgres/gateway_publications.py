"""What was accepted for publication under which idempotency key: every SQL statement about it. No content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg.rows import class_row

from connectors.postgres.connection import Connection, database_failures


class PublicationRow(NamedTuple):
    """One publication. `topic` is None until Kafka has acknowledged it, and may stay None after a crash."""

    agency: str
    key: str
    digest: bytes
    event_id: str
    event_type: str
    accepted_at: int
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


_TYPES = ("text", "text", "bytea", "text", "text", "bigint")
# What is there already stays: the first request under a key is the one that counts.
_RESERVE = f"""
INSERT INTO gateway_publication (agency, key, digest, event_id, event_type, accepted_at)
SELECT * FROM unnest({", ".join(f"%s::{name}[]" for name in _TYPES)})
ON CONFLICT (agency, key) DO NOTHING
"""  # noqa: S608 - type names of our own
_FOUND = """
SELECT p.agency, p.key, p.digest, p.event_id, p.event_type, p.accepted_at, p.topic, p.partition, p."offset"
FROM gateway_publication p
JOIN unnest(%s::text[], %s::text[]) AS wanted(agency, key) ON p.agency = wanted.agency AND p.key = wanted.key
"""
_FIND = """
SELECT agency, key, digest, event_id, event_type, accepted_at, topic, partition, "offset" FROM gateway_publication
WHERE agency = %s AND key = ANY(%s)
"""
_PLACED = """
UPDATE gateway_publication p SET topic = placed.topic, partition = placed.partition, "offset" = placed."offset"
FROM unnest(%s::text[], %s::text[], %s::text[], %s::integer[], %s::bigint[])
    AS placed(agency, key, topic, partition, "offset")
WHERE p.agency = placed.agency AND p.key = placed.key AND p.topic IS NULL
"""
_OF_EVENT = """
SELECT agency, key, digest, event_id, event_type, accepted_at, topic, partition, "offset" FROM gateway_publication
WHERE event_id = %s AND agency = %s ORDER BY accepted_at LIMIT 1
"""
_FORGET = "DELETE FROM gateway_publication WHERE accepted_at < %s"


def reserve(connection: Connection, rows: Sequence[PublicationRow]) -> dict[tuple[str, str], PublicationRow]:
    """Store what is new; what now stands under each (agency, key), which may be another request's."""
    keys = {(row.agency, row.key) for row in rows}
    first = {(row.agency, row.key): row for row in reversed(rows)}  # of equal keys in one call, the first
    # In one order everywhere, so that two batches with common keys cannot lock each other out.
    ordered = [first[key] for key in sorted(keys)]
    columns: list[list[Any]] = [list(column) for column in zip(*(row[: len(_TYPES)] for row in ordered), strict=True)]
    with database_failures():
        if connection.execute(_RESERVE, columns).rowcount == len(ordered):
            return {(row.agency, row.key): row for row in ordered}
        with connection.cursor(row_factory=class_row(PublicationRow)) as cursor:
            found = cursor.execute(_FOUND, [columns[0], columns[1]]).fetchall()
    return {(row.agency, row.key): row for row in found}


def placed(connection: Connection, rows: Sequence[PublicationRow]) -> None:
    """Note where Kafka has them."""
    columns: list[list[Any]] = [[], [], [], [], []]
    for row in sorted(rows):
        for column, value in zip(columns, (row.agency, row.key, row.topic, row.partition, row.offset), strict=True):
            column.append(value)
    with database_failures():
        connection.execute(_PLACED, columns)


def find(connection: Connection, agency: str, keys: Sequence[str]) -> list[PublicationRow]:
    """What stands under these keys of an agency."""
    with database_failures(), connection.cursor(row_factory=class_row(PublicationRow)) as cursor:
        return cursor.execute(_FIND, (agency, list(keys))).fetchall()


def of_event(connection: Connection, event_id: str, agency: str) -> PublicationRow | None:
    """The agency's publication of that event, None when the gateway accepted none."""
    with database_failures(), connection.cursor(row_factory=class_row(PublicationRow)) as cursor:
        return cursor.execute(_OF_EVENT, (event_id, agency)).fetchone()


def forget(connection: Connection, *, before: int) -> int:
    """Forget publications accepted before an instant, keys and all; how many."""
    with database_failures():
        return connection.execute(_FORGET, (before,)).rowcount
