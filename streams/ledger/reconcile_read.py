"""Shows the checker a running exchange: which part of each topic to read, so that what it sees belongs together.

Reading is not one instant, and transactions commit partition by partition. The marks are therefore taken in this order,
each after the one before it, which is what makes the view's promises true:

1. what the router's group has committed, and where the visible audits end: audits up to here are *settled*;
2. where everything written so far ends, and a wait until no transaction is open below that: now all effects of settled
   audits are visible; the outboxes, inboxes, held and rejected topics are read up to here;
3. a snapshot of the database;
4. the same wait for the audits: now every delivery and every ledger row seen has its audit visible; audits are read up
   to here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from connectors.kafka import topics
from connectors.kafka.log_ends import LogEnds, Offsets
from connectors.kafka.offset_consumer import Record, read_ranges
from connectors.kafka.partition import Partition
from connectors.kafka.settings import KafkaSettings
from connectors.postgres.connection import Connection, connect, database_failures
from streams.ledger import sql
from streams.ledger.reconcile import DIFFERENCES_LISTED, Progress, reconcile
from streams.ledger.reconcile_view import (
    AuditSeen,
    EventRowSeen,
    InboxSeen,
    KeptSeen,
    LedgerView,
    OutboxSeen,
    OutcomeRowSeen,
    Place,
    Report,
    View,
)

_CLIENT = "masa-reconcile"
_ROWS_AT_ONCE = 5_000


def reconcile_exchange(
    settings: KafkaSettings,
    database_url: str | None,
    *,
    router_group: str | None,
    salt: bytes,
    limit: int = DIFFERENCES_LISTED,
    progress: Progress = lambda *_: None,
) -> Report:
    """Check a running or resting exchange. Without a database only the topics are checked.

    `router_group` is the routers' consumer group: what it has committed past counts as read. `salt` is random, at most
    64 bytes. Raises connector failures, `NotReady` when a transaction stays open.
    """
    ends = LogEnds(settings)
    marks = _Marks.first(ends, router_group)
    if database_url is None:
        return reconcile(_view(settings, ends, marks, None, salt), limit=limit, progress=progress)
    with _snapshot(database_url) as ledger:
        return reconcile(_view(settings, ends, marks, ledger, salt), limit=limit, progress=progress)


@dataclass(frozen=True, kw_only=True)
class _Marks:
    """Partitions of each kind and the marks 1 and 2."""

    audits: tuple[Partition, ...]
    outboxes: tuple[Partition, ...]
    inboxes: tuple[Partition, ...]
    kept: tuple[Partition, ...]
    committed: Offsets
    settled_audits: Offsets
    seen: Offsets
    starts: Offsets

    @classmethod
    def first(cls, ends: LogEnds, router_group: str | None) -> _Marks:
        audits = ends.partitions(lambda name: name == topics.AUDIT)
        outboxes = ends.partitions(_is(topics.TopicKind.OUTBOX))
        inboxes = ends.partitions(_is(topics.TopicKind.INBOX))
        kept = ends.partitions(lambda name: name in (topics.HELD, topics.REJECTED))
        committed = ends.committed(router_group) if router_group else {}
        settled_audits = ends.settled(audits)
        effects = ends.settle([*audits, *inboxes, *kept])
        return cls(
            audits=audits,
            outboxes=outboxes,
            inboxes=inboxes,
            kept=kept,
            committed={each: at for each, at in committed.items() if each in set(outboxes)},
            settled_audits=settled_audits,
            seen={**effects, **ends.settled(outboxes)},
            starts=ends.starts([*audits, *outboxes, *inboxes, *kept]),
        )


def _is(kind: topics.TopicKind) -> Callable[[str], bool]:
    def wanted(name: str) -> bool:
        parsed = topics.parse(name)
        return parsed is not None and parsed.kind is kind

    return wanted


def _view(settings: KafkaSettings, ends: LogEnds, marks: _Marks, ledger: LedgerView | None, salt: bytes) -> View:
    audit_ends = ends.settle(marks.audits)  # mark 4

    def read(
        partitions: Collection[Partition], upto: Mapping[Partition, int], headers: bool = True
    ) -> Iterator[Record]:
        ranges = {each: (marks.starts[each], upto[each]) for each in partitions}
        return read_ranges(settings, ranges, client_id=_CLIENT, headers=headers)

    def audits() -> Iterator[AuditSeen]:
        for record in read(marks.audits, audit_ends, headers=False):
            settled = record.offset < marks.settled_audits[Partition(record.topic, record.partition)]
            yield AuditSeen(record.partition, record.offset, record.timestamp, record.value, settled)

    def outbox() -> Iterator[OutboxSeen]:
        for record in read(marks.outboxes, marks.seen):
            yield OutboxSeen(record.topic, record.partition, record.offset, record.key, record.value, record.headers)

    def inbox(only: frozenset[Place] | None) -> Iterator[InboxSeen]:
        chosen = [each for each in marks.inboxes if only is None or Place(*each) in only]
        for record in read(chosen, marks.seen):
            yield InboxSeen(record.topic, record.partition, record.offset, record.key, record.headers)

    def kept(topic: str) -> Iterator[KeptSeen]:
        for record in read([each for each in marks.kept if each.topic == topic], marks.seen, headers=False):
            yield KeptSeen(record.partition, record.offset, record.value)

    return View(
        audits=audits,
        outbox=outbox,
        inbox=inbox,
        held=lambda: kept(topics.HELD),
        rejected=lambda: kept(topics.REJECTED),
        ledger=ledger,
        passed={Place(*each): at for each, at in marks.committed.items()},
        outbox_starts={Place(*each): marks.starts[each] for each in marks.outboxes},
        audit_starts={each.partition: marks.starts[each] for each in marks.audits},
        kept_since=_kept_since(settings, marks),
        salt=salt,
    )


def _kept_since(settings: KafkaSettings, marks: _Marks) -> dict[str, int]:
    """For each topic that retention cut, the time of the first record left; of several partitions, the latest."""
    since: dict[str, int] = {}
    for each in (*marks.inboxes, *marks.kept):
        start = marks.starts[each]
        if start == 0:
            continue
        left = read_ranges(settings, {each: (start, marks.seen[each])}, client_id=_CLIENT, headers=False)
        first = next(left, None)
        at = _NOTHING_LEFT if first is None else first.timestamp
        since[each.topic] = max(since.get(each.topic, 0), at)
    return since


_NOTHING_LEFT = (1 << 62) - 1  # the topic was cut to the last record: nothing about it can be proved


@contextmanager
def _snapshot(url: str) -> Iterator[LedgerView]:
    """Mark 3: one database snapshot for progress and rows."""
    with connect(url, application=_CLIENT) as connection, database_failures(), connection.transaction():
        connection.execute(sql.SNAPSHOT)
        progress: dict[int, int] = dict(connection.execute(sql.PROGRESS, (topics.AUDIT,)).fetchall())
        yield LedgerView(
            progress=progress,
            events=lambda: map(EventRowSeen._make, _rows(connection, sql.ALL_EVENTS)),
            outcomes=lambda: map(OutcomeRowSeen._make, _rows(connection, sql.ALL_OUTCOMES)),
        )


def _rows(connection: Connection, query: str) -> Iterator[tuple[object, ...]]:
    """Through a cursor on the server, so that memory stays bounded."""
    with connection.cursor(name="reconcile") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(query)
        yield from cursor
