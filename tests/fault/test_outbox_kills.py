"""An agency's outbox relay, killed at random moments: every row exactly once in the ledger.

Rows are written all the while, in transactions of which some are rolled back. The exchange itself is left alone here.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import psycopg
import pytest

from connectors.kafka.reader import read_topic
from connectors.kafka.topics import AUDIT
from connectors.postgres.agency_outbox import table_sql
from connectors.postgres.embedded import EmbeddedPostgres
from connectors.settings import Settings
from schemas.codec import decode_record
from tests.integration.masa_command import MASA, Exchange
from tests.support import wait_for

pytestmark = pytest.mark.fault

KILLS = 10  # at each door
ROWS_A_SECOND = 60
SETTLED_SECONDS = 150.0
ROLLED_BACK = 0.1  # share of transactions
AGENCIES = {
    "kafka": ("northshire-police", "police.domestic-abuse-incident"),
    "http": ("oakfield-primary", "education.absence-concern"),
}
FILLED = ("eventId", "sourceOrg", "masaId", "publishedAt", "recordedAt", "schemaVersion", "sequence")


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    made = Exchange(tmp_path_factory.mktemp("outbox") / "data")
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def agency_database(postgres_server: EmbeddedPostgres, request: pytest.FixtureRequest) -> Iterator[str]:
    """A PostgreSQL of the agency's own, with the table."""
    name = f"agency_{request.node.callspec.id}"
    url = postgres_server.create_database(name)
    with psycopg.connect(url) as connection:
        connection.execute(table_sql().encode())
        connection.execute(table_sql().encode())  # safe to run again
    yield url
    postgres_server.drop_database(name)


class Writer(threading.Thread):
    """An agency's software: rows in transactions of one to forty, some of which never happen."""

    def __init__(self, url: str, event: dict[str, Any], rng: Random) -> None:
        super().__init__(daemon=True, name="writer")
        self._url, self._event, self._rng = url, event, rng
        self.stop = threading.Event()
        self.ids: list[str] = []  # of committed rows, in order
        self.never: list[str] = []  # of those that were rolled back

    def run(self) -> None:
        with psycopg.connect(self._url) as connection:
            while not self.stop.is_set():
                size = self._rng.choice((1, 1, 5, 40))
                ids = [self._insert(connection, len(self.ids) + number) for number in range(size)]
                if self._rng.random() < ROLLED_BACK:
                    connection.rollback()
                    self.never += ids
                else:
                    connection.commit()
                    self.ids += ids
                self.stop.wait(size / ROWS_A_SECOND)

    def _insert(self, connection: psycopg.Connection[Any], number: int) -> str:
        envelope = {**self._event["envelope"], "sourceRef": f"case-{number}"}
        event = json.dumps({**self._event, "envelope": envelope})
        query = "INSERT INTO masa_outbox (event) VALUES (%s) RETURNING event_id::text"
        row = connection.execute(query, (event,)).fetchone()
        assert row is not None
        return str(row[0])


class Relay:
    """`masa outbox relay` as a process."""

    def __init__(self, exchange: Exchange, door: str, url: str) -> None:
        agency, _ = AGENCIES[door]
        where = ["--data-dir", str(exchange.data_dir)]
        self._command = [*MASA, "outbox", "relay", "--agency", agency, "--door", door, *where]
        self._env = {**os.environ, "MASA_OUTBOX_DATABASE_URL": url}
        self._log = exchange.data_dir / f"outbox-relay-{door}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def start(self) -> None:
        self._starts += 1
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._env)

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        self._process.kill()
        self._process.wait(10)

    def end(self) -> int:
        """SIGTERM, once it has said that it heeds it; the exit status."""
        assert self._process is not None
        wait_for(lambda: self._log.read_text(errors="replace").count('"process.ready"') == self._starts, what="ready")
        self._process.terminate()
        return self._process.wait(60)

    def said(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]


def count(url: str, query: str, *values: Any) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode(), values).fetchone()
    return int(row[0]) if row else 0


def waiting(url: str) -> int:
    """Rows of the table."""
    return count(url, "SELECT count(*) FROM masa_outbox")


def killed_at_work(relay: Relay, writer: Writer, url: str, after_seconds: float) -> None:
    """At any moment: amid a batch, between two, idle."""
    left = waiting(url)
    before = len(writer.ids) - left  # at most too much
    relay.start()

    def relayed() -> bool:
        written = len(writer.ids)
        return written - waiting(url) > before

    wait_for(relayed, SETTLED_SECONDS, what="the relay at work")
    time.sleep(after_seconds)
    relay.kill()


def killed_in_the_gap(relay: Relay, url: str) -> None:
    """The exchange has the events, and the rows are still there: held fast here, so that they cannot be deleted."""
    wait_for(lambda: waiting(url) > 0, what="rows to relay")
    stuck = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'masa-outbox-relay' AND wait_event_type = 'Lock'"
    )
    with psycopg.connect(url) as connection:
        connection.execute("SELECT seq FROM masa_outbox FOR UPDATE")
        relay.start()
        wait_for(lambda: count(url, stuck) > 0, SETTLED_SECONDS, what="a relay that waits to delete")
        relay.kill()
        connection.rollback()


@pytest.mark.timeout(420)
@pytest.mark.parametrize("door", sorted(AGENCIES))
def test_every_row_is_exactly_once_in_the_ledger_however_often_the_relay_is_killed(
    door: str, exchange: Exchange, agency_database: str
) -> None:
    """Committed rows are there, once; rolled back ones are not; each was decided once; the table is empty."""
    rng = Random(f"outbox-{door}")
    event = json.loads(exchange.example(AGENCIES[door][1]))
    for name in FILLED:
        del event["envelope"][name]
    writer, relay = Writer(agency_database, event, rng), Relay(exchange, door, agency_database)
    database = Settings.load(exchange.data_dir, {}).database()
    writer.start()
    for number in range(KILLS):
        if number % 2:
            killed_in_the_gap(relay, agency_database)
        else:
            killed_at_work(relay, writer, agency_database, rng.random() * 0.5)
    writer.stop.set()
    writer.join(60)
    relay.start()
    wait_for(lambda: waiting(agency_database) == 0, SETTLED_SECONDS, what="an empty table")
    rows = len(writer.ids)
    there = "SELECT count(*) FROM ledger.event WHERE event_id = ANY(%s) AND kind IN ('DECIDED', 'UNROUTED')"
    wait_for(lambda: count(database, there, writer.ids) >= rows, SETTLED_SECONDS, what=f"{rows} in the ledger")
    assert relay.end() == 0
    assert len(set(writer.ids)) == rows > KILLS * 10
    assert count(database, there, writer.ids) == rows
    assert count(database, there, writer.never) == 0
    repeats = decided(exchange, set(writer.ids))
    # What Kafka was sent twice the router knew again; at the gateway nothing is written twice.
    assert repeats >= KILLS // 2 if door == "kafka" else repeats == 0


def decided(exchange: Exchange, ids: set[str]) -> int:
    """The plainest second opinion: the audit has each event decided once, whatever was sent again. How many were."""
    kinds: Counter[tuple[str, str]] = Counter()
    for record in read_topic(Settings.load(exchange.data_dir, {}).kafka(), [AUDIT]):
        audit = decode_record("audit", record.value or b"")
        if audit["eventId"] in ids:
            kinds[audit["eventId"], audit["kind"]] += 1
    decided_once = {each: kinds[each, "DECIDED"] + kinds[each, "UNROUTED"] for each in ids}
    assert {each: times for each, times in decided_once.items() if times != 1} == {}
    assert {kind for _, kind in kinds} <= {"DECIDED", "UNROUTED", "REPEATED"}
    return sum(times for (_, kind), times in kinds.items() if kind == "REPEATED")
