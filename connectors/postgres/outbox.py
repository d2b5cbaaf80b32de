"""The transactional outbox: records written in the transaction of what they tell of, relayed to Kafka afterwards.

`enqueue` is for whoever changes something; `OutboxReader` is for the one relay. A record leaves the table only once
every in-sync replica of Kafka has it, so a crash in between sends it again: its readers know it by the deterministic id
that it carries, and the effect is once.

Records are relayed in order of `seq`. That is the order of the changes wherever it matters: who changes a row locks it
first, so a later change of it gets a higher number.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from connectors.errors import NotReady
from connectors.kafka.publisher import Outgoing
from connectors.postgres.connection import Connection, connect_alone, database_failures

_RELAY_LOCK = 0x6D617361_0005

_ENQUEUE = """
INSERT INTO outbox (topic, key, value, headers)
SELECT * FROM unnest(%s::text[], %s::bytea[], %s::bytea[], %s::jsonb[])
"""
_COPY = "COPY outbox (topic, key, value, headers) FROM STDIN"
_MANY = 50  # records from which on copying is faster
_TAKE = "SELECT seq, topic, key, value, headers FROM outbox ORDER BY seq LIMIT %s"
_DROP = "DELETE FROM outbox WHERE seq = ANY(%s)"
_WAITING = "SELECT count(*) FROM outbox"


class Queued(NamedTuple):
    """A record that waits, with its number."""

    seq: int
    record: Outgoing


class AnotherRelay(NotReady):
    """Another process relays this outbox. Wait: it may stop."""


def enqueue(connection: Connection, records: Iterable[Outgoing]) -> None:
    """Write the records, in the connection's open transaction. They are sent if and only if it commits."""
    wanted = list(records)
    if not wanted:
        return
    if len(wanted) >= _MANY:
        with database_failures(), connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for each in wanted:
                copy.write_row((each.topic, each.key, each.value, _headers_out(each)))
        return
    columns: list[list[Any]] = [
        [each.topic for each in wanted],
        [each.key for each in wanted],
        [each.value for each in wanted],
        [_headers_out(each) for each in wanted],
    ]
    with database_failures():
        connection.execute(_ENQUEUE, columns)


def waiting(connection: Connection) -> int:
    """How many records wait."""
    with database_failures():
        row = connection.execute(_WAITING).fetchone()
    return int(row[0]) if row else 0


def queued(connection: Connection, limit: int) -> list[Queued]:
    """The oldest records that are committed, in order."""
    with database_failures():
        rows = connection.execute(_TAKE, (limit,)).fetchall()
    return [Queued(seq, Outgoing(topic, value, key, _headers_in(told))) for seq, topic, key, value, told in rows]


class OutboxReader:
    """The relay's side: one holder a database, by an advisory lock that ends with its session. Not thread-safe."""

    def __init__(self, url: str) -> None:
        """Raises `AnotherRelay`, and as `connect` does."""
        self._connection = connect_alone(
            url,
            application="masa-relay",
            lock=_RELAY_LOCK,
            otherwise=AnotherRelay("another process relays this outbox"),
        )

    def take(self, limit: int) -> list[Queued]:
        """The oldest records that are committed, in order; they stay until `drop`."""
        return queued(self._connection, limit)

    def drop(self, taken: Sequence[Queued]) -> None:
        """Forget records that Kafka has, all in one go."""
        with database_failures():
            self._connection.execute(_DROP, ([each.seq for each in taken],))

    def close(self) -> None:
        """Gives the right to relay back at once."""
        self._connection.close()


def _headers_out(record: Outgoing) -> str:
    """As JSON: a list of pairs, values as Base64, since Kafka's headers are bytes, in order, and may repeat."""
    raw = ((name, value.encode() if isinstance(value, str) else value) for name, value in record.headers)
    return json.dumps([[name, None if value is None else b64encode(value).decode()] for name, value in raw])


def _headers_in(stored: list[list[str | None]]) -> list[tuple[str, str | bytes | None]]:
    return [(name or "", None if value is None else b64decode(value)) for name, value in stored]
