"""Inboxes of agencies without a Kafka client: every SQL statement about deliveries.

Rows in, rows out; who may do what is decided elsewhere. Every function works in the connection's open transaction.
Instants are milliseconds since the epoch and always an argument.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg.rows import class_row

from connectors.postgres.connection import Connection, database_failures


class NewDelivery(NamedTuple):
    """A delivery as it arrives."""

    delivery_id: str
    agency: str
    event_id: str
    event_type: str
    urgency: int  # 1 IMMEDIATE … 4 INFORMATION; 0 when it could not be read
    source_area: str | None  # the publisher's MASA; None when it could not be read
    roles: tuple[str, ...]
    available_at: int
    ack_by: int | None
    headers: Mapping[str, str]
    value: bytes  # sealed (connectors.sealing)
    subject: str | None = None  # the child's pseudonym, or the event id: the key of the record


class DeliveryRow(NamedTuple):
    """A delivery as it is stored; `value` None once it was purged."""

    delivery_id: str
    agency: str
    event_id: str
    event_type: str
    urgency: int
    source_area: str | None
    roles: list[str]
    available_at: int
    ack_by: int | None
    headers: dict[str, str]
    value: bytes | None
    state: str
    lease: str | None
    lease_until: int | None
    lease_holder: str | None
    picked_up_at: int | None
    picked_up_by: str | None
    acknowledged_at: int | None
    acknowledged_by: str | None
    acknowledged_lease: str | None
    outcome: str | None
    note: str | None
    subject: str | None
    block: str | None  # a recall's effect on it: FROZEN, RECALLED or WITHOUT_PLACES; asked anew at every read


class ListedRow(NamedTuple):
    """What the list needs: no content."""

    delivery_id: str
    event_type: str
    urgency: int
    source_area: str | None
    roles: list[str]
    available_at: int
    ack_by: int | None
    headers: dict[str, str]
    state: str
    lease_until: int | None
    picked_up_at: int | None


class Answered(NamedTuple):
    """How far one recipient of an event is."""

    agency: str
    state: str
    picked_up_at: int | None
    outcome: str | None
    note: str | None


# What a recall says of a row, the strongest first. Asked at every opening, so that what arrives after its recall is
# blocked too; a recall marks rows that are there already, and whoever has one locked is waited for.
_OF_ROW = "FROM followup.block b WHERE b.target IN (d.delivery_id, d.event_id, d.subject)"
_BLOCK = f"(SELECT min(b.effect) {_OF_ROW})"  # the alphabet has them in order of strength
COLUMNS = ", ".join(f"d.{name}" for name in DeliveryRow._fields if name != "block") + f", {_BLOCK} AS block"
OPEN = "state IN ('AVAILABLE', 'LEASED', 'PICKED_UP')"
SHOWN = f"NOT EXISTS (SELECT 1 {_OF_ROW} AND b.effect <> 'WITHOUT_PLACES')"

_INSERT = """
INSERT INTO gateway_delivery
    (delivery_id, agency, event_id, event_type, urgency, source_area, roles, available_at, ack_by, headers, value,
     subject, state)
SELECT delivery_id, agency, event_id, event_type, urgency, source_area,
    CASE WHEN roles = '' THEN '{}' ELSE string_to_array(roles, ',') END,
    available_at, ack_by, headers::jsonb, value, subject, 'AVAILABLE'
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::smallint[], %s::text[], %s::text[], %s::bigint[],
    %s::bigint[], %s::text[], %s::bytea[], %s::text[])
    AS arrived(delivery_id, agency, event_id, event_type, urgency, source_area, roles, available_at, ack_by, headers,
        value, subject)
ON CONFLICT (delivery_id) DO NOTHING
"""

# SKIP LOCKED: pollers that come at once take different rows instead of waiting for each other. A row that somebody
# else's transaction changed in between is looked at again by PostgreSQL before it is returned.
_CLAIM = f"""
WITH free AS (
    SELECT delivery_id FROM gateway_delivery d
    WHERE agency = %(agency)s AND {OPEN} AND coalesce(lease_until, 0) <= %(now)s AND {SHOWN}
      AND (%(roles)s::text[] IS NULL OR roles && %(roles)s::text[] OR roles = '{{}}')
    ORDER BY urgency, available_at, delivery_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE gateway_delivery d
SET state = 'LEASED', lease = %(lease)s || '.' || left(d.delivery_id, 8), lease_until = %(until)s,
    lease_holder = %(holder)s
FROM free WHERE d.delivery_id = free.delivery_id
RETURNING {COLUMNS}
"""  # noqa: S608 - column names of our own

_LOCK = f"SELECT {COLUMNS} FROM gateway_delivery d WHERE delivery_id = %s FOR UPDATE"  # noqa: S608 - as above

_PICK_UP = """
UPDATE gateway_delivery
SET state = CASE WHEN state = 'AVAILABLE' THEN 'PICKED_UP' ELSE state END, picked_up_at = %s, picked_up_by = %s
WHERE delivery_id = %s
"""

_ACKNOWLEDGE = """
UPDATE gateway_delivery
SET state = 'ACKNOWLEDGED', acknowledged_at = %(at)s, acknowledged_by = %(by)s, acknowledged_lease = %(lease)s,
    outcome = %(outcome)s, note = %(note)s, picked_up_at = coalesce(picked_up_at, %(at)s),
    picked_up_by = coalesce(picked_up_by, %(by)s), lease = NULL, lease_until = NULL
WHERE delivery_id = %(delivery)s
"""

_LIST = f"""
SELECT {", ".join(ListedRow._fields)} FROM gateway_delivery d
WHERE agency = %(agency)s AND {OPEN} AND {SHOWN} AND (roles && %(roles)s::text[] OR roles = '{{}}')
ORDER BY urgency, coalesce(ack_by, 9223372036854775807), available_at, delivery_id
LIMIT %(limit)s
"""  # noqa: S608 - as above

_OF_EVENT = "SELECT agency, state, picked_up_at, outcome, note FROM gateway_delivery WHERE event_id = %s"

# What is under a legal stop of its own (FROZEN) is kept until it is released.
_PURGE = """
WITH old AS (
    SELECT delivery_id FROM gateway_delivery
    WHERE value IS NOT NULL AND available_at < %(before)s AND state <> 'FROZEN'
    ORDER BY available_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE gateway_delivery d SET value = NULL, purged_at = %(now)s
FROM old WHERE d.delivery_id = old.delivery_id
RETURNING d.state
"""

# What nobody ever dealt with stays for a person to find.
_FORGET = """
DELETE FROM gateway_delivery WHERE delivery_id IN (
    SELECT delivery_id FROM gateway_delivery
    WHERE available_at < %s AND value IS NULL AND state IN ('ACKNOWLEDGED', 'RECALLED') ORDER BY available_at LIMIT %s
)
"""

_POSITIONS = "SELECT partition, next_offset FROM gateway_position WHERE topic = %s"
_START = """
INSERT INTO gateway_position (topic, partition, next_offset) VALUES (%s, %s, %s)
ON CONFLICT (topic, partition) DO NOTHING
"""
_ADVANCE = """
UPDATE gateway_position SET next_offset = %(next)s
WHERE topic = %(topic)s AND partition = %(partition)s AND next_offset = %(expected)s
"""


def insert(connection: Connection, arrived: Sequence[NewDelivery]) -> int:
    """Store deliveries; one that is there already stays as it is. How many are new."""
    if not arrived:
        return 0
    rows = [
        each._replace(roles=",".join(each.roles), headers=json.dumps(each.headers))  # type: ignore[arg-type]
        for each in arrived
    ]
    with database_failures():
        return connection.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)]).rowcount


def claim(
    connection: Connection,
    agency: str,
    *,
    roles: Iterable[str] | None,
    limit: int,
    lease: str,
    holder: str,
    now: int,
    until: int,
) -> list[DeliveryRow]:
    """Lease up to `limit` free deliveries, urgent ones first. `roles` None: whatever role they are for."""
    wanted = {
        "agency": agency,
        "roles": None if roles is None else sorted(roles),
        "limit": limit,
        "lease": lease,
        "holder": holder,
        "now": now,
        "until": until,
    }
    with database_failures(), connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        rows = cursor.execute(_CLAIM, wanted).fetchall()
    return sorted(rows, key=lambda row: (row.urgency, row.available_at, row.delivery_id))


def locked(connection: Connection, delivery_id: str) -> DeliveryRow | None:
    """The row, nobody else's until the transaction ends; None when there is none."""
    with database_failures(), connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        return cursor.execute(_LOCK, (delivery_id,)).fetchone()


def pick_up(connection: Connection, delivery_id: str, *, at: int, by: str) -> None:
    """Note that it was opened for the first time."""
    with database_failures():
        connection.execute(_PICK_UP, (at, by, delivery_id))


def acknowledge(
    connection: Connection, delivery_id: str, *, outcome: str, note: str | None, at: int, by: str, lease: str | None
) -> None:
    """Note what was done; ends any lease."""
    change = {"delivery": delivery_id, "outcome": outcome, "note": note, "at": at, "by": by, "lease": lease}
    with database_failures():
        connection.execute(_ACKNOWLEDGE, change)


def listed(connection: Connection, agency: str, roles: Iterable[str], *, limit: int) -> list[ListedRow]:
    """What waits for any of these roles, by urgency and due time."""
    wanted = {"agency": agency, "roles": sorted(roles), "limit": limit}
    with database_failures(), connection.cursor(row_factory=class_row(ListedRow)) as cursor:
        return cursor.execute(_LIST, wanted).fetchall()


def answers(connection: Connection, event_id: str) -> list[Answered]:
    """How far each recipient of an event is, of those with an inbox here."""
    with database_failures(), connection.cursor(row_factory=class_row(Answered)) as cursor:
        return cursor.execute(_OF_EVENT, (event_id,)).fetchall()


def purge(connection: Connection, *, before: int, now: int, limit: int) -> list[str]:
    """Remove the content of up to `limit` deliveries that came before an instant; their states."""
    with database_failures():
        rows = connection.execute(_PURGE, {"before": before, "now": now, "limit": limit}).fetchall()
    return [state for (state,) in rows]


def forget(connection: Connection, *, before: int, limit: int) -> int:
    """Forget up to `limit` deliveries that came before an instant and were dealt with; how many."""
    with database_failures():
        return connection.execute(_FORGET, (before, limit)).rowcount


def positions(connection: Connection, topic: str) -> dict[int, int]:
    """Where to go on, by partition."""
    with database_failures():
        return dict(connection.execute(_POSITIONS, (topic,)).fetchall())


def advance(connection: Connection, topic: str, partition: int, expected: int | None, following: int) -> bool:
    """Move a position on, if it is where it is expected; whether it was. None: it was never read."""
    with database_failures():
        if expected is None:
            return connection.execute(_START, (topic, partition, following)).rowcount == 1
        move: dict[str, Any] = {"topic": topic, "partition": partition, "expected": expected, "next": following}
        return connection.execute(_ADVANCE, move).rowcount == 1
