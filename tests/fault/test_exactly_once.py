"""Exactly once, shown: processes are killed, paused and added under traffic, and nothing is lost and nothing doubled.

`MASA_FAULT_SIZE=full` (`make fault`) runs the size that the exchange is held to: 200,000 events and more than 20 kills.
Otherwise a size for every run of the tests. `MASA_FAULT_SEED` chooses another course of events.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from connectors.settings import Settings
from tests.fault.aborted import aborted_transactions
from tests.fault.running import (
    AddedSlot,
    Victims,
    amid_a_transaction,
    audited_of,
    await_routed,
    delivered_as_promised,
    reconciled,
)
from tests.fault.traffic import Publishers
from tests.integration.masa_command import Exchange
from tests.support import wait_for

pytestmark = pytest.mark.fault

# Longer than the session (10 s) and than the transaction (12 s) with the broker's sweep (10 s).
PAUSED_SECONDS = 24.0


@dataclass(frozen=True)
class Size:
    """How much, and how fast it is published (events a second, at most)."""

    events: int
    rate: float
    kills: int


SIZES = {"ci": Size(events=8_000, rate=170, kills=7), "full": Size(events=200_000, rate=700, kills=24)}
SIZE = SIZES[os.environ.get("MASA_FAULT_SIZE", "ci")]
SEED = int(os.environ.get("MASA_FAULT_SEED", "20260930"))


class Step(NamedTuple):
    """Something to do once so many events are published."""

    at: int
    what: str  # "kill NAME", "kill-amid NAME" (while a transaction is open), "add", "pause NAME"


def course(size: Size, seed: int) -> list[Step]:
    """The faults of a run. The broker goes down once; a slot is added; one is paused; routers die at random moments."""
    rng = Random(f"{seed}:course")
    events = size.events
    steps = [
        Step(int(0.3 * events), "kill kafka"),
        Step(int(0.5 * events), "add"),
        Step(int(0.6 * events), "pause router-0"),
        Step(int(0.75 * events), "kill ledger"),
    ]
    for at in sorted(rng.sample(range(events // 50, int(0.97 * events)), size.kills)):
        # While router-0 is paused it is the others' turn.
        slots = ("router-1", "added") if 0.6 * events <= at else ("router-0", "router-1")
        steps.append(Step(at, f"{rng.choice(('kill', 'kill-amid'))} {rng.choice(slots)}"))
    return sorted(steps)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = Exchange(tmp_path / "data")
    yield made
    made.close()


@pytest.mark.timeout(3_600)
def test_nothing_is_lost_or_doubled_when_processes_die(exchange: Exchange, capsys: pytest.CaptureFixture[str]) -> None:
    """Routers, the broker and the ledger killed, a slot paused past its timeouts, a slot added: the books agree.

    Every published record has exactly one audit record, every promised delivery is in an inbox exactly once, and the
    kills did hit open transactions.
    """
    began = time.monotonic()
    exchange.start("--slots", "2")
    victims, added = Victims(exchange.data_dir), AddedSlot(exchange.data_dir, 2)
    publishers = Publishers(exchange.data_dir, events=SIZE.events, rate=SIZE.rate, seed=SEED)
    publishers.start()
    try:
        run(course(SIZE, SEED), publishers, victims, added)
        wait_for(lambda: publishers.finished, 1_200, what="the end of publishing")
        publishers.check()
        published_in = time.monotonic() - began
        await_routed(exchange.data_dir, publishers.ends(), published=publishers.positions)
    finally:
        victims.resume()
        publishers.stop()
        added.stop()
    report = reconciled(exchange)

    kafka = Settings.load(exchange.data_dir, {}).kafka()
    audited, own, promised = audited_of(kafka, publishers.positions)
    assert set(audited) == set(publishers.positions)
    assert audited.total() == len(publishers.positions) == len(set(publishers.positions))
    assert audited.total() <= report["events"] <= audited.total() + own
    delivered_as_promised(kafka, promised, publishers.positions)
    assert report["kinds"]["REPEATED"] > 0
    assert report["kinds"]["REJECTED"] > 0
    assert added.partitions_owned() > 0, "the added slot never got a partition"
    aborted = aborted_transactions(exchange.data_dir / "kafka", "masa.audit")
    assert aborted > 0, "no kill hit an open transaction"
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what somebody runs the full size for
            f"\nevents {report['events']}, deliveries {report['delivered']}, kinds {report['kinds']}, "
            f"faults {dict(victims.done)}, retries sent {publishers.repeats()}, "
            f"aborted transactions {aborted}, published in {published_in:.0f} s, "
            f"all in {time.monotonic() - began:.0f} s, reconcile {report['totals']}, ledger {report['ledger']}"
        )


def run(steps: list[Step], publishers: Publishers, victims: Victims, added: AddedSlot) -> None:
    """Do each step when its number of events is published; wake what is paused when its time is over."""

    def moment() -> bool:
        added.keep_running()
        return publishers.finished or victims.slept_enough() or bool(steps and publishers.done >= steps[0].at)

    while steps or victims.asleep:
        wait_for(moment, 600, what="the next fault's moment")
        publishers.check()
        if victims.slept_enough() or publishers.finished:
            victims.resume()
        while steps and (publishers.done >= steps[0].at or publishers.finished):
            do(steps.pop(0).what, victims, added)


def do(what: str, victims: Victims, added: AddedSlot) -> None:
    """One step."""
    verb, _, name = what.partition(" ")
    if verb == "kill-amid":
        amid_a_transaction(victims.data_dir)
    if verb == "add":
        added.start()
    elif verb == "pause":
        victims.pause(name, PAUSED_SECONDS)
    elif name == "added":
        added.kill_and_start()
        victims.done["kill router"] += 1
    else:
        victims.kill(name)
