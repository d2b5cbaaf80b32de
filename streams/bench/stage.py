"""What the bench measures on: a broker and a database of its own, topics, rules, events already published."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from connectors.kafka import topics
from connectors.kafka.admin import apply_topics, plan_topics
from connectors.kafka.local import LocalBroker
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.reader import end_offsets, read_topic
from connectors.kafka.settings import POLICY_MAX_BYTES, KafkaSettings
from connectors.kafka.topic_plan import TopicSpec, wanted_topics
from connectors.postgres.embedded import EmbeddedPostgres
from connectors.postgres.migrate import migrate
from schemas.registry import EventTypes
from streams.bench.scenario import AREA, Sample, Size, area_of, artefact_of, samples
from streams.bench.typical import raw_topic
from streams.bench.worker import Job
from streams.routing.signers import self_signed, signatories_of, throwaway_signers

_PUBLISH_CHUNK = 5_000
Progress = Callable[[str], None]


class Incomplete(Exception):  # noqa: N818 - an answer: the measurement counts for nothing
    """An engine did less work than it should have, so its speed means nothing."""


class Ran(NamedTuple):
    """What one engine did: all its processes together."""

    events: int
    seconds: float  # from the first batch of any process to the last of any
    cpu_seconds: float
    rss_bytes: float  # resident at the end, of the largest process

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds else 0.0

    @property
    def cpu_micros(self) -> float:
        """Client CPU an event, microseconds."""
        return self.cpu_seconds / self.events * 1e6 if self.events else 0.0


class Stage:
    """A running broker with the standard scenario's topics and rules, and a database server."""

    def __init__(self, settings: KafkaSettings, postgres: EmbeddedPostgres, event_types: EventTypes) -> None:
        self.settings = settings
        self.event_types = event_types
        self._postgres = postgres
        self._runs = 0
        self.published = 0
        self._signers = throwaway_signers()
        self.signatories = signatories_of(AREA, self._signers).to_yaml()  # what routers on it believe
        self._sequence = 0
        agencies = [agency.id for agency in area_of(Size()).agencies]
        self.inboxes = [topics.inbox(agency) for agency in agencies]
        wanted = wanted_topics(agencies)
        raw = [TopicSpec(raw_topic(name), 1, 1, {}) for name in (*self.inboxes, topics.AUDIT)]
        apply_topics(settings, plan_topics(settings, [*wanted, *raw]))

    def put_in_force(self, size: Size) -> None:
        """Publish the rule set of an area of that size."""
        self._sequence += 1
        records = self_signed(AREA, artefact_of(size, self.event_types), self._sequence, self._signers)
        with Publisher(self.settings, max_bytes=POLICY_MAX_BYTES) as publisher:
            publisher.publish(Outgoing(topics.POLICY, each.value, each.key, each.headers) for each in records)

    def publish(self, count: int, now: datetime, progress: Progress) -> None:
        """Fill the publishers' outboxes with `count` different events."""
        with Publisher(self.settings) as publisher:
            for done, chunk in enumerate(_chunks(samples(self.event_types, count, 1, now))):
                publisher.publish(map(outgoing, chunk))
                self.published += len(chunk)
                progress(f"published {done * _PUBLISH_CHUNK + len(chunk)} of {count} events")

    def run(self, engine: str, events: int, processes: int = 1, database: str = "") -> Ran:
        """Run an engine over the published events from their beginning."""
        self._runs += 1
        jobs = [
            Job(
                engine,
                self.settings.bootstrap_servers,
                f"{engine}-{self._runs}",
                events,
                slot,
                database,
                self.signatories,
            )
            for slot in range(processes)
        ]
        with workers_of(jobs) as workers:
            return _gather(workers, events)

    def router(self, events: int, slots: int = 1, engine: str = "router") -> Ran:
        """Run the router, or another `engine` that is one, and check that each event has one audit record and three
        deliveries."""
        watched = [*self.inboxes, topics.AUDIT]
        before = end_offsets(self.settings, watched)
        ran = self.run(engine, events, slots)
        audits = deliveries = 0
        for record in read_topic(self.settings, watched, offsets=before):
            if record.topic == topics.AUDIT:
                audits += 1
            else:
                deliveries += 1
        expected = Size().recipients * events
        if (audits, deliveries) != (events, expected):
            raise Incomplete(
                f"router: {audits} audit records of {events}, {deliveries} deliveries of {expected}: not measured"
            )
        return ran

    def database(self) -> str:
        """URL of a fresh, migrated database."""
        name = f"bench_{self._runs}"
        url = self._postgres.create_database(name)
        migrate(url)
        return url


@contextmanager
def stage(folder: Path, event_types: EventTypes, progress: Progress) -> Iterator[Stage]:
    """A stage under `folder`, taken down at the end."""
    broker = LocalBroker(data_dir=folder / "kafka", heap_mb=1024)
    postgres = EmbeddedPostgres(data_dir=folder / "postgres")
    try:
        progress("starting Kafka and PostgreSQL")
        broker.start()
        postgres.start()
        yield Stage(broker.settings, postgres, event_types)
    finally:
        broker.stop()
        postgres.stop()


def outgoing(sample: Sample) -> Outgoing:
    return Outgoing(topics.outbox(sample.publisher), sample.value, sample.key.encode(), tuple(sample.headers))


class _Worker(NamedTuple):
    process: subprocess.Popen[str]

    def lines(self) -> Iterator[Any]:
        assert self.process.stdout is not None  # noqa: S101 - made with a pipe
        for line in self.process.stdout:
            yield json.loads(line)

    def end(self) -> None:
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()


@contextmanager
def workers_of(jobs: Sequence[Job]) -> Iterator[list[_Worker]]:
    started: list[_Worker] = []
    try:
        for job in jobs:
            command = [sys.executable, "-m", "streams.bench.worker", json.dumps(job._asdict())]
            pipe = subprocess.PIPE
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
            started.append(_Worker(process))
        yield started
    finally:
        for worker in started:
            worker.process.kill()
            worker.process.wait()


def _gather(workers: Sequence[_Worker], events: int) -> Ran:
    """Follow all workers until together they have done enough, end them, and add up their reports."""
    if len(workers) == 1:
        reports = [line for line in workers[0].lines() if isinstance(line, dict)]
    else:
        reports = _gather_several(workers, events)
    if len(reports) != len(workers):
        raise Incomplete("a worker ended without a report")
    active = [report for report in reports if report["events"]]
    return Ran(
        events=int(sum(report["events"] for report in reports)),
        seconds=max(r["ended"] for r in active) - min(r["began"] for r in active),
        cpu_seconds=sum(report["cpuSeconds"] for report in reports),
        rss_bytes=max(report["rssBytes"] for report in reports),
    )


def _gather_several(workers: Sequence[_Worker], events: int) -> list[Any]:
    done = [0] * len(workers)

    def follow(number: int) -> Any:
        report = None
        for line in workers[number].lines():
            if isinstance(line, dict):
                report = line
            elif isinstance(line, int):
                done[number] = line
                if sum(done) >= events:
                    for worker in workers:
                        worker.end()
        return report

    with ThreadPoolExecutor(len(workers)) as pool:
        return [report for report in pool.map(follow, range(len(workers))) if report is not None]


def _chunks(items: Iterable[Sample]) -> Iterator[list[Sample]]:
    chunk: list[Sample] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == _PUBLISH_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
