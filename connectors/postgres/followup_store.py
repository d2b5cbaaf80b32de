"""The life of deliveries: every SQL statement about `followup.delivery` and what waits beside it.

Rows in, rows out, whole batches in one statement; what they mean is decided elsewhere (streams.followup). Every
function works in the connection's open transaction. Instants are milliseconds since the epoch and always an argument.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg.rows import class_row

from connectors.errors import ExitForSupervisor, NotReady
from connectors.kafka.partition import Partition
from connectors.postgres.connection import Connection, connect_alone, database_failures

_ENGINE_LOCK = 0x6D617361_0007


class Delivery(NamedTuple):
    """`followup.delivery`, columns in table order."""

    delivery_id: str
    event_id: str
    event_type: str
    agency: str
    source: str
    roles: list[str]
    area: str  # the publisher's
    clock: str | None
    urgency: str
    protection: str
    restricted: bool
    subject: str | None
    available_at: int
    ack_by: int | None
    pick_up_by: int | None
    state: str
    outcome: str | None
    picked_up_at: int | None
    acknowledged_at: int | None
    acknowledged_role: str | None
    step: int
    next_due: int | None
    recalled_by: str | None
    answer: str | None


class EarlyReceipt(NamedTuple):
    """`followup.early_receipt`, columns in table order."""

    topic: str
    partition: int
    offset: int
    receipt_id: str
    delivery_id: str
    event_id: str
    agency: str
    kind: str
    outcome: str | None
    role: str | None
    at: int


class AnotherEngine(NotReady):
    """Another process follows up with this database. Wait: it may stop."""


class PositionMoved(ExitForSupervisor):
    """A stored offset moved without this engine: another instance wrote. Nothing of this batch was kept."""


_COLUMNS = ", ".join(Delivery._fields)
_EARLY_COLUMNS = ", ".join('"offset"' if name == "offset" else name for name in EarlyReceipt._fields)
_CHANGING = (
    "pick_up_by", "state", "outcome", "picked_up_at", "acknowledged_at", "acknowledged_role", "step", "next_due",
    "recalled_by", "answer",
)  # fmt: skip

_POSITIONS = "SELECT topic, partition, next_offset FROM followup.position"
_START = """
INSERT INTO followup.position (topic, partition, next_offset)
SELECT * FROM unnest(%s::text[], %s::integer[], %s::bigint[])
ON CONFLICT (topic, partition) DO NOTHING
"""
# Compare and set: even an engine that wrongly believes that it is the only one cannot move it twice.
_ADVANCE = """
UPDATE followup.position AS p SET next_offset = moved.following
FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bigint[]) AS moved(topic, partition, expected, following)
WHERE p.topic = moved.topic AND p.partition = moved.partition AND p.next_offset = moved.expected
"""
# Roles go over as one text each: arrays of arrays must have one length.
_INSERT = f"""
INSERT INTO followup.delivery ({_COLUMNS})
SELECT delivery_id, event_id, event_type, agency, source,
    CASE WHEN roles = '' THEN '{{}}' ELSE string_to_array(roles, ',') END,
    area, clock, urgency, protection, restricted, subject, available_at, ack_by, pick_up_by, state, outcome,
    picked_up_at, acknowledged_at, acknowledged_role, step, next_due, recalled_by, answer
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::boolean[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
    %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::smallint[], %s::bigint[], %s::text[], %s::text[])
    AS new({_COLUMNS})
ON CONFLICT (delivery_id) DO NOTHING
RETURNING delivery_id
"""  # noqa: S608 - names of our own
_SELECT = f"SELECT {_COLUMNS} FROM followup.delivery"  # noqa: S608 - names of our own
_LOCKED = f"{_SELECT} WHERE delivery_id = ANY(%s) ORDER BY delivery_id FOR UPDATE"
_UPDATE = """
UPDATE followup.delivery AS d
SET pick_up_by = n.pick_up_by, state = n.state, outcome = n.outcome, picked_up_at = n.picked_up_at,
    acknowledged_at = n.acknowledged_at, acknowledged_role = n.acknowledged_role, step = n.step,
    next_due = n.next_due, recalled_by = n.recalled_by, answer = n.answer
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::smallint[],
    %s::bigint[], %s::text[], %s::text[])
    AS n(delivery_id, pick_up_by, state, outcome, picked_up_at, acknowledged_at, acknowledged_role, step, next_due,
        recalled_by, answer)
WHERE d.delivery_id = n.delivery_id
"""
_DUE = f"{_SELECT} WHERE next_due <= %s ORDER BY next_due, delivery_id LIMIT %s FOR UPDATE"
_LATE = f"""
{_SELECT}
WHERE state IN ('AVAILABLE', 'PICKED_UP') AND ack_by < %(now)s AND (%(agency)s::text IS NULL OR agency = %(agency)s)
ORDER BY ack_by, delivery_id LIMIT %(limit)s
"""
_ANSWERS = f"{_SELECT} WHERE answer = ANY(%s) AND state = 'ACKNOWLEDGED' ORDER BY delivery_id FOR UPDATE"
_KEEP_EARLY = f"""
INSERT INTO followup.early_receipt ({_EARLY_COLUMNS})
SELECT * FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT DO NOTHING
"""  # noqa: S608 - names of our own
_TAKE_EARLY = f"DELETE FROM followup.early_receipt WHERE delivery_id = ANY(%s) RETURNING {_EARLY_COLUMNS}"  # noqa: S608
_GIVE_UP_EARLY = f"""
DELETE FROM followup.early_receipt AS e
USING unnest(%s::text[], %s::integer[], %s::bigint[]) AS seen(topic, partition, until)
WHERE e.topic = seen.topic AND e.partition = seen.partition AND e."offset" < seen.until
RETURNING {", ".join("e." + name.strip() for name in _EARLY_COLUMNS.split(","))}
"""  # noqa: S608 - names of our own


class FollowupWriter:
    """Owns one connection and, through it, the right to follow up. Not thread-safe.

    When a method raises, close it and make a new one; what the database then says about positions is true.
    """

    def __init__(self, url: str) -> None:
        """Raises `AnotherEngine`, and as `connect` does."""
        self.connection = connect_alone(
            url,
            application="masa-followup",
            lock=_ENGINE_LOCK,
            otherwise=AnotherEngine("another process follows up with this database"),
        )

    def positions(self) -> dict[Partition, int]:
        """Next offset to read; a partition never read is absent."""
        with database_failures():
            rows = self.connection.execute(_POSITIONS).fetchall()
        return {Partition(topic, number): at for topic, number, at in rows}

    def close(self) -> None:
        """Gives the right back at once."""
        self.connection.close()


def advance(connection: Connection, moves: Mapping[Partition, tuple[int | None, int]]) -> None:
    """Move positions (partition -> expected, next); expected None: never read. Raises `PositionMoved`."""
    first = [(each.topic, each.partition, at) for each, (expected, at) in moves.items() if expected is None]
    later = [(each.topic, each.partition, *move) for each, move in moves.items() if move[0] is not None]
    for statement, rows, width in ((_START, first, 3), (_ADVANCE, later, 4)):
        if not rows:
            continue
        with database_failures():
            changed = connection.execute(statement, _columns(rows, width)).rowcount
        if changed != len(rows):
            raise PositionMoved("a stored position of the follow-up moved: another instance wrote")


def insert(connection: Connection, deliveries: Sequence[Delivery]) -> set[str]:
    """Store those that are not there yet; the ids of the new ones."""
    if not deliveries:
        return set()
    rows = [each._replace(roles=",".join(each.roles)) for each in deliveries]  # type: ignore[arg-type]
    with database_failures():
        return {name for (name,) in connection.execute(_INSERT, _columns(rows, len(Delivery._fields)))}


def locked(connection: Connection, delivery_ids: Collection[str]) -> dict[str, Delivery]:
    """These deliveries, each locked until the transaction ends; unknown ones are absent."""
    return {each.delivery_id: each for each in _rows(connection, _LOCKED, (sorted(delivery_ids),))}


def update(connection: Connection, deliveries: Iterable[Delivery]) -> None:
    """Write what may change of a delivery; each id once."""
    rows = [(each.delivery_id, *(getattr(each, name) for name in _CHANGING)) for each in deliveries]
    if rows:
        with database_failures():
            connection.execute(_UPDATE, _columns(rows, len(_CHANGING) + 1))


def due(connection: Connection, now: int, limit: int) -> list[Delivery]:
    """Deliveries whose next step is due, the longest overdue first, each locked."""
    return _rows(connection, _DUE, (now, limit))


def late(connection: Connection, now: int, *, agency: str | None, limit: int) -> list[Delivery]:
    """Deliveries that nobody has acknowledged in time, the longest overdue first."""
    return _rows(connection, _LATE, {"now": now, "agency": agency, "limit": limit})


def of_event(connection: Connection, event_id: str) -> list[Delivery]:
    """All deliveries of an event."""
    return _rows(connection, f"{_SELECT} WHERE event_id = %s ORDER BY agency", (event_id,))


def known(connection: Connection, delivery_id: str) -> bool:
    """Whether the follow-up has read of this delivery."""
    with database_failures():
        found = connection.execute("SELECT 1 FROM followup.delivery WHERE delivery_id = %s", (delivery_id,)).fetchone()
    return found is not None


def answered_by(connection: Connection, event_ids: Collection[str]) -> list[Delivery]:
    """Acknowledged deliveries whose outcome one of these events tells the publisher, each locked."""
    return _rows(connection, _ANSWERS, (sorted(event_ids),)) if event_ids else []


def keep_early(connection: Connection, receipts: Sequence[EarlyReceipt]) -> None:
    """Keep receipts whose delivery is not known yet."""
    if receipts:
        with database_failures():
            connection.execute(_KEEP_EARLY, _columns(receipts, len(EarlyReceipt._fields)))


def take_early(connection: Connection, delivery_ids: Collection[str]) -> list[EarlyReceipt]:
    """Receipts that waited for these deliveries, in the order they came; they wait no longer."""
    if not delivery_ids:
        return []
    with database_failures():
        rows = connection.execute(_TAKE_EARLY, (list(delivery_ids),)).fetchall()
    return sorted(EarlyReceipt(*row) for row in rows)


def give_up_early(connection: Connection, until: Mapping[Partition, int]) -> list[EarlyReceipt]:
    """Receipts that still wait and were read from below these offsets; they wait no longer."""
    wanted = [(each.topic, each.partition, at) for each, at in until.items()]
    with database_failures():
        rows = connection.execute(_GIVE_UP_EARLY, _columns(wanted, 3)).fetchall()
    return sorted(EarlyReceipt(*row) for row in rows)


def _rows(connection: Connection, statement: str, wanted: Any) -> list[Delivery]:
    with database_failures(), connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(statement, wanted).fetchall()


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as one list a column, for `unnest`."""
    return [[row[index] for row in rows] for index in range(width)]
