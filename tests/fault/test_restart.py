"""Anything may stop or be killed, at any time, and the exchange goes on where it was: nothing lost, nothing twice.

Traffic is published all the while; after each blow the test waits until what was published before and after it is
routed and in the ledger.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from connectors.settings import Settings
from tests.fault.running import Victims, audited_of, await_routed, delivered_as_promised, processes_of, reconciled
from tests.fault.traffic import Position, Publishers
from tests.integration.masa_command import Exchange
from tests.support import wait_for

pytestmark = pytest.mark.fault

RATE = 100.0  # events a second
UNDER_LOAD = 300  # events published before and after a blow


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = Exchange(tmp_path / "data")
    yield made
    made.close()


class Load:
    """Publishers that run until told to stop, one after the other when the exchange itself is down in between."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._runs: list[Publishers] = []

    def start(self) -> None:
        seed = len(self._runs) + 1
        self._runs.append(Publishers(self._data_dir, events=100_000, rate=RATE, seed=seed))
        self._runs[-1].start()

    def stop(self) -> None:
        self._runs[-1].stop()
        self._runs[-1].check()

    def more(self, events: int = UNDER_LOAD) -> None:
        """Return when so many more have been published."""
        run = self._runs[-1]
        goal = run.done + events

        def there() -> bool:
            run.check()
            return run.done >= goal

        wait_for(there, 200, what=f"{events} more events published")

    def positions(self) -> list[Position]:
        return [position for run in self._runs for position in run.positions]

    def await_routed(self) -> None:
        ends: dict[tuple[str, int], int] = {}
        for run in self._runs:
            for where, at in run.ends().items():
                ends[where] = max(at, ends.get(where, 0))
        await_routed(self._data_dir, ends, published=self.positions())


def sound(exchange: Exchange, load: Load) -> None:
    """Everything published is audited once, everything promised is delivered once, and the checker agrees."""
    report = reconciled(exchange)
    kafka = Settings.load(exchange.data_dir, {}).kafka()
    published = load.positions()
    audited, own, promised = audited_of(kafka, published)
    assert set(audited) == set(published)
    assert audited.total() == len(published)
    assert len(published) <= report["events"] <= len(published) + own
    delivered_as_promised(kafka, promised, published)


@pytest.mark.timeout(420)
def test_each_part_is_killed_under_load(exchange: Exchange) -> None:
    """PostgreSQL, Kafka, the ledger and a router, each `kill -9` while events flow: each comes back by itself."""
    exchange.start("--slots", "2")
    victims, load = Victims(exchange.data_dir), Load(exchange.data_dir)
    load.start()
    for name in ("postgres", "router-0", "kafka", "ledger"):
        load.more()
        before = victims.pid(name)
        victims.kill(name)
        load.more()
        back = wait_for(lambda: victims.pid(name), 90, what=f"`{name}` running again")  # noqa: B023 - waited for here
        assert back != before
    load.stop()
    load.await_routed()
    sound(exchange, load)


@pytest.mark.timeout(420)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["sigterm", "sigkill"])
def test_the_whole_exchange_stops_under_load_and_goes_on(exchange: Exchange, how: signal.Signals) -> None:
    """`masa up` stopped, or killed, while the routers have a backlog: no child survives it, the next run goes on."""
    exchange.start("--slots", "2")
    load = Load(exchange.data_dir)
    load.start()
    load.more()
    load.stop()
    if how is signal.SIGTERM:
        assert exchange.stop() == 0
        assert processes_of(exchange.data_dir) == []
    else:
        exchange.kill()
        wait_for(lambda: not processes_of(exchange.data_dir), 60, what="the end of the killed run's children")
    exchange.start("--slots", "2")
    load.start()
    load.more()
    load.stop()
    load.await_routed()
    sound(exchange, load)


@pytest.mark.timeout(420)
def test_what_a_killed_run_left_running_is_taken_over(exchange: Exchange) -> None:
    """Killed together with what cleans up after it, so that every child lives on: the next run ends them first.

    Two holders of one slot, or of one database, must never be.
    """
    exchange.start()
    load, victims = Load(exchange.data_dir), Victims(exchange.data_dir)
    load.start()
    load.more()
    load.stop()
    orphans = {name: victims.pid(name) for name in ("router-0", "ledger", "kafka", "postgres")}
    for reaper in processes_of(exchange.data_dir, "connectors.reaper"):
        reaper.kill()
    exchange.kill()
    assert None not in orphans.values()
    assert all(running(pid) for pid in orphans.values())
    began = time.monotonic()
    exchange.start()
    assert not any(running(pid) for pid in orphans.values()), f"after {time.monotonic() - began:.0f} s"
    load.start()
    load.more()
    load.stop()
    load.await_routed()
    sound(exchange, load)


def running(pid: int | None) -> bool:
    """Whether that process runs; a zombie does not, and nobody else gets the number within a test."""
    assert pid is not None
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
