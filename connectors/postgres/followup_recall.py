"""Recalls: every SQL statement about them. Rows in, rows out; what they mean is decided in `streams.recall`.

Every function works in the connection's open transaction. Instants are milliseconds since the epoch and an argument.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg.rows import class_row

from connectors.postgres.connection import Connection, database_failures
from connectors.postgres.followup_store import Delivery


class RecallRow(NamedTuple):
    """`followup.recall`, columns in table order."""

    recall_id: str
    kind: str
    state: str  # PENDING, ACTIVE, REFUSED, ENDED
    area: str
    event_id: str | None
    delivery_id: str | None
    subject: str | None
    by_event: str | None
    by_agency: str | None
    by_person: str | None
    because: str | None
    ground: str
    fields: list[str] | None
    replacement: str | None
    level: str | None
    at: int
    remove_by: int | None
    notify_by: int | None
    ended_at: int | None
    refusal: str | None


class RecalledRow(NamedTuple):
    """`followup.recalled`, columns in table order."""

    recall_id: str
    delivery_id: str
    event_id: str
    event_type: str
    agency: str
    source: str
    before: str
    fields: list[str] | None
    notice: str | None
    at: int
    remove_by: int | None
    removed_at: int | None


class Holder(NamedTuple):
    """One delivery that a recall took back, with what is known of its opening now."""

    delivery_id: str
    event_id: str
    event_type: str
    agency: str
    before: str
    state: str | None
    available_at: int | None
    opened_at: int | None  # shown to a person
    handed_out: bool  # claimed by the agency's own software, content included
    notice: str | None
    remove_by: int | None
    removed_at: int | None


_COLUMNS = ", ".join(RecallRow._fields)
_SELECT = f"SELECT {_COLUMNS} FROM followup.recall"  # noqa: S608 - names of our own
_DELIVERY = ", ".join(f"d.{name}" for name in Delivery._fields)
_KEEP = f"""
INSERT INTO followup.recall ({_COLUMNS}) VALUES ({", ".join(["%s"] * len(RecallRow._fields))})
ON CONFLICT (recall_id) DO NOTHING
"""  # noqa: S608 - names of our own
_SETTLE = "UPDATE followup.recall SET state = %s, event_id = %s, ended_at = %s, refusal = %s WHERE recall_id = %s"
_CONCERNING = f"""
{_SELECT} WHERE state IN ('PENDING', 'ACTIVE')
  AND (event_id = ANY(%s) OR delivery_id = ANY(%s) OR subject = ANY(%s))
ORDER BY at, recall_id FOR UPDATE
"""
_OF_SUBJECT = f"{_SELECT} WHERE subject = %s AND kind = %s AND state = 'ACTIVE' ORDER BY at FOR UPDATE"
_BY_EVENT = f"{_SELECT} WHERE by_event = %s ORDER BY state, at LIMIT 1"
_FREEZE_OF = f"{_SELECT} WHERE delivery_id = %s AND state = 'ACTIVE' AND kind = 'FREEZE' LIMIT 1 FOR UPDATE"
_BY_ID = f"{_SELECT} WHERE recall_id = %s"
_LISTED = f"""
{_SELECT} WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(event)s::text IS NULL OR event_id = %(event)s)
ORDER BY at DESC, recall_id LIMIT %(limit)s
"""
_AFFECTED = f"""
SELECT {_DELIVERY} FROM followup.delivery d
WHERE d.event_id = %(event)s OR d.delivery_id = %(delivery)s OR d.subject = %(subject)s
ORDER BY d.delivery_id FOR UPDATE
"""  # noqa: S608 - names of our own
_TAKE = f"""
INSERT INTO followup.recalled ({", ".join(RecalledRow._fields)})
VALUES ({", ".join(["%s"] * len(RecalledRow._fields))}) ON CONFLICT DO NOTHING
"""  # noqa: S608 - names of our own
_BLOCK = "INSERT INTO followup.block (target, recall_id, effect) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_UNBLOCK = "DELETE FROM followup.block WHERE recall_id = %s RETURNING target"
_UNBLOCK_TARGET = "DELETE FROM followup.block WHERE recall_id = %s AND target = %s"
# The mark on the row is what makes an opening at the same moment wait, and look again.
_MARK = """
UPDATE gateway_delivery SET state = %(state)s, lease = NULL, lease_until = NULL
WHERE (event_id = %(event)s OR delivery_id = %(delivery)s OR subject = %(subject)s) AND state <> %(state)s
  AND state <> 'FROZEN'
"""
_UNMARK = """
UPDATE gateway_delivery SET state = CASE WHEN acknowledged_at IS NOT NULL THEN 'ACKNOWLEDGED'
    WHEN picked_up_at IS NOT NULL THEN 'PICKED_UP' ELSE 'AVAILABLE' END
WHERE (delivery_id = %(target)s OR event_id = %(target)s) AND state IN ('FROZEN', 'RECALLED')
  AND NOT EXISTS (SELECT 1 FROM followup.block b WHERE b.effect <> 'WITHOUT_PLACES'
      AND b.target IN (gateway_delivery.delivery_id, gateway_delivery.event_id, gateway_delivery.subject))
"""
_REMOVED = """
UPDATE followup.recalled SET removed_at = %s WHERE delivery_id = %s AND removed_at IS NULL
RETURNING at
"""
_PENDING_ON = f"{_SELECT} WHERE event_id = %s AND state = 'PENDING' ORDER BY at, recall_id FOR UPDATE"
_HOLDERS = """
SELECT c.delivery_id, c.event_id, c.event_type, c.agency, c.before, d.state, d.available_at,
    coalesce(g.picked_up_at, d.picked_up_at), g.lease_holder IS NOT NULL, c.notice, c.remove_by, c.removed_at
FROM followup.recalled c
LEFT JOIN followup.delivery d ON d.delivery_id = c.delivery_id
LEFT JOIN gateway_delivery g ON g.delivery_id = c.delivery_id
WHERE c.recall_id = %s ORDER BY c.agency, c.delivery_id
"""
_OUTSTANDING = """
SELECT count(*), count(*) FILTER (WHERE remove_by < %s) FROM followup.recalled
WHERE removed_at IS NULL AND remove_by IS NOT NULL
"""
_HEARD = """
INSERT INTO followup.recall_heard (delivery_id, area, request) VALUES (%s, %s, %s::jsonb) ON CONFLICT DO NOTHING
"""
_KNOWN = f"""
SELECT h.area, h.request, {_DELIVERY} FROM followup.recall_heard h JOIN followup.delivery d USING (delivery_id)
WHERE h.delivery_id = ANY(%s) ORDER BY h.delivery_id
"""  # noqa: S608 - names of our own
_FORGET_HEARD = "DELETE FROM followup.recall_heard WHERE delivery_id = ANY(%s)"


def keep(connection: Connection, recall: RecallRow) -> bool:
    """Store a recall; whether it is new."""
    with database_failures():
        return connection.execute(_KEEP, recall).rowcount == 1


def settle(connection: Connection, recall: RecallRow) -> None:
    """Write a recall's state, original, end and refusal."""
    with database_failures():
        connection.execute(_SETTLE, (recall.state, recall.event_id, recall.ended_at, recall.refusal, recall.recall_id))


def concerning(connection: Connection, deliveries: Sequence[Delivery]) -> list[RecallRow]:
    """Recalls, pending ones too, that any of these deliveries may fall under, each locked."""
    events, names = {each.event_id for each in deliveries}, {each.delivery_id for each in deliveries}
    subjects = {each.subject for each in deliveries if each.subject is not None}
    return _recalls(connection, _CONCERNING, (sorted(events), sorted(names), sorted(subjects)))


def of_subject(connection: Connection, subject: str, kind: str) -> list[RecallRow]:
    """Active recalls of a kind about a child, each locked."""
    return _recalls(connection, _OF_SUBJECT, (subject, kind))


def by_event(connection: Connection, event_id: str) -> RecallRow | None:
    """The recall that this control event asked for."""
    found = _recalls(connection, _BY_EVENT, (event_id,))
    return found[0] if found else None


def freeze_of(connection: Connection, delivery_id: str) -> RecallRow | None:
    """The freeze that a delivery is under, locked."""
    found = _recalls(connection, _FREEZE_OF, (delivery_id,))
    return found[0] if found else None


def by_id(connection: Connection, recall_id: str) -> RecallRow | None:
    found = _recalls(connection, _BY_ID, (recall_id,))
    return found[0] if found else None


def pending_on(connection: Connection, event_id: str) -> list[RecallRow]:
    """Pending recalls of this event, each locked."""
    return _recalls(connection, _PENDING_ON, (event_id,))


def listed(connection: Connection, *, kind: str | None, event: str | None, limit: int) -> list[RecallRow]:
    """Newest first."""
    return _recalls(connection, _LISTED, {"kind": kind, "event": event, "limit": limit})


def affected(connection: Connection, recall: RecallRow) -> list[Delivery]:
    """Every delivery known by now that the recall's target names, each locked."""
    wanted = {"event": recall.event_id, "delivery": recall.delivery_id, "subject": recall.subject}
    with database_failures(), connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(_AFFECTED, wanted).fetchall()


def take(connection: Connection, rows: Iterable[RecalledRow]) -> None:
    """Note what was taken back; a delivery is taken back by a recall once."""
    with database_failures(), connection.cursor() as cursor:
        cursor.executemany(_TAKE, list(rows))


def block(connection: Connection, recall_id: str, target: str, effect: str) -> None:
    """From the commit on, the gateway shows nothing of the target (WITHOUT_PLACES: less of it)."""
    with database_failures():
        connection.execute(_BLOCK, (target, recall_id, effect))


def unblock(connection: Connection, recall_id: str) -> None:
    """Undo a recall's blocks; what nothing else blocks can be opened again."""
    with database_failures():
        targets = connection.execute(_UNBLOCK, (recall_id,)).fetchall()
        for (target,) in targets:
            connection.execute(_UNMARK, {"target": target})


def unblock_target(connection: Connection, recall_id: str, target: str) -> None:
    """Undo one block of a recall."""
    with database_failures():
        connection.execute(_UNBLOCK_TARGET, (recall_id, target))


def mark(connection: Connection, recall: RecallRow, state: str) -> None:
    """Mark what the gateway holds of it, FROZEN or RECALLED; waits for whoever has it open at this moment."""
    wanted = {"event": recall.event_id, "delivery": recall.delivery_id, "subject": recall.subject, "state": state}
    with database_failures():
        connection.execute(_MARK, wanted)


def removed(connection: Connection, delivery_id: str, at: int) -> list[int]:
    """Note that the recipient has removed it; when each recall that this answers was made."""
    with database_failures():
        return [made for (made,) in connection.execute(_REMOVED, (at, delivery_id)).fetchall()]


def holders(connection: Connection, recall_id: str) -> list[Holder]:
    """Every delivery that a recall took back, with what is known of it now."""
    with database_failures():
        return [Holder(*row) for row in connection.execute(_HOLDERS, (recall_id,)).fetchall()]


def outstanding(connection: Connection, now: int) -> tuple[int, int]:
    """How many deliveries wait for a confirmation of removal, and how many of them are late."""
    with database_failures():
        row = connection.execute(_OUTSTANDING, (now,)).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def keep_heard(connection: Connection, delivery_id: str, area: str, request: Mapping[str, Any]) -> None:
    """Keep a request until the audit record of its delivery to the exchange is read."""
    with database_failures():
        connection.execute(_HEARD, (delivery_id, area, json.dumps(request)))


def known_now(connection: Connection, delivery_ids: Collection[str]) -> list[tuple[str, dict[str, Any], Delivery]]:
    """Of these requests those whose audit record has been read: area, request, the delivery. They wait no longer."""
    if not delivery_ids:
        return []
    with database_failures():
        rows = connection.execute(_KNOWN, (sorted(delivery_ids),)).fetchall()
        found = [(row[0], row[1], Delivery(*row[2:])) for row in rows]
        if found:
            connection.execute(_FORGET_HEARD, ([each.delivery_id for _, _, each in found],))
    return found


def _recalls(connection: Connection, statement: str, wanted: Any) -> list[RecallRow]:
    with database_failures(), connection.cursor(row_factory=class_row(RecallRow)) as cursor:
        return cursor.execute(statement, wanted).fetchall()
