"""What the ledger's tests need of a real broker: topics, transactions, and the loop in a thread or a process."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.kafka.settings import KafkaSettings
from connectors.postgres.connection import connect
from connectors.waiting import wait_until
from schemas.codec import encode_record
from streams.ledger.audit import audit_row_reader
from streams.ledger.consume import Surroundings, run
from tests.unit.ledger.world import audit, outcome

PARTITIONS = 3


def make_topics(kafka: KafkaSettings, names: Iterable[str], partitions: int = 1) -> None:
    admin = AdminClient(kafka.common_conf())
    for made in admin.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
        made.result(30)


def audit_topic(kafka: KafkaSettings) -> str:
    """An audit topic of the test's own."""
    name = f"test.audit.{uuid4().hex[:8]}"
    make_topics(kafka, [name], PARTITIONS)
    return name


def audit_bytes(number: int) -> bytes:
    """An audit record with three outcomes."""
    return encode_record("audit", audit(number, outcomes=[outcome(number, each) for each in ("csc", "gp", "school")]))


class Auditor:
    """Writes audit records in transactions, some of which it aborts."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(kafka.producer_conf(transactional_id=f"auditor-{topic}"))
        self._producer.init_transactions(30)

    def write(self, numbers: Iterable[int], *, commit: bool = True) -> None:
        self._producer.begin_transaction()
        for number in numbers:
            self._producer.produce(self._topic, audit_bytes(number), partition=number % PARTITIONS)
            self._producer.poll(0)
        self._producer.flush(30)
        if commit:
            self._producer.commit_transaction(30)
        else:
            self._producer.abort_transaction(30)


@dataclass
class Told:
    """Records what the loop tells."""

    committed: int = 0
    behind: int | None = None
    failures: list[str] = field(default_factory=list)

    def ledger_committed(self, *, events: int, outcomes: int, seconds: float, newest_decided_at_ms: int | None) -> None:
        self.committed += events

    def ledger_behind(self, records: int) -> None:
        self.behind = records

    def ledger_failed(self, *, error: str) -> None:
        self.failures.append(error)


@contextmanager
def running(kafka: KafkaSettings, url: str, topic: str, *, batch_records: int = 500) -> Iterator[Told]:
    """The loop in a thread; an error it ends with is raised when the block ends."""
    stop, told = threading.Event(), Told()
    errors: list[BaseException] = []
    around = Surroundings(now=time.monotonic, pause=stop.wait, stopping=stop.is_set, events=told)

    def loop() -> None:
        try:
            run(kafka, url, audit_row_reader(), around, topic=topic, batch_records=batch_records)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join(30)
    if errors:
        raise errors[0]


def stored(url: str) -> list[tuple[int, int, int, int]]:
    """Every event row as (audit partition, audit offset, source offset, number of outcome rows), sorted."""
    query = """
        SELECT e.audit_partition, e.audit_offset, e.source_offset,
               (SELECT count(*) FROM ledger.outcome o WHERE o.audit_partition = e.audit_partition
                AND o.audit_offset = e.audit_offset)
        FROM ledger.event e ORDER BY 1, 2, 3
    """
    with connect(url) as connection:
        return connection.execute(query).fetchall()


def count(url: str) -> int:
    with connect(url) as connection:
        row: Any = connection.execute("SELECT count(*) FROM ledger.event").fetchone()
        return int(row[0])


def await_rows(url: str, wanted: int, *, timeout: float = 60) -> None:
    with connect(url) as connection:

        def there() -> bool:
            row: Any = connection.execute("SELECT count(*) FROM ledger.event").fetchone()
            return int(row[0]) >= wanted

        wait_until(there, timeout=timeout, what=f"{wanted} ledger rows")


def run_until_it_ends(bootstrap: str, url: str, topic: str) -> None:
    """The loop in the foreground, until it raises or is killed."""
    around = Surroundings(now=time.monotonic, pause=time.sleep, stopping=lambda: False, events=Told())
    settings = KafkaSettings(bootstrap_servers=bootstrap)
    run(settings, url, audit_row_reader(), around, topic=topic, batch_records=50)


if __name__ == "__main__":
    run_until_it_ends(*sys.argv[1:])
