"""An importer of files killed twenty times at random moments: every record is in the ledger exactly once.

Each life of the importer watches the same drop folder in a process of its own, and is `kill -9`ed after a random number
of its steps, while it goes on; the last one is let live. Laws: each record is one event; each event is audited as new
exactly once; the quarantine file holds each refused record once, and the report tells each record once.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from connectors.files import importer
from connectors.files.folder import DropFolder
from connectors.files.importer import Refusals, Sink
from connectors.files.journal import Journal
from connectors.files.prepare import Ready
from connectors.settings import Settings
from streams.cli.files_setup import kafka_door, mapping_named, publishing_agency, service
from streams.cli.files_watch import Watcher
from streams.cli.runtime import make_telemetry
from tests.fault.running import reconciled
from tests.integration.masa_command import Exchange
from tests.support import wait_for
from tests.unit.files.support import SAMPLES

pytestmark = pytest.mark.fault

AGENCY, MAPPING = "oakfield-primary", "school-attendance-exclusions"
KILLS = 20
BATCH = 20
RECORDS = 1_400  # of each file; the second repeats half of the first one's
BAD = frozenset(range(7, 2 * RECORDS, 97))  # numbers of records that cannot be published
MOST_STEPS = 9  # of one life; a batch takes three
LIFE_SECONDS = 60.0

Step = Callable[[], None]


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = Exchange(tmp_path / "data")
    yield made
    made.close()


class Stepping:
    """A door that tells each of its steps."""

    def __init__(self, door: Sink, step: Step) -> None:
        self._door, self._step = door, step

    def publish(self, events: Sequence[Ready]) -> Refusals:
        self._step()
        refused = self._door.publish(events)
        self._step()
        return refused


def drop(folder: Path, name: str, numbers: range) -> None:
    """A school's file with these records."""
    with (SAMPLES / "school-attendance-exclusions.csv").open(encoding="windows-1252", newline="") as file:
        first = next(csv.DictReader(file))
    with (folder / name).open("w", encoding="windows-1252", newline="") as file:
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        for number in numbers:
            born = "30/02/2020" if number in BAD else first["DOB"]
            writer.writerow(first | {"Record Id": f"K{number}", "DOB": born})


class Importer:
    """What all lives have in common; made once, and inherited by each."""

    def __init__(self, data_dir: Path, folder: Path) -> None:
        self._settings, self._folder = Settings.load(data_dir, {}), folder
        self._publishing = publishing_agency(self._settings, AGENCY)
        self._mapping = mapping_named(MAPPING).mapping
        self._work = service(self._settings, self._mapping, self._publishing.agency)

    def live(self, pipe: int) -> None:
        """One life. Each step is a byte in the pipe."""
        importer.BATCH_RECORDS = BATCH
        plain = Journal.advance

        def step() -> None:
            os.write(pipe, b".")

        def advance(journal: Journal, *given: Any, **more: Any) -> None:
            step()
            plain(journal, *given, **more)

        Journal.advance = advance  # type: ignore[method-assign]
        with kafka_door(self._settings, self._publishing) as door:
            Watcher(
                drop=DropFolder(self._folder, self._mapping.format.endings, settle=0),
                work=self._work,
                sink=Stepping(door, step),
                telemetry=make_telemetry("files"),
                stop=threading.Event(),
                keep_seconds=86_400,
            ).run(once=True)


def a_life(importing: Importer, steps: int | None) -> bool:
    """Let the importer live for so many steps, then kill it; None: to its end. Whether it was killed."""
    read, write = os.pipe()
    process = multiprocessing.get_context("fork").Process(target=importing.live, args=(write,))
    process.start()
    os.close(write)
    try:
        with os.fdopen(read, "rb", buffering=0) as pipe:
            seen = 0
            while steps is None or seen < steps:
                if not pipe.read(1):
                    break  # it ended by itself
                seen += 1
            if steps is not None and seen == steps:
                process.kill()
        process.join(LIFE_SECONDS)
        return process.exitcode == -signal.SIGKILL
    finally:
        process.kill()
        process.join()


@pytest.mark.timeout(300)
def test_every_record_of_a_killed_importer_is_in_the_ledger_once(exchange: Exchange, tmp_path: Path) -> None:
    """Twenty times `kill -9`, then one life to the end: nothing lost, nothing twice, nothing told twice."""
    exchange.start()
    rng = Random(int(os.environ.get("MASA_FAULT_SEED", "5")))
    folder = tmp_path / "drop"
    folder.mkdir()
    drop(folder, "first.csv", range(RECORDS))
    drop(folder, "second.csv", range(RECORDS // 2, RECORDS + RECORDS // 2))
    importing = Importer(exchange.data_dir, folder)
    killed = sum(a_life(importing, rng.randint(1, MOST_STEPS)) for _ in range(KILLS))
    assert killed == KILLS, "the importer was at work each time"
    assert not a_life(importing, None)

    everything = range(RECORDS + RECORDS // 2)
    wanted = len(everything) - len(BAD & set(everything))
    url = Settings.load(exchange.data_dir, {}).database()
    query = "SELECT count(*), count(DISTINCT event_id) FROM ledger.event WHERE kind <> 'REPEATED'"

    def counted() -> tuple[int, int]:
        with psycopg.connect(url) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return row[0], row[1]

    wait_for(lambda: counted()[0] >= wanted, 120, what=f"{wanted} events in the ledger")
    report = reconciled(exchange)
    assert counted() == (wanted, wanted)
    assert set(report["kinds"]) <= {"DECIDED", "UNROUTED", "REPEATED"}
    check_beside(folder)


def check_beside(folder: Path) -> None:
    """What was written beside: each record told once in its file's report, each refused one kept once."""
    assert [path for path in folder.iterdir() if path.is_file()] == []
    refused: list[str] = []
    for report in (folder / "reports").iterdir():
        with report.open() as file:
            told = [int(row["record"]) for row in csv.DictReader(file)]
        assert told == list(range(1, RECORDS + 1))
    for kept in (folder / "quarantine").glob("*.csv"):
        if not kept.name.endswith(".reasons.csv"):
            with kept.open(encoding="windows-1252", newline="") as file:
                refused.extend(row["Record Id"] for row in csv.DictReader(file))
    halves = [number for start in (0, RECORDS // 2) for number in range(start, start + RECORDS) if number in BAD]
    assert sorted(refused) == sorted(f"K{number}" for number in halves)
