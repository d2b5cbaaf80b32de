"""One engine measured in a process of its own: `python -m streams.bench.worker raw|router …`.

Prints one JSON line: events, seconds from the first batch to the last, CPU seconds of the process in that time (its
client library's threads included) and its greatest resident memory.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from connectors.kafka import topics
from connectors.kafka.passthrough import pass_through
from connectors.kafka.settings import KafkaSettings
from connectors.telemetry import RoutedBatch, Telemetry
from schemas.registry import load_event_types
from streams.bench.scenario import PUBLISHERS
from streams.bench.typical import typical_outputs
from streams.routing.process import run_router
from streams.routing.router import MAX_BATCH


class Job(NamedTuple):
    """What a worker is to do. `run` tells runs apart: groups and slots are new in each."""

    engine: str
    bootstrap: str
    run: str
    events: int
    slot: int = 0
    telemetry: bool = True


class Meter:
    """Wall and CPU time between the first batch and the last."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None
        self._ended: tuple[float, float] = (0.0, 0.0)

    def start(self) -> None:
        if self._began is None:
            self._began = _now()

    def mark(self) -> None:
        self._ended = _now()

    def report(self, events: int) -> str:
        began = self._began or self._ended
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return json.dumps(
            {
                "events": events,
                "seconds": self._ended[0] - began[0],
                "cpuSeconds": self._ended[1] - began[1],
                "maxRssBytes": usage.ru_maxrss * 1024,
                "began": began[0],
                "ended": self._ended[0],
            }
        )


class MeteredTelemetry(Telemetry):
    """The router's own telemetry, which also stops the router after enough events."""

    def __init__(self, meter: Meter, job: Job, stop: threading.Event) -> None:
        super().__init__(process=f"bench-{job.slot}", clock=time.time)
        self._meter = meter
        self._job = job
        self._stop_event = stop
        self.routed = 0

    def process_ready(self) -> None:
        super().process_ready()
        sys.stdout.write('"ready"\n')
        sys.stdout.flush()

    def oldest_unrouted(self, received_at_ms: int | None) -> None:
        super().oldest_unrouted(received_at_ms)
        if received_at_ms is not None:
            self._meter.start()

    def batch_committed(self, batch: RoutedBatch) -> None:
        if self._job.telemetry:
            super().batch_committed(batch)
        self.routed += batch.records
        self._meter.mark()
        if self.routed >= self._job.events:
            self._stop_event.set()


def main(arguments: Sequence[str]) -> None:
    """Run the job that the arguments name, as JSON."""
    job = Job(**json.loads(arguments[0]))
    settings = KafkaSettings(bootstrap_servers=job.bootstrap)
    meter = Meter()
    events = _raw(job, settings, meter) if job.engine == "raw" else _router(job, settings, meter)
    sys.stdout.write(meter.report(events) + "\n")


def _router(job: Job, settings: KafkaSettings, meter: Meter) -> int:
    stop = threading.Event()
    threading.Thread(target=_stop_when_told, args=(stop,), daemon=True).start()
    telemetry = MeteredTelemetry(meter, job, stop)
    run_router(settings, job.slot, b"b" * 32, telemetry, stop, clock=time.time, group=f"bench-{job.run}")
    return telemetry.routed


def _stop_when_told(stop: threading.Event) -> None:
    """A line on standard input ends the run: with two slots, neither knows when both are done."""
    sys.stdin.readline()
    stop.set()


def _raw(job: Job, settings: KafkaSettings, meter: Meter) -> int:
    sources = [topics.outbox(f"police-{number}") for number in range(PUBLISHERS)]
    outputs = typical_outputs(load_event_types(), datetime.now(UTC))
    sys.stdout.write('"ready"\n')
    sys.stdout.flush()
    pass_through(
        settings.consumer_conf(f"raw-{job.run}"),
        settings.producer_conf(extra={"delivery.report.only.error": True, "linger.ms": 50}),
        sources=sources,
        outputs=lambda number: outputs[number % len(outputs)],
        records=job.events,
        batch=MAX_BATCH,
        started=meter.start,
    )
    meter.mark()
    return job.events


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


if __name__ == "__main__":
    main(sys.argv[1:])
