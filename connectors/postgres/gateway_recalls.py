"""What the gateway tells the addressee of a delivery that was taken back: every SQL statement about it."""

from __future__ import annotations

from typing import NamedTuple

from psycopg.rows import class_row

from connectors.postgres.connection import Connection, database_failures
from connectors.postgres.gateway_store import DeliveryRow


class Withdrawal(NamedTuple):
    """The recall that decides about a delivery: the one with the strongest effect, the latest of equals."""

    kind: str
    at: int
    remove_by: int | None
    removed_at: int | None


_ABOUT = """
SELECT r.kind, r.at, c.remove_by, c.removed_at
FROM followup.block b
JOIN followup.recall r ON r.recall_id = b.recall_id
LEFT JOIN followup.recalled c ON c.recall_id = b.recall_id AND c.delivery_id = %(delivery)s
WHERE b.target IN (%(delivery)s, %(event)s, %(subject)s)
ORDER BY b.effect, r.at DESC LIMIT 1
"""
# By the delivery itself, or by the message that asked for its removal.
_ASKED = """
SELECT delivery_id FROM followup.recalled
WHERE agency = %(agency)s AND (delivery_id = %(delivery)s OR notice = %(event)s) ORDER BY at DESC LIMIT 1
"""


def about(connection: Connection, row: DeliveryRow) -> Withdrawal | None:
    """What took it back; None when nothing did."""
    wanted = {"delivery": row.delivery_id, "event": row.event_id, "subject": row.subject}
    with database_failures(), connection.cursor(row_factory=class_row(Withdrawal)) as cursor:
        return cursor.execute(_ABOUT, wanted).fetchone()


def asked_to_remove(connection: Connection, row: DeliveryRow) -> str | None:
    """The delivery that must be removed: this one, or the one that this message is about; None when none must."""
    wanted = {"agency": row.agency, "delivery": row.delivery_id, "event": row.event_id}
    with database_failures():
        found = connection.execute(_ASKED, wanted).fetchone()
    return None if found is None else str(found[0])
