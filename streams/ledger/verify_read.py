"""Shows `verify` a database: one snapshot, read partition by partition, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connectors.postgres.connection import Connection, connect, database_failures
from streams.ledger import sql
from streams.ledger.checkpoint import Signed, Verify
from streams.ledger.rows import EventRow, OutcomeRow, RowReader
from streams.ledger.times import pg_micros
from streams.ledger.verify import Report, SegmentSeen, View, verify_ledger

_CLIENT = "masa-verify"
_ROWS_AT_ONCE = 2_000
_PG_EPOCH_MICROS = -pg_micros(0)


def verify_database(
    url: str,
    reader: RowReader,
    checkpoints: Sequence[Signed | None],
    keys: Mapping[str, bytes],
    verify: Verify,
    progress: Callable[[int], object] = lambda _: None,
) -> Report:
    """Check a database, at rest or written to: checkpoints must have been read before. Raises connector failures."""
    # Two cursors and a lookup go side by side, so each has a connection; all see one exported snapshot.
    with (
        connect(url, application=_CLIENT) as main,
        connect(url, application=_CLIENT) as events,
        connect(url, application=_CLIENT) as outcomes,
        database_failures(),
        main.transaction(),
        events.transaction(),
        outcomes.transaction(),
    ):
        main.execute(sql.SNAPSHOT)
        (snapshot,) = main.execute(sql.EXPORT_SNAPSHOT).fetchone() or ("",)
        for each in (events, outcomes):
            each.execute(sql.SNAPSHOT)
            each.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        view = View(
            partitions=[number for (number,) in main.execute(sql.CHAINED_PARTITIONS).fetchall()],
            segments=lambda number: map(SegmentSeen._make, _rows(main, sql.SEGMENTS, (number,))),
            events=lambda number: map(_event, _rows(events, sql.PARTITION_EVENTS, {"partition": number})),
            outcomes=lambda number: map(_outcome, _rows(outcomes, sql.PARTITION_OUTCOMES, {"partition": number})),
            checkpoints=checkpoints,
            keys=keys,
            verify=verify,
        )
        return verify_ledger(view, reader, progress)


def _rows(connection: Connection, query: str, values: Any) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name="verify") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(query, values)
        yield from cursor


def _event(row: tuple[Any, ...]) -> EventRow:
    seen = EventRow._make(row)
    return seen._replace(decided_at=_micros(seen.decided_at), received_at=_micros(seen.received_at))


def _outcome(row: tuple[Any, ...]) -> OutcomeRow:
    seen = OutcomeRow._make(row)
    return seen._replace(decided_at=_micros(seen.decided_at), ack_by=_micros(seen.ack_by))


def _micros(since_1970: Any) -> Any:
    """Microseconds since 1970 as rows count them: since 2000."""
    return None if since_1970 is None else since_1970 - _PG_EPOCH_MICROS
