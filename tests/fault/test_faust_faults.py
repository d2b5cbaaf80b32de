"""The two faults of stock faust 0.15.3 on topics written in transactions, which our transport is repaired of.

A. Commits stall: a transaction's marker leaves a hole in the offsets, and each commit advances by one transaction.
B. Records are skipped after a start with table recovery: those that were fetched during the start-up seek are dropped,
   and where nothing is committed nothing goes back. The seek is delayed here, as a busy broker does.

`test_stock_faust_…` shows that the test finds what it is for.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.kafka.log_ends import LogEnds
from connectors.kafka.settings import KafkaSettings
from tests.support import wait_for

pytestmark = pytest.mark.fault

RECORDS = 400
PARTITIONS = 2
WORK_SECONDS = 0.004  # a record
SEEK_SECONDS = 1.5


class Run:
    """Workers of `tests.fault.faust_copier`, one after the other, on a topic of their own."""

    def __init__(self, kafka: KafkaSettings, folder: Path, *, seek_delay: float, transport: str) -> None:
        self.kafka, self.name, self._folder = kafka, f"copier-{uuid4().hex[:8]}", folder
        self._argv = [
            sys.executable, "-m", "tests.fault.faust_copier", kafka.bootstrap_servers, self.name, str(PARTITIONS),
            str(folder), str(WORK_SECONDS), str(seek_delay), transport,
        ]  # fmt: skip
        self._worker: subprocess.Popen[bytes] | None = None
        compact = {"cleanup.policy": "compact"}
        topics = [
            NewTopic(f"{self.name}-source", PARTITIONS, 1),
            NewTopic(f"{self.name}-seen-changelog", PARTITIONS, 1, config=compact),
        ]
        admin = AdminClient(kafka.common_conf())  # kept: its answers end with it
        for made in admin.create_topics(topics).values():
            made.result(30)

    def write(self) -> None:
        """One transaction a record, and one in ten aborted beside it."""
        producer = Producer(self.kafka.producer_conf(transactional_id=self.name))
        producer.init_transactions(30)
        for number in range(RECORDS):
            for value, commit in ((f"{number}", True), *(((f"aborted-{number}", False),) if number % 10 == 0 else ())):
                producer.begin_transaction()
                producer.produce(f"{self.name}-source", key=str(number % 50).encode(), value=value.encode())
                producer.flush(30)
                producer.commit_transaction(30) if commit else producer.abort_transaction(30)

    def start(self) -> None:
        with (self._folder / "worker.log").open("ab") as log:
            self._worker = subprocess.Popen(self._argv, stdout=log, stderr=log)

    def kill(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait(10)

    def stop(self) -> int:
        """The exit status after SIGTERM."""
        assert self._worker is not None
        self._worker.terminate()
        return self._worker.wait(20)

    def seen(self) -> list[str]:
        """Values in the order in which workers took them, repeats included."""
        log = self._folder / "seen.log"
        return [line.split()[2] for line in log.read_text().splitlines()] if log.exists() else []

    def left_over(self) -> int:
        """Offsets that are not committed, of the partition that has most."""
        ends = LogEnds(self.kafka)
        partitions = ends.partitions(f"{self.name}-source".__eq__)
        settled, done = ends.settled(partitions), ends.committed(self.name)
        return max(settled[each] - done.get(each, 0) for each in partitions)


def play(run: Run) -> Generator[str, None, None]:
    """Kill it when it is half through, then let it end."""
    try:
        run.write()
        run.start()
        wait_for(lambda: len(run.seen()) >= RECORDS // 2, 60, what="half of the records")
        run.kill()
        run.start()
        yield "restarted"
        run.stop()
        yield "stopped"
    finally:
        run.kill()


@pytest.mark.parametrize("seek_delay", [0.0, SEEK_SECONDS], ids=["commits keep up", "no record is skipped"])
def test_the_repaired_transport_sees_each_committed_record_and_commits_it(
    kafka: KafkaSettings, tmp_path: Path, seek_delay: float
) -> None:
    """Nothing aborted is seen, nothing is skipped, and all but the last marker is committed."""
    run = Run(kafka, tmp_path, seek_delay=seek_delay, transport="repaired")
    steps = play(run)
    next(steps)
    wait_for(lambda: len(set(run.seen())) == RECORDS, 60, what="every record")
    wait_for(lambda: run.left_over() <= 1, 30, what="everything committed")
    assert {int(value) for value in run.seen()} == set(range(RECORDS))
    next(steps)
    steps.close()


def test_stock_faust_falls_behind_with_its_commits(kafka: KafkaSettings, tmp_path: Path) -> None:
    """Fault A is still there to be repaired, so the test above can fail."""
    run = Run(kafka, tmp_path, seek_delay=0.0, transport="stock")
    steps = play(run)
    next(steps)
    wait_for(lambda: len({value for value in run.seen() if value.isdigit()}) >= RECORDS * 0.9, 60, what="most records")
    next(steps)
    assert run.left_over() > PARTITIONS * 10
    assert any(value.startswith("aborted") for value in run.seen())
    steps.close()
