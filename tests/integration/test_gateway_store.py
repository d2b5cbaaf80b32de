"""The gateway's tables and statements on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from connectors.errors import RetryLater
from connectors.kafka.publisher import Outgoing
from connectors.kafka.topics import GATEWAY_INBOX
from connectors.postgres import gateway_publications, gateway_store
from connectors.postgres.connection import connect
from connectors.postgres.gateway_fill import AnotherFiller, FillWriter, PositionMoved
from connectors.postgres.gateway_people import SessionStore
from connectors.postgres.gateway_publications import PublicationRow
from connectors.postgres.gateway_store import DeliveryRow
from connectors.postgres.migrate import migrate
from connectors.postgres.outbox import AnotherRelay, OutboxReader, enqueue, waiting
from connectors.postgres.pool import Pool
from schemas.registry import load_event_types
from streams.gateway.filler import arrived
from streams.gateway.housekeeping import tidy
from tests.events import NOW_MS
from tests.integration.gateway_support import OTHER_SCHOOL, SCHOOL, SEALER, Told, delivered, empty, record

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000
LATER = NOW_MS + 1_000_000


@pytest.fixture
def database(postgres: str) -> str:
    """A migrated, empty store."""
    migrate(postgres)
    empty(postgres)
    return postgres


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    made = Pool(database, size=20, application="test")
    yield made
    made.close()


def claim(pool: Pool, lease: str, *, now: int = LATER, limit: int = 10, agency: str = SCHOOL) -> list[DeliveryRow]:
    with pool.transaction() as connection:
        return gateway_store.claim(
            connection, agency, roles=None, limit=limit, lease=lease, holder="me", now=now, until=now + 60_000
        )


def test_what_arrives_is_stored_as_its_headers_say(database: str, pool: Pool) -> None:
    """Recipient, roles, deadline, urgency and content; the same delivery again is no second one."""
    (identity,) = delivered(database, record(envelope__urgency="IMMEDIATE"))
    assert delivered(database, record(envelope__urgency="ROUTINE")) == [identity]
    (row,) = claim(pool, "L")
    assert (row.delivery_id, row.agency, row.roles, row.urgency) == (identity, SCHOOL, ["dsl"], 1)
    assert (row.ack_by, row.source_area, row.state) == (NOW_MS + DAY_MS, "northshire", "LEASED")
    assert row.headers["masa-rule"] == "encompass-dsl"
    assert SEALER.unseal(row.value or b"", identity) == record(envelope__urgency="IMMEDIATE").value


def test_content_that_cannot_be_read_is_stored_as_most_urgent(database: str, pool: Pool) -> None:
    """Nothing expires unseen: it comes before everything else."""
    delivered(database, record(1, envelope__urgency="IMMEDIATE"), record(2)._replace(value=b"\xc3\x01nonsense"))
    assert [row.urgency for row in claim(pool, "L")] == [0, 1]


def test_a_record_without_recipient_or_id_is_none() -> None:
    """Only the filler's counter knows of it."""
    assert arrived(record()._replace(headers=()), load_event_types(), SEALER) is None


def test_pollers_at_once_get_different_deliveries(database: str, pool: Pool) -> None:
    """20 pollers: each delivery is claimed once, urgent ones first, none is left."""
    delivered(database, *(record(n, envelope__urgency="URGENT" if n % 2 else "ROUTINE") for n in range(1, 101)))
    delivered(database, *(record(n, OTHER_SCHOOL) for n in range(200, 205)))
    with ThreadPoolExecutor(20) as threads:
        claims = list(threads.map(lambda n: claim(pool, f"L{n}", limit=5), range(20)))
    got = Counter(row.delivery_id for rows in claims for row in rows)
    got += Counter(row.delivery_id for row in claim(pool, "rest", limit=100))  # skipped while others held them
    assert set(got.values()) == {1}
    assert len(got) == 100
    assert all([row.urgency for row in rows] == sorted(row.urgency for row in rows) for rows in claims)


def test_a_lease_that_ran_out_can_be_claimed_anew(database: str, pool: Pool) -> None:
    """A poller that died keeps nothing for ever; the new lease is another one."""
    delivered(database, record())
    (first,) = claim(pool, "first")
    assert claim(pool, "second", now=LATER + 59_999) == []
    (second,) = claim(pool, "second", now=LATER + 60_000)
    assert first.lease != second.lease


@pytest.mark.parametrize("state", ["FROZEN", "RECALLED"])
def test_frozen_and_recalled_deliveries_are_neither_claimed_nor_listed(database: str, pool: Pool, state: str) -> None:
    """Recall sets these states; nothing here lets the content out."""
    delivered(database, record())
    with connect(database) as connection:
        connection.execute("UPDATE gateway_delivery SET state = %s", (state,))
    assert claim(pool, "L") == []
    with pool.transaction() as connection:
        assert gateway_store.listed(connection, SCHOOL, ["dsl"], limit=10) == []


def test_an_outcome_cannot_be_missing(database: str) -> None:
    """The database itself refuses an acknowledged delivery without one."""
    delivered(database, record())
    with connect(database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE gateway_delivery SET state = 'ACKNOWLEDGED'")


def test_deliveries_and_their_position_are_stored_together(database: str) -> None:
    """A position that somebody else moved undoes the rows too; a second filler has to wait."""
    row = arrived(record(), load_event_types(), SEALER)
    assert row is not None
    writer = FillWriter(database, GATEWAY_INBOX)
    try:
        assert writer.write([row], {0: (None, 1)}) == 1
        with pytest.raises(AnotherFiller):
            FillWriter(database, GATEWAY_INBOX)
        fresh = row._replace(delivery_id="other")
        with pytest.raises(PositionMoved):
            writer.write([fresh], {0: (7, 8)})
        assert writer.positions() == {0: 1}
        assert writer.write([row], {0: (1, 2)}) == 0
    finally:
        writer.close()
    with connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM gateway_delivery").fetchone() == (1,)


def test_the_outbox_keeps_order_bytes_and_headers_until_told(database: str, pool: Pool) -> None:
    """What a transaction wrote and took back is never seen; a taken record stays until it is dropped."""
    records = [Outgoing("a", b"\x00\xff", b"k", (("h", b"\xfe"), ("h", None))), Outgoing("b", None, None)]
    with pool.transaction() as connection:
        enqueue(connection, records)
    with pool.transaction() as connection:
        enqueue(connection, [Outgoing("lost", b"")])
        raise psycopg.Rollback
    reader = OutboxReader(database)
    try:
        with pytest.raises(AnotherRelay):
            OutboxReader(database)
        taken = reader.take(10)
        assert [tuple(each.record)[:3] for each in taken] == [tuple(each)[:3] for each in records]
        assert list(taken[0].record.headers) == list(records[0].headers)
        assert reader.take(10) == taken
        reader.drop(taken)
        assert reader.take(10) == []
    finally:
        reader.close()
    with pool.transaction() as connection:
        assert waiting(connection) == 0


def test_the_first_publication_under_a_key_stands(pool: Pool) -> None:
    """Even of two in one call; a place is noted once."""

    def row(key: str, event_id: str) -> PublicationRow:
        return PublicationRow(SCHOOL, key, b"digest", event_id, "type", NOW_MS)

    with pool.transaction() as connection:
        reserved = gateway_publications.reserve(connection, [row("k", "1"), row("k", "2"), row("other", "3")])
        assert {key[1]: each.event_id for key, each in reserved.items()} == {"k": "1", "other": "3"}
    with pool.transaction() as connection:
        again = gateway_publications.reserve(connection, [row("k", "4"), row("new", "5")])
        assert {key[1]: each.event_id for key, each in again.items()} == {"k": "1", "new": "5"}
        for offset in (7, 8):
            gateway_publications.placed(connection, [row("k", "1")._replace(topic="t", partition=0, offset=offset)])
        found = gateway_publications.of_event(connection, "1", SCHOOL)
        assert found is not None
        assert found.offset == 7
        assert gateway_publications.of_event(connection, "1", OTHER_SCHOOL) is None


def test_a_session_ends_by_idling_at_its_time_and_by_being_dropped(pool: Pool) -> None:
    """And is found until then."""
    sessions = SessionStore(pool)
    for key in (b"idle", b"late", b"gone"):
        sessions.put(key, {"who": "x"}, now=NOW_MS, expires_at=NOW_MS + 1_000)
    found = sessions.get(b"late", now=NOW_MS + 400, idle_ms=500)
    assert found is not None
    assert (found.data, found.created_at, found.seen_at) == ({"who": "x"}, NOW_MS, NOW_MS + 400)
    assert sessions.get(b"idle", now=NOW_MS + 600, idle_ms=500) is None
    assert sessions.get(b"late", now=NOW_MS + 800, idle_ms=500) is not None
    assert sessions.get(b"late", now=NOW_MS + 1_000, idle_ms=500) is None
    sessions.drop(b"gone")
    assert sessions.get(b"gone", now=NOW_MS, idle_ms=500) is None


def test_content_is_purged_after_14_days_and_the_rest_kept(database: str, pool: Pool) -> None:
    """Frozen content is evidence and stays; nobody loses sight of what was not dealt with (A-04, D-08)."""
    old, frozen, _ = delivered(database, record(1), record(2), record(3)._replace(timestamp=NOW_MS + DAY_MS))
    with connect(database) as connection:
        connection.execute("UPDATE gateway_delivery SET state = 'FROZEN' WHERE delivery_id = %s", (frozen,))
    told = Told()
    assert tidy(pool, told, now=NOW_MS + 14 * DAY_MS + 10) == Counter({"AVAILABLE": 1})  # type: ignore[arg-type]
    assert told.counts == {"purged AVAILABLE": 1}
    rows = {row.delivery_id: row.value for row in claim(pool, "L")}
    assert rows[old] is None
    assert len(rows) == 2
    assert None not in [value for identity, value in rows.items() if identity != old]
    with connect(database) as connection:
        connection.execute("UPDATE gateway_delivery SET state = 'RECALLED' WHERE delivery_id = %s", (old,))
    tidy(pool, told, now=NOW_MS + 400 * DAY_MS)
    with connect(database) as connection:
        left = {identity for (identity,) in connection.execute("SELECT delivery_id FROM gateway_delivery")}
    assert old in left
    tidy(pool, told, now=NOW_MS + 401 * DAY_MS)
    with connect(database) as connection:
        left -= {identity for (identity,) in connection.execute("SELECT delivery_id FROM gateway_delivery")}
    assert left == {old}  # nobody dealt with the others


def test_a_pool_that_is_used_up_says_so_and_heals_after_a_broken_connection(database: str) -> None:
    """Whoever finds no connection is told to come back; one that the server cut is replaced."""
    small = Pool(database, size=1, application="test", wait_seconds=0.05)
    with small.transaction() as connection:
        pid = connection.info.backend_pid
        with pytest.raises(RetryLater, match="in use"), small.transaction():
            pass
    with connect(database) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with pytest.raises(RetryLater), small.transaction() as connection:
        connection.execute("SELECT 1")
    with small.transaction() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    small.close()
