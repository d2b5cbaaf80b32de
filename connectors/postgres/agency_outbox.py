"""An agency's own outbox table: rows its software wrote, read by its one relay. See `agency_outbox.sql`.

A row is deleted only once its event is durable, so a crash in between publishes it again with the same id and the same
content: once in effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

from connectors.postgres.connection import connect_alone, database_failures
from connectors.postgres.outbox import AnotherRelay

_RELAY_LOCK = 0x6D617361_0006
_TAKE = """
SELECT seq, event_id::text, event, (extract(epoch FROM created_at) * 1000)::bigint
FROM masa_outbox WHERE refused_at IS NULL ORDER BY seq LIMIT %s
"""
_DROP = "DELETE FROM masa_outbox WHERE seq = ANY(%s)"
_REFUSE = """
UPDATE masa_outbox SET refused_at = now(), problem = told.problem
FROM unnest(%s::bigint[], %s::text[]) AS told (seq, problem) WHERE masa_outbox.seq = told.seq
"""


class Row(NamedTuple):
    """An event that waits; `created_at` is milliseconds since the epoch."""

    seq: int
    event_id: str
    event: Any  # whatever JSON somebody wrote
    created_at: int


def table_sql() -> str:
    """What makes the table: for the agency's own migrations."""
    return (resources.files("connectors.postgres") / "agency_outbox.sql").read_text()


class AgencyOutbox:
    """The relay's side: one holder a database, by an advisory lock that ends with its session. Not thread-safe."""

    def __init__(self, url: str) -> None:
        """Raises `AnotherRelay`, and as `connect` does."""
        self._connection = connect_alone(
            url,
            application="masa-outbox-relay",
            lock=_RELAY_LOCK,
            otherwise=AnotherRelay("another process relays this outbox"),
        )

    def make_table(self) -> None:
        """Make the table where there is none."""
        with database_failures():
            self._connection.execute(table_sql().encode())

    def take(self, limit: int) -> list[Row]:
        """The oldest rows that are committed and not refused, in order; they stay until `settle`."""
        with database_failures():
            return [Row(*each) for each in self._connection.execute(_TAKE, (limit,)).fetchall()]

    def settle(self, *, sent: Sequence[int], refused: Mapping[int, str]) -> None:
        """Forget what is published and keep what is refused, with what is wrong, in one transaction."""
        with database_failures(), self._connection.transaction():
            if sent:
                self._connection.execute(_DROP, (list(sent),))
            if refused:
                self._connection.execute(_REFUSE, (list(refused), list(refused.values())))

    def close(self) -> None:
        """Gives the right to relay back at once."""
        self._connection.close()
