"""What people did to the exchange: `masa.operations` into PostgreSQL, and the question what was done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors.kafka.offset_consumer import Record
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import OPERATIONS
from connectors.postgres.connection import Connection, database_failures
from schemas.codec import decode_record
from schemas.errors import ContractError
from streams.ledger import sql
from streams.ledger.consume import Surroundings
from streams.ledger.side_topic import SideTopic, follow, storable
from streams.ledger.times import in_range, iso

UNREADABLE = "UNREADABLE"
OPERATIONS_LISTED = 1_000
_LOCK = 0x6D617361_0003


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
    follow(_SIDE, settings, database_url, around)


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


def _insert(connection: Connection, rows: Sequence[OperationRow]) -> None:
    for row in rows:
        connection.execute(sql.INSERT_OPERATION, row)


def _storable(text: str | None) -> str | None:
    return text if text is None else storable(text)


_SIDE = SideTopic(
    topic=OPERATIONS,
    lock=_LOCK,
    client_id="masa-ledger-operations",
    batch_records=500,
    batch_wait_s=0.5,
    row_of=row_of,
    insert=_insert,
)
