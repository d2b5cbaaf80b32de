"""What escalation keeps beside the deliveries: windows of notices, digests to come, calls to be made, answers.

Rows in, rows out, whole batches in one statement, in the connection's open transaction. Instants are milliseconds since
the epoch and always an argument.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.postgres.connection import Connection, database_failures

Key = tuple[str, str]  # agency, role


class Gathered(NamedTuple):
    """`followup.gathered`, columns in table order."""

    agency: str
    role: str
    protection: str
    flush_at: int
    area: str
    delivery_id: str
    step: int
    due_at: int


class Answer(NamedTuple):
    """`followup.answer`: `agency` answered the request `event_id` with the event `response`."""

    event_id: str
    agency: str
    response: str
    at: int


_SENT = """
SELECT agency, role, sent FROM followup.notice_window
JOIN unnest(%s::text[], %s::text[]) AS wanted(agency, role) USING (agency, role) WHERE window_start = %s
"""
_COUNT = """
INSERT INTO followup.notice_window (agency, role, window_start, sent)
SELECT agency, role, start, sent FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::integer[])
    AS new(agency, role, start, sent)
ON CONFLICT (agency, role, window_start) DO UPDATE SET sent = followup.notice_window.sent + excluded.sent
"""
_FORGET = "DELETE FROM followup.notice_window WHERE window_start < %s"
_GATHER = """
INSERT INTO followup.gathered (agency, role, protection, flush_at, area, delivery_id, step, due_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::smallint[],
    %s::bigint[])
ON CONFLICT DO NOTHING
"""
_FLUSH = """
DELETE FROM followup.gathered WHERE flush_at <= %s
RETURNING agency, role, protection, flush_at, area, delivery_id, step, due_at
"""
_DEMAND = """
INSERT INTO followup.phone (delivery_id, due) SELECT * FROM unnest(%s::text[], %s::bigint[])
ON CONFLICT (delivery_id) DO NOTHING
"""
_UNPHONED = """
UPDATE followup.phone SET due = NULL
WHERE delivery_id IN (SELECT delivery_id FROM followup.phone WHERE due <= %s ORDER BY due, delivery_id LIMIT %s)
RETURNING delivery_id, (phoned_at IS NULL) AS missing
"""
_PHONED = """
INSERT INTO followup.phone (delivery_id, due, phoned_at, person, operation) VALUES (%s, NULL, %s, %s, %s)
ON CONFLICT (delivery_id) DO UPDATE SET phoned_at = excluded.phoned_at, person = excluded.person,
    operation = excluded.operation, due = NULL
WHERE followup.phone.phoned_at IS NULL
"""
_MISSING_CALLS = """
SELECT d.delivery_id, d.event_type, d.agency, d.state, d.available_at FROM followup.phone AS p
JOIN followup.delivery AS d USING (delivery_id)
WHERE p.phoned_at IS NULL AND d.state NOT IN ('RETRACTED', 'FROZEN', 'EXPIRED')
    AND (%(agency)s::text IS NULL OR d.agency = %(agency)s)
ORDER BY d.available_at, d.delivery_id LIMIT %(limit)s
"""
_CALLED = "SELECT delivery_id FROM followup.phone WHERE delivery_id = ANY(%s) AND phoned_at IS NOT NULL"
_ANSWER = """
INSERT INTO followup.answer (event_id, agency, response, at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT (event_id, agency) DO NOTHING
"""
_STOP = """
UPDATE followup.delivery AS d SET next_due = NULL
FROM unnest(%s::text[], %s::text[]) AS a(event_id, agency)
WHERE d.event_id = a.event_id AND d.agency = a.agency AND d.next_due IS NOT NULL
"""
_ANSWERED = """
SELECT a.event_id, a.agency FROM followup.answer AS a
JOIN unnest(%s::text[], %s::text[]) AS asked(event_id, agency) USING (event_id, agency)
"""


def sent_in(connection: Connection, keys: Collection[Key], window_start: int) -> dict[Key, int]:
    """How many notices of their own these roles got in this window; none: absent."""
    rows = _fetch(connection, _SENT, (*_columns(sorted(keys), 2), window_start)) if keys else []
    return {(agency, role): sent for agency, role, sent in rows}


def count_sent(connection: Connection, sent: Mapping[Key, int], window_start: int) -> None:
    """Add to the window's counts, and forget windows older than a day before it."""
    rows = [(agency, role, window_start, number) for (agency, role), number in sorted(sent.items())]
    if rows:
        _run(connection, _COUNT, _columns(rows, 4))
        _run(connection, _FORGET, (window_start - 86_400_000,))


def gather(connection: Connection, rows: Sequence[Gathered]) -> None:
    """Keep steps for their digests."""
    if rows:
        _run(connection, _GATHER, _columns(rows, len(Gathered._fields)))


def flush(connection: Connection, now: int) -> list[Gathered]:
    """Take out what goes into digests that are due, oldest first."""
    rows = [Gathered(*row) for row in _fetch(connection, _FLUSH, (now,))]
    return sorted(rows, key=lambda each: (each.flush_at, each.agency, each.role, each.due_at, each.delivery_id))


def demand_calls(connection: Connection, demands: Iterable[tuple[str, int]]) -> None:
    """Deliveries about which somebody must be rung, and until when."""
    rows = list(demands)
    if rows:
        _run(connection, _DEMAND, _columns(rows, 2))


def calls_due(connection: Connection, now: int, limit: int) -> tuple[list[str], int]:
    """Deliveries without a recorded call whose time is up, and how many rows were looked at. Each is told of once."""
    rows = _fetch(connection, _UNPHONED, (now, limit))
    return sorted(delivery_id for delivery_id, missing in rows if missing), len(rows)


def record_call(connection: Connection, delivery_id: str, *, at: int, person: str, operation: str) -> bool:
    """Record a call; False when one is on record already, which stands."""
    with database_failures():
        return connection.execute(_PHONED, (delivery_id, at, person, operation)).rowcount == 1


def missing_calls(connection: Connection, *, agency: str | None, limit: int) -> list[tuple[str, str, str, str, int]]:
    """(delivery, event type, agency, state, available at) of those about which no call is on record, oldest first."""
    return _fetch(connection, _MISSING_CALLS, {"agency": agency, "limit": limit})


def called(connection: Connection, delivery_ids: Collection[str]) -> set[str]:
    """Those of these about which a call is on record."""
    return {name for (name,) in _fetch(connection, _CALLED, (sorted(delivery_ids),))} if delivery_ids else set()


def answer(connection: Connection, answers: Sequence[Answer]) -> None:
    """Keep who answered which request; the clocks of these requests stop. Safe to repeat."""
    if answers:
        once = list({(each.event_id, each.agency): each for each in reversed(answers)}.values())
        _run(connection, _ANSWER, _columns(once, len(Answer._fields)))
        _run(connection, _STOP, _columns(once, 2))


def answered(connection: Connection, requests: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these (event, agency) that were answered."""
    return set(_fetch(connection, _ANSWERED, _columns(sorted(requests), 2))) if requests else set()


def _run(connection: Connection, statement: str, wanted: Any) -> None:
    with database_failures():
        connection.execute(statement, wanted)


def _fetch(connection: Connection, statement: str, wanted: Any) -> list[Any]:
    with database_failures():
        return connection.execute(statement, wanted).fetchall()


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as one list a column, for `unnest`."""
    return [[row[index] for row in rows] for index in range(width)]
