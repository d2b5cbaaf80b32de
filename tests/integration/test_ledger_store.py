"""The ledger's tables and questions on a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import ChangeSettings, RetryLater
from connectors.kafka.topics import AUDIT
from connectors.postgres.connection import Connection, connect
from connectors.postgres.migrate import migrate
from schemas.codec import encode_record
from schemas.registry import load_event_types
from streams.ledger import queries
from streams.ledger.audit import audit_row_reader
from streams.ledger.rows import Rows
from streams.ledger.store import AnotherWriter, LedgerWriter, OwnershipLost
from tests.unit.ledger.world import NOW, OUTBOX, RULE_SET, audit, delivery_id, outcome

pytestmark = pytest.mark.integration
READER = audit_row_reader()
LEAVES = queries.leaf_paths(load_event_types())
AT = {0: (None, 1)}


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """A migrated, empty ledger."""
    migrate(postgres)
    with connect(postgres) as connection:
        connection.execute("TRUNCATE ledger.event, ledger.outcome, ledger.progress, ledger.chain")
    return postgres


def rows(offset: int, *records: dict[str, Any]) -> list[Rows]:
    return [READER.rows(0, offset + n, NOW, encode_record("audit", each)) for n, each in enumerate(records)]


def store(database: str, *records: dict[str, Any]) -> None:
    writer = LedgerWriter(database, AUDIT)
    try:
        writer.write(rows(0, *records), {0: (None, len(records))})
    finally:
        writer.close()


def counted(database: str) -> tuple[Any, ...]:
    with connect(database) as connection:
        return tuple(
            connection.execute(f"SELECT count(*) FROM ledger.{table}").fetchone()[0]  # type: ignore[index] # noqa: S608
            for table in ("event", "outcome", "progress")
        )


def test_migrating_twice_and_at_once_is_harmless(postgres: str) -> None:
    """Several processes that start together leave one schema."""
    command = [
        sys.executable,
        "-c",
        "import sys; from connectors.postgres.migrate import migrate; migrate(sys.argv[1])",
    ]
    started = [subprocess.Popen([*command, postgres]) for _ in range(2)]
    assert [each.wait(60) for each in started] == [0, 0]
    migrate(postgres)
    with connect(postgres) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_months_are_made_when_they_are_first_written(database: str) -> None:
    """Rows of two months go to two tables each, and a second writer finds them there."""
    store(database, audit(0, outcomes=[outcome(0, "csc")]), audit(1, decidedAt=NOW + 40 * 86_400_000))
    with connect(database) as connection:
        found = connection.execute("SELECT tableoid::regclass::text FROM ledger.event ORDER BY 1").fetchall()
    assert found == [("ledger.event_2026_09",), ("ledger.event_2026_10",)]
    writer = LedgerWriter(database, AUDIT)
    writer.write(rows(2, audit(2)), {0: (2, 3)})
    writer.close()
    assert counted(database) == (3, 1, 1)


def test_readers_do_not_keep_a_new_month_waiting(database: str) -> None:
    """A long read of the ledger must not stop the writer at the turn of the month."""
    store(database, audit(0))
    with connect(database) as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM ledger.event")
        writer = LedgerWriter(database, AUDIT)
        writer.write(rows(1, audit(1, decidedAt=NOW + 900 * 86_400_000)), {0: (1, 2)})
        writer.close()
    assert counted(database)[0] == 2


def test_a_second_writer_is_refused_while_the_first_lives(database: str) -> None:
    """Only one instance may write, and its end frees the ledger."""
    first = LedgerWriter(database, AUDIT)
    with pytest.raises(AnotherWriter, match="another ledger instance"):
        LedgerWriter(database, AUDIT)
    first.close()
    LedgerWriter(database, AUDIT).close()


def test_a_writer_whose_offsets_were_moved_keeps_nothing(database: str) -> None:
    """Even without the lock, stored offsets are compared and set: the batch that lost leaves no row."""
    writer = LedgerWriter(database, AUDIT)
    writer.write(rows(0, audit(0)), {0: (None, 1)})
    with connect(database) as connection:
        connection.execute("UPDATE ledger.progress SET next_offset = 2")
    with pytest.raises(OwnershipLost, match="another instance wrote"):
        writer.write(rows(1, audit(1, outcomes=[outcome(1, "csc")])), {0: (1, 2)})
    with pytest.raises(OwnershipLost):
        writer.write(rows(1, audit(1)), {0: (None, 2)})
    writer.close()
    assert counted(database) == (1, 0, 1)


def test_a_lost_connection_is_worth_a_retry_and_leaves_nothing(database: str) -> None:
    """A session that the server ended in between has stored nothing of its batch."""
    writer = LedgerWriter(database, AUDIT)
    with connect(database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'masa-ledger' AND datname = current_database()"
        )
    with pytest.raises(RetryLater, match="postgresql is not available"):
        writer.write(rows(0, audit(0)), {0: (None, 1)})
    writer.close()
    assert counted(database) == (0, 0, 0)


def test_a_database_that_was_not_migrated_is_named(postgres_server: Any) -> None:
    """The operator is told to migrate."""
    url = postgres_server.create_database("never_migrated")
    with pytest.raises(ChangeSettings, match="was it migrated"):
        LedgerWriter(url, AUDIT)
    postgres_server.drop_database("never_migrated")


def test_text_that_postgresql_cannot_hold_is_stored_all_the_same(database: str) -> None:
    """Poison on the audit stream becomes rows, not a stop."""
    writer = LedgerWriter(database, AUDIT)
    poison = rows(0, audit(0, eventId="a\0b\U0001f9f8", outcomes=[outcome(0, "c\0d", reasons=[])]))
    poison += [READER.rows(0, 1, -1, b"junk"), READER.rows(0, 2, NOW, None)]
    writer.write(poison, {0: (None, 3)})
    writer.close()
    with connect(database) as connection:
        kinds = connection.execute(
            "SELECT kind, event_id, decided_at FROM ledger.event ORDER BY audit_offset"
        ).fetchall()
    assert kinds[0][:2] == ("DECIDED", "a\ufffdb\U0001f9f8")
    assert [kind for kind, _, _ in kinds[1:]] == ["UNREADABLE"] * 2
    assert kinds[0][2] == datetime.fromtimestamp(NOW / 1000, UTC)


# --- questions --------------------------------------------------------------------------------------------------
def asked(database: str) -> Connection:
    return connect(database)


def test_show_lists_every_candidate_once_with_leaf_paths(database: str) -> None:
    """The whole answer about one event, withheld records spelled out leaf by leaf."""
    withheld = [{"reason": "NOT_IN_SHARE", "paths": ["envelope.safeContact", "note"]}]
    store(database, audit(0, outcomes=[outcome(0, "csc", withheld=withheld), outcome(0, "gp", "DENIED")]))
    with asked(database) as connection:
        answer = queries.show(connection, "00000000-0000-0000-0000-000000000000", leaves=LEAVES)
    first, second = answer.pop("outcomes")
    assert answer == {
        "eventId": "00000000-0000-0000-0000-000000000000",
        "eventType": "police.domestic-abuse-incident",
        "source": "northshire-police",
        "ruleSet": RULE_SET,
        "decidedAt": "2026-09-21T14:13:20.000Z",
        "kind": "DECIDED",
        "reasons": [],
        "rejection": None,
        "receivedAt": "2026-09-21T14:13:20.000Z",
        "position": {"topic": OUTBOX, "partition": 0, "offset": 0},
        "audit": {"partition": 0, "offset": 0},
        "repeats": [],
        "others": [],
    }
    assert [each["path"] for each in first["withheld"]] == [
        "envelope.safeContact.callSafe",
        "envelope.safeContact.textSafe",
        "envelope.safeContact.letterSafe",
        "envelope.safeContact.byWhom",
        "envelope.safeContact.whenSafe",
        "note",
    ]
    assert (first["deliveryId"], first["ackBy"]) == (delivery_id(0, "csc"), "2026-09-21T18:13:20.000Z")
    assert (second["agency"], second["outcome"], second["reasons"], second["withheld"]) == (
        "gp",
        "DENIED",
        ["NO_RULE"],
        [],
    )


def test_show_tells_the_decision_from_repeats_and_reused_ids(database: str) -> None:
    """Whatever came first on the stream, the decision answers; the rest is mentioned."""
    one = "00000000-0000-0000-0000-000000000001"
    rejection = {"reason": "ID_REUSED", "path": "envelope.eventId", "explanation": "x"}
    store(
        database,
        audit(0, "HELD", eventId=one),
        audit(1, outcomes=[outcome(1, "csc")]),
        audit(2, "REPEATED", eventId=one, firstSeen={"topic": OUTBOX, "partition": 0, "offset": 1}),
        audit(3, "REJECTED", eventId=one, rejection=rejection),
    )
    with asked(database) as connection:
        answer = queries.show(connection, one, leaves=LEAVES)
    assert (answer["kind"], answer["position"]["offset"]) == ("DECIDED", 1)
    assert [each["position"]["offset"] for each in answer["repeats"]] == [2]
    assert answer["repeats"][0]["firstSeen"] == {"topic": OUTBOX, "partition": 0, "offset": 1}
    assert [(each["kind"], each["rejection"]) for each in answer["others"]] == [("HELD", None), ("REJECTED", rejection)]


def test_a_rejected_event_is_found_by_its_id(database: str) -> None:
    """With the reason, the field and what would be right."""
    rejection = {"reason": "REQUIRED_FIELD", "path": "envelope.urgency", "explanation": "is UNKNOWN: another word"}
    store(database, audit(0, "REJECTED", rejection=rejection))
    with asked(database) as connection:
        answer = queries.show(connection, "00000000-0000-0000-0000-000000000000", leaves=LEAVES)
    assert (answer["kind"], answer["rejection"], answer["outcomes"]) == ("REJECTED", rejection, [])


def test_an_event_of_an_unknown_type_keeps_its_short_paths(database: str) -> None:
    """A type that this version does not know is shown as it was audited."""
    store(database, audit(0, eventType="future.type", outcomes=[outcome(0, "csc")]))
    with asked(database) as connection:
        answer = queries.show(connection, "00000000-0000-0000-0000-000000000000", leaves=LEAVES)
    assert [each["path"] for each in answer["outcomes"][0]["withheld"]] == ["envelope.child.name", "note"]


def test_an_unknown_event_is_said_to_be_unknown(database: str) -> None:
    """The message says what to check."""
    with asked(database) as connection, pytest.raises(queries.NotInLedger, match="`nope` is not in the ledger"):
        queries.show(connection, "nope", leaves=LEAVES)


def test_deliveries_are_found_by_agency_time_and_outcome(database: str) -> None:
    """Newest first, each condition narrowing."""
    store(
        database,
        audit(0, outcomes=[outcome(0, "csc"), outcome(0, "gp", "DENIED")]),
        audit(1, outcomes=[outcome(1, "csc", "HELD"), outcome(1, "gp")]),
        audit(2, outcomes=[outcome(2, "csc")]),
    )

    def found(**conditions: Any) -> list[tuple[int, str, str]]:
        with asked(database) as connection:
            answer = queries.deliveries(connection, **conditions)
        return [(each["position"]["offset"], each["agency"], each["outcome"]) for each in answer]

    assert found(agency="csc") == [(2, "csc", "DELIVERED"), (1, "csc", "HELD"), (0, "csc", "DELIVERED")]
    assert found(outcome="DENIED") == [(0, "gp", "DENIED")]
    assert found(agency="gp", since=datetime.fromtimestamp((NOW + 1) / 1000, UTC)) == [(1, "gp", "DELIVERED")]
    assert len(found()) == 5
    assert len(found(limit=2)) == 2


def test_position_and_counts_say_how_far_the_ledger_is(database: str) -> None:
    """Newest decision, next offsets, and totals by kind and outcome."""
    store(database, audit(0, outcomes=[outcome(0, "csc")]), audit(1, "UNROUTED"))
    with asked(database) as connection:
        assert queries.position(connection) == {
            "newestDecidedAt": "2026-09-21T14:13:20.001Z",
            "partitions": [{"topic": AUDIT, "partition": 0, "nextOffset": 2}],
        }
        assert queries.counts(connection) == {"kinds": {"DECIDED": 1, "UNROUTED": 1}, "outcomes": {"DELIVERED": 1}}
