"""The ledger's writers: rows and offsets in one transaction, by one instance at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql as compose

from connectors.errors import ExitForSupervisor, NotReady
from connectors.postgres.connection import connect, database_failures
from streams.ledger import sql
from streams.ledger.chain import Head, Segment, packed, segment
from streams.ledger.rows import Rows
from streams.ledger.times import Month, month_of

_WRITER_LOCK = 0x6D617361_0002

Offsets = Mapping[int, int]  # audit partition -> next offset to read


class AnotherWriter(NotReady):
    """Another ledger instance is writing to this database. Wait for it to stop, or stop this one."""


class OwnershipLost(ExitForSupervisor):
    """The stored offsets moved without this writer: another instance wrote. Nothing of this batch was kept."""


class PositionWriter:
    """Owns one connection and, through it, the right to write what a topic says. Not thread-safe.

    When any method raises, close the writer and make a new one; what the database then says about offsets is true.
    """

    def __init__(self, url: str, topic: str, *, lock: int) -> None:
        """`lock` is the advisory lock that one instance holds. Raises `AnotherWriter`, and as `connect` does."""
        self._topic = topic
        self._connection = connect(url, application="masa-ledger")
        try:
            self._take_lock(lock)
            self._opened()
        except BaseException:
            self.close()
            raise

    def _opened(self) -> None:
        """What else to read at the start."""

    def _take_lock(self, lock: int) -> None:
        with database_failures():
            row = self._connection.execute(sql.TRY_LOCK, (lock,)).fetchone()
        if row != (True,):
            raise AnotherWriter("another ledger instance is writing to this database: only one may, stop the other")

    def offsets(self) -> dict[int, int]:
        """Where to go on, by partition of the audit topic."""
        with database_failures():
            return dict(self._connection.execute(sql.PROGRESS, (self._topic,)).fetchall())

    def _advance(self, partition: int, expected: int | None, following: int) -> None:
        if expected is None:
            start = (self._topic, partition, following)
            changed = self._connection.execute(sql.START_PROGRESS, start).rowcount
        else:
            move = {"topic": self._topic, "partition": partition, "expected": expected, "next": following}
            changed = self._connection.execute(sql.ADVANCE, move).rowcount
        if changed != 1:
            raise OwnershipLost(
                f"{self._topic} [{partition}]: the stored offset is not {expected} any more: another instance wrote"
            )

    def close(self) -> None:
        """Gives the right to write back at once."""
        self._connection.close()


class LedgerWriter(PositionWriter):
    """Writes the rows of audit records."""

    def __init__(self, url: str, topic: str) -> None:
        """Raises `AnotherWriter` when the ledger is being written, and as `connect` does."""
        super().__init__(url, topic, lock=_WRITER_LOCK)

    def _opened(self) -> None:
        with database_failures():
            self._months = {name for (name,) in self._connection.execute(sql.MONTHS)}
            found = self._connection.execute(sql.CHAIN_HEADS).fetchall()
        self._heads = {partition: Head(*head) for partition, *head in found}

    def write(self, rows: Sequence[Rows], moves: Mapping[int, tuple[int | None, int]]) -> None:
        """Store rows, lengthen the chain and move offsets (partition -> expected, next), all or nothing, durable on
        return. Rows of a partition come in offset order.

        An expected offset of None means that the partition was never read. Raises `OwnershipLost`; after
        `RetryLater` it is unknown whether the transaction took effect.
        """
        segments = self._segments(rows)
        with database_failures():
            self._make_months({month_of(each.event.decided_at) for each in rows})
            with self._connection.transaction():
                self._copy(rows)
                for partition, entries, head in segments:
                    values = (partition, head.last, head.first, head.rows, head.link, packed(entries))
                    self._connection.execute(sql.INSERT_SEGMENT, values)
                for partition, (expected, following) in sorted(moves.items()):
                    self._advance(partition, expected, following)
        self._heads |= {each.partition: each.head for each in segments}

    def _segments(self, rows: Sequence[Rows]) -> list[Segment]:
        """What these rows add to each partition's chain."""
        records: dict[int, list[tuple[int, bytes]]] = {}
        for each in rows:
            records.setdefault(each.event.audit_partition, []).append((each.event.audit_offset, each.event.record))
        return [segment(number, self._heads.get(number, Head()), found) for number, found in sorted(records.items())]

    def _copy(self, rows: Sequence[Rows]) -> None:
        with self._connection.cursor() as cursor:
            if rows:
                with cursor.copy(sql.COPY_EVENTS) as copy:
                    copy.set_types(sql.EVENT_TYPES)
                    for each in rows:
                        copy.write_row(each.event)
            if any(each.outcomes for each in rows):
                with cursor.copy(sql.COPY_OUTCOMES) as copy:
                    copy.set_types(sql.OUTCOME_TYPES)
                    for each in rows:
                        for outcome in each.outcomes:
                            copy.write_row(outcome)

    def _make_months(self, months: set[Month]) -> None:
        """Tables of months seen for the first time, in a transaction of their own."""
        for month in sorted(months):
            if f"event_{month}" in self._months:
                continue
            with self._connection.transaction():
                for parent in ("event", "outcome"):
                    self._make_month(parent, month)
            self._months.add(f"event_{month}")

    def _make_month(self, parent: str, month: Month) -> None:
        parts = {
            "name": compose.Identifier(f"{parent}_{month}"),
            "parent": compose.Identifier(parent),
            "first": compose.Literal(f"{month.first} 00:00:00+00"),
            "next": compose.Literal(f"{month.next.first} 00:00:00+00"),
        }
        for text in sql.MAKE_MONTH:
            self._connection.execute(compose.SQL(text).format(**parts))
        if parent == "event":
            self._connection.execute(compose.SQL(sql.KEEP_IN_ROW).format(name=parts["name"]))
