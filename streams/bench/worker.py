"""One engine measured in a process of its own: `python -m streams.bench.worker JOB`, the job as JSON.

Prints a JSON line for each thing the bench waits for: `"ready"`, the events done so far, and last the report: events,
seconds from the first batch to the last, CPU seconds of the process in that time (its client library's threads
included), resident memory. A line on standard input ends it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import psutil

from connectors.kafka import topics
from connectors.kafka.passthrough import pass_through
from connectors.kafka.settings import KafkaSettings
from connectors.telemetry import RoutedBatch, Telemetry
from schemas.acceleration import acceleration
from schemas.registry import load_event_types
from streams.bench.scenario import PUBLISHERS
from streams.bench.typical import raw_outputs
from streams.ledger.audit import audit_row_reader
from streams.ledger.consume import Surroundings
from streams.ledger.consume import run as keep_ledger
from streams.policy.signatories import parse_signatories
from streams.routing.process import run_router
from streams.routing.router import MAX_BATCH
from streams.routing.tally import Tally

BENCH_KEY = b"b" * 32  # the bench's data is synthetic, and its exchange ends with it
RAW_LINGER_MS = 50


class Job(NamedTuple):
    """What a worker is to do. `run` tells runs apart: groups and slots are new in each."""

    engine: str  # raw | router | start | ledger | watched | silent
    bootstrap: str
    run: str
    events: int
    slot: int = 0
    database: str = ""
    signatories: str = ""  # the list that the router believes, as YAML


class Meter:
    """Wall and CPU time between the first batch and the last; `ended` is set when enough is done."""

    def __init__(self, events: int) -> None:
        self._wanted = events
        self._began: tuple[float, float] | None = None
        self._last: tuple[float, float] = (0.0, 0.0)
        self.done = 0
        self.stop = threading.Event()

    def start(self) -> None:
        if self._began is None:
            self._began = _now()

    def add(self, events: int) -> None:
        self.done += events
        self._last = _now()
        tell(self.done)
        if self.done >= self._wanted:
            self.stop.set()

    def report(self) -> dict[str, float]:
        began = self._began or self._last
        return {
            "events": self.done,
            "began": began[0],
            "ended": self._last[0],
            "cpuSeconds": self._last[1] - began[1],
            "rssBytes": psutil.Process().memory_info().rss,
        }


class MeteredTelemetry(Telemetry):
    """The process's own telemetry, which also tells the meter."""

    def __init__(self, meter: Meter, name: str) -> None:
        super().__init__(process=name, clock=time.time)
        self._meter = meter

    def process_ready(self) -> None:
        super().process_ready()
        tell("ready")

    def oldest_unrouted(self, received_at_ms: int | None) -> None:
        super().oldest_unrouted(received_at_ms)
        if received_at_ms is not None:
            self._meter.start()

    def batch_committed(self, batch: RoutedBatch) -> None:
        super().batch_committed(batch)
        self._meter.add(batch.records)

    def ledger_committed(self, *, events: int, outcomes: int, seconds: float, newest_decided_at_ms: int | None) -> None:
        super().ledger_committed(
            events=events, outcomes=outcomes, seconds=seconds, newest_decided_at_ms=newest_decided_at_ms
        )
        self._meter.start()
        self._meter.add(events)


class SilentTelemetry(MeteredTelemetry):
    """Keeps no metrics: what a router would do without them."""

    def batch_committed(self, batch: RoutedBatch) -> None:
        self._meter.add(batch.records)

    def oldest_unrouted(self, received_at_ms: int | None) -> None:
        if received_at_ms is not None:
            self._meter.start()


class StartTelemetry(MeteredTelemetry):
    """Of a router that is measured from its first step until it may decide, which counts as one event.

    It ends once it has partitions: a member that leaves while it joins its group may wait for long.
    """

    def process_ready(self) -> None:
        super().process_ready()
        self._meter.add(1)

    def partitions_assigned(self, count: int) -> None:
        super().partitions_assigned(count)
        if count:
            self._meter.stop.set()

    def batch_committed(self, batch: RoutedBatch) -> None:
        Telemetry.batch_committed(self, batch)


def main(arguments: Sequence[str]) -> None:
    """Run the job that the arguments name."""
    job = Job(**json.loads(arguments[0]))
    meter = Meter(job.events)
    threading.Thread(target=_stop_when_told, args=(meter.stop,), daemon=True).start()
    settings = KafkaSettings(bootstrap_servers=job.bootstrap)
    engines = {
        "raw": _raw, "router": _router, "start": _start, "ledger": _ledger, "watched": _watched, "silent": _silent
    }  # fmt: skip
    engines[job.engine](job, settings, meter)
    tell(meter.report())


def tell(what: object) -> None:
    """One JSON line to the bench."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _stop_when_told(stop: threading.Event) -> None:
    sys.stdin.readline()
    stop.set()


def _router(job: Job, settings: KafkaSettings, meter: Meter) -> None:
    _route(job, settings, meter, MeteredTelemetry(meter, f"router-{job.slot}"))


def _start(job: Job, settings: KafkaSettings, meter: Meter) -> None:
    meter.start()
    _route(job, settings, meter, StartTelemetry(meter, f"router-{job.slot}"))


def _watched(job: Job, settings: KafkaSettings, meter: Meter) -> None:
    """As in production, and looked at fifteen times as often as Prometheus would."""
    telemetry = MeteredTelemetry(meter, "router-0")

    def look() -> None:
        while not meter.stop.wait(1.0):
            telemetry.exposition()

    threading.Thread(target=look, daemon=True).start()
    _route(job, settings, meter, telemetry)


def _silent(job: Job, settings: KafkaSettings, meter: Meter) -> None:
    """Nothing is counted, told or asked of the clients."""
    setattr(Tally, "batch", _uncounted)  # noqa: B010 - to measure what the counting costs, it is left out here alone
    _route(job, settings, meter, SilentTelemetry(meter, "router-0"), client_figures=False)


def _uncounted(tally: Tally, seconds: float, now: float) -> RoutedBatch:
    return RoutedBatch(records=len(tally.received), seconds=seconds, events={})


def _route(
    job: Job, settings: KafkaSettings, meter: Meter, telemetry: Telemetry, *, client_figures: bool = True
) -> None:
    run_router(
        settings,
        job.slot,
        BENCH_KEY,
        telemetry,
        meter.stop,
        signatories=parse_signatories(job.signatories, "the bench's signatories"),
        clock=time.time,
        allow_synthetic=True,
        built=acceleration(wanted=not os.environ.get("MASA_PURE_PYTHON")),
        group=f"bench-{job.run}",
        client_figures=client_figures,
    )


def _ledger(job: Job, settings: KafkaSettings, meter: Meter) -> None:
    telemetry = MeteredTelemetry(meter, "ledger")
    around = Surroundings(time.monotonic, meter.stop.wait, meter.stop.is_set, telemetry)
    reader = audit_row_reader()
    tell("ready")
    meter.start()
    keep_ledger(settings, job.database, reader, around)


def _raw(job: Job, settings: KafkaSettings, meter: Meter) -> None:
    outputs = raw_outputs(load_event_types(), datetime.now(UTC))
    tell("ready")
    done = pass_through(
        settings.consumer_conf(f"raw-{job.run}"),
        settings.producer_conf(extra={"delivery.report.only.error": True, "linger.ms": RAW_LINGER_MS}),
        sources=[topics.outbox(f"police-{number}") for number in range(PUBLISHERS)],
        outputs=lambda number: outputs[number % len(outputs)],
        records=job.events,
        batch=MAX_BATCH,
        started=meter.start,
    )
    meter.add(done)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


if __name__ == "__main__":
    main(sys.argv[1:])
