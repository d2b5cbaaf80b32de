"""`masa up` under stops and kills: what was running ends, what was known stays, what is wrong is said."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.waiting import wait_until
from tests.integration.masa_command import MASA, Exchange, running

pytestmark = pytest.mark.integration


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = Exchange(tmp_path / "data")
    yield made
    made.close()


def reconciled(exchange: Exchange) -> int:
    """Events in agreeing books."""
    (report,) = exchange.rows("ledger", "reconcile", "--json")
    assert (report["missing"], report["duplicate"], report["unexplained"]) == ([], [], []), report
    return int(report["audited"])


def all_audited(exchange: Exchange, events: int) -> None:
    def there() -> bool:
        done = exchange.masa("ledger", "reconcile", "--json")
        if done.returncode == 3:  # what was killed is not back yet
            return False
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        report = json.loads(done.stdout)
        return bool(report["audited"] >= events and report["ledger"]["behind"] == 0)

    wait_until(there, timeout=90, what="the audit of everything published")


def test_all_of_it_runs_and_ends_with_it(exchange: Exchange) -> None:
    """Every process is a child of the run; SIGTERM leaves none. What kills do to them: tests/fault/test_restart.py."""
    exchange.start("--slots", "2")
    (made,) = exchange.rows("simulate", "--events", "200", "--seed", "1")
    all_audited(exchange, made["records"])
    assert reconciled(exchange) >= made["records"]
    children = exchange.children()
    services = {"kafka", "postgres", "router-0", "router-1", "ledger", "issuer", "gateway", "followup", "streams-0"}
    assert set(children) == services | {"exporter", "prometheus"}
    assert exchange.stop() == 0
    assert running(children) == []


def test_a_second_run_in_the_same_directory_is_refused(exchange: Exchange) -> None:
    """It says so with status 3 and leaves the first one alone; the first ends by itself after --for."""
    exchange.start("--for", "20")
    second = Exchange(exchange.data_dir)
    done = second.masa("up")
    assert done.returncode == 3
    assert "already runs" in done.stderr
    assert exchange.masa("doctor").returncode == 0
    wait_until(lambda: not exchange.children(), timeout=90, what="the end by --for")


def test_the_demo_shows_traffic_as_plain_lines_when_nobody_watches(exchange: Exchange) -> None:
    """Events and deliveries rise, and the figures are named."""
    exchange.start("--demo", "--rate", "50")

    def deliveries() -> int:
        lines = [line for line in exchange.said().splitlines() if line.startswith("events ")]
        return int(lines[-1].split("deliveries")[1].split()[0]) if lines else 0

    wait_until(lambda: deliveries() > 50, timeout=60, what="deliveries in the summary")
    last = exchange.said().splitlines()[-1]
    for name in ("withheld", "held", "rejected", "oldest undelivered"):
        assert name in last
    assert exchange.stop() == 0


def test_without_java_the_error_says_what_to_install(tmp_path: Path) -> None:
    """Status 3, no traceback, and nothing left running."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    without = Exchange(tmp_path / "data", env={"PATH": str(bin_dir)})
    done = without.masa("up")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    for word in ("Java 17", "apt-get install", "brew install", "WSL", "KAFKA_BOOTSTRAP_SERVERS"):
        assert word in done.stderr
    assert without.children() == {}


def test_a_broken_area_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """Status 1, the file and line of the fault, and no data directory."""
    area = tmp_path / "northshire"
    area.mkdir()
    (area / "area.yaml").write_text("area: northshire\nnome: Northshire\n")
    command = [*MASA, "up", "--data-dir", str(tmp_path / "data"), "--area", str(area)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))
    assert done.returncode == 1
    assert "area.yaml:2:" in done.stderr
    assert not (tmp_path / "data").exists()
