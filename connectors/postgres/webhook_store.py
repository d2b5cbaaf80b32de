"""Notifications to push, in PostgreSQL: every SQL statement about them. Instants are milliseconds since the epoch."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.http.webhooks import MOST_AT_ONCE, Notice
from connectors.postgres.pool import Pool

_ENROL = """
INSERT INTO gateway_webhook (delivery_id, agency, made_at, next_at)
SELECT d.delivery_id, d.agency, %(now)s, %(now)s FROM gateway_delivery d
WHERE d.agency = ANY(%(agencies)s) AND d.state = 'AVAILABLE' AND d.available_at > %(since)s
  AND NOT EXISTS (SELECT FROM gateway_webhook w WHERE w.delivery_id = d.delivery_id)
ORDER BY d.available_at LIMIT %(most)s
ON CONFLICT DO NOTHING
"""
# Who has picked a delivery up needs no notification of it.
_MOOT = """
UPDATE gateway_webhook w SET state = 'MOOT' FROM gateway_delivery d
WHERE w.delivery_id = d.delivery_id AND w.state = 'PENDING' AND w.agency = ANY(%(agencies)s)
  AND w.next_at <= %(now)s AND d.state <> 'AVAILABLE'
"""
# One agency's backlog takes no place of another's. Two processes never claim the same row at the same time.
_CLAIM = """
WITH due AS (
    SELECT w.delivery_id FROM unnest(%(agencies)s::text[]) AS wanted(agency)
    CROSS JOIN LATERAL (
        SELECT delivery_id FROM gateway_webhook
        WHERE agency = wanted.agency AND state = 'PENDING' AND next_at <= %(now)s
        ORDER BY next_at LIMIT %(each)s FOR UPDATE SKIP LOCKED
    ) w
)
UPDATE gateway_webhook w SET attempts = w.attempts + 1, next_at = %(lease_until)s
FROM due, gateway_delivery d WHERE w.delivery_id = due.delivery_id AND d.delivery_id = w.delivery_id
RETURNING w.delivery_id, w.agency, d.urgency, d.ack_by, w.attempts, w.made_at
"""
_ENROL_MOST = 1_000


class WebhookStore:
    """`connectors.http.webhooks.Notices` in PostgreSQL. Raises RetryLater when it is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def claim(self, agencies: Sequence[str], *, now: int, since: int, lease_until: int) -> list[Notice]:
        given = {"agencies": list(agencies), "now": now, "since": since, "lease_until": lease_until}
        with self._pool.transaction() as connection:
            connection.execute(_ENROL, given | {"most": _ENROL_MOST})
            connection.execute(_MOOT, given)
            rows = connection.execute(_CLAIM, given | {"each": MOST_AT_ONCE}).fetchall()
        return [Notice(*row) for row in rows]

    def told(self, delivery_id: str) -> None:
        self._set(delivery_id, "TOLD", None)

    def give_up(self, delivery_id: str) -> None:
        self._set(delivery_id, "GIVEN_UP", None)

    def postpone(self, delivery_id: str, until: int) -> None:
        self._set(delivery_id, "PENDING", until)

    def _set(self, delivery_id: str, state: str, next_at: int | None) -> None:
        statement = "UPDATE gateway_webhook SET state = %s, next_at = COALESCE(%s, next_at) WHERE delivery_id = %s"
        with self._pool.transaction() as connection:
            connection.execute(statement, (state, next_at, delivery_id))
