"""What people did to the exchange: `masa.operations` into PostgreSQL, and the question what was done.

As with the ledger, the offset to go on from is stored in the transaction that stored the rows before it. An operation's
id is the table's key, so that a record sent twice is one row.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors.kafka.offset_consumer import OffsetConsumer, Record
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import OPERATIONS
from connectors.postgres.connection import Connection, database_failures
from schemas.codec import decode_record
from schemas.errors import ContractError
from streams.ledger import sql
from streams.ledger.consume import Surroundings, keep
from streams.ledger.store import PositionWriter
from streams.ledger.times import in_range, iso

UNREADABLE = "UNREADABLE"
OPERATIONS_LISTED = 1_000
_LOCK = 0x6D617361_0003
_BATCH_RECORDS = 500
_BATCH_WAIT_S = 0.5


class OperationRow(NamedTuple):
    """`ledger.operations`, columns in table order; `at` in milliseconds since the epoch, `details` as JSON."""

    operation_id: str
    at: int
    actor: str
    role: str | None
    kind: str
    target: str
    reason: str | None
    result: str
    details: str
    partition: int
    offset: int


def row_of(record: Record) -> OperationRow:
    """The row of a record. One that cannot be read is a row too: nothing on the topic is skipped, nothing stops it."""
    where = (record.partition, record.offset)
    try:
        found = decode_record("operation", record.value or b"")
    except ContractError:
        found = None
    if found is None or not in_range(found["at"]):
        position = f"{record.topic}-{record.partition}-{record.offset}"
        at = record.timestamp if in_range(record.timestamp) else 0
        return OperationRow(position, at, "", None, UNREADABLE, "", None, "UNKNOWN", "{}", *where)
    texts = [_storable(found[name]) for name in ("operationId", "actor", "role", "kind", "target", "reason")]
    operation_id, actor, role, kind, target, reason = texts
    details = {_storable(each["name"]): _storable(each["value"]) for each in found["details"]}
    return OperationRow(
        operation_id or "",
        found["at"],
        actor or "",
        role,
        kind or "",
        target or "",
        reason,
        found["result"],
        json.dumps(details, ensure_ascii=False),
        *where,
    )


def run(settings: KafkaSettings, database_url: str, around: Surroundings) -> None:
    """Until told to stop; retries and raises as the ledger's own loop does."""
    keep(lambda: _Session(settings, database_url, around), around)


def operations(
    connection: Connection,
    *,
    kind: str | None = None,
    actor: str | None = None,
    target: str | None = None,
    limit: int = OPERATIONS_LISTED,
) -> list[dict[str, Any]]:
    """Newest first: `{operationId, at, actor, role, kind, target, reason, result, details}`.

    `kind` also stands for all kinds below it: `rules` for `rules.stop`.
    """
    wanted = {"kind": kind, "actor": actor, "target": target, "limit": limit}
    with database_failures():
        rows = connection.execute(sql.OPERATIONS, wanted).fetchall()
    names = ("operationId", "at", "actor", "role", "kind", "target", "reason", "result", "details")
    return [{**dict(zip(names, row, strict=True)), "at": iso(row[1])} for row in rows]


class _Writer(PositionWriter):
    """Writes rows of operations."""

    def __init__(self, url: str) -> None:
        super().__init__(url, OPERATIONS, lock=_LOCK)

    def write(self, rows: Sequence[OperationRow], moves: dict[int, tuple[int | None, int]]) -> None:
        """Store rows and move offsets (partition -> expected, next), all or nothing, durable on return."""
        with database_failures(), self._connection.transaction():
            for row in rows:
                self._connection.execute(sql.INSERT_OPERATION, row)
            for partition, (expected, following) in sorted(moves.items()):
                self._advance(partition, expected, following)


class _Session:
    """One writer and one consumer that started from what the writer's database said."""

    def __init__(self, settings: KafkaSettings, url: str, around: Surroundings) -> None:
        self._writer = _Writer(url)
        self._consumer = OffsetConsumer(settings, client_id="masa-ledger-operations", headers=False)
        try:
            stored = self._writer.offsets()
            found = self._consumer.partitions(OPERATIONS)
            self._positions: dict[int, int | None] = {each.partition: stored.get(each.partition) for each in found}
            self._consumer.assign({each: self._positions[each.partition] for each in found})
        except BaseException:
            self.close()
            raise

    def step(self) -> None:
        """One poll, and one transaction if it brought anything."""
        polled = self._consumer.poll(_BATCH_RECORDS, _BATCH_WAIT_S)
        moves = polled.moves(self._positions)
        if moves:
            self._writer.write([row_of(record) for record in polled.records], moves)
            self._positions |= {number: following for number, (_, following) in moves.items()}

    def close(self) -> None:
        try:
            self._consumer.close()
        finally:
            self._writer.close()


def _storable(text: str | None) -> str | None:
    """PostgreSQL's text cannot hold U+0000."""
    return text.replace("\0", "\ufffd") if text else text
