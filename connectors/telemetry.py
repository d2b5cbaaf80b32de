"""What a process says about itself: one method per occurrence, which owns its metrics and its log line.

Nothing is registered at import. A `Telemetry` object is made by the command line with a clock and, in
tests, a registry of its own. Methods are safe from any thread, never block on I/O other than the log
stream, never raise for a value they are given, and take no personal data: only closed words, counts, times
and process names.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors import metrics as defined
from connectors.json_log import log
from connectors.meters import Meters
from connectors.metrics import Metric
from connectors.telemetry_clients import ClientOccurrences
from connectors.telemetry_exporter import ExporterOccurrences
from connectors.telemetry_files import FileOccurrences
from connectors.telemetry_followup import FollowupOccurrences
from connectors.telemetry_gateway import GatewayOccurrences
from connectors.telemetry_http import HttpOccurrences, frames
from connectors.telemetry_ledger import LedgerOccurrences
from connectors.telemetry_router import RoutedBatch as RoutedBatch
from connectors.telemetry_router import RouterOccurrences
from connectors.telemetry_streams import StreamsOccurrences

_log = logging.getLogger("masa")


class Telemetry(
    RouterOccurrences,
    LedgerOccurrences,
    HttpOccurrences,
    GatewayOccurrences,
    FileOccurrences,
    FollowupOccurrences,
    StreamsOccurrences,
    ExporterOccurrences,
    ClientOccurrences,
):
    """The metrics and log lines of one process."""

    def __init__(self, *, process: str, clock: Callable[[], float]) -> None:
        """`clock` gives Unix time in seconds."""
        self._process = process
        self._clock = clock
        self._waiting: str | None = "start"
        self._oldest_ms: int | None = None
        self._meters = Meters(defined.all_metrics())
        self._meters.set_function(defined.OLDEST_UNROUTED, self._oldest_age)

    # --- the endpoint -------------------------------------------------------------------------------------

    def exposition(self) -> tuple[str, bytes]:
        """Content type and body of `/metrics`."""
        return self._meters.exposition()

    def waiting_for(self) -> str | None:
        """None when the process is ready, else what it waits for."""
        return self._waiting

    # --- any process --------------------------------------------------------------------------------------

    def process_started(self, *, version: str) -> None:
        self._set(defined.PROCESS_INFO, 1, (self._process, version))
        self._say(logging.INFO, "process.started", version=version)

    def process_ready(self) -> None:
        self._waiting = None
        self._set(defined.READY, 1)
        self._say(logging.INFO, "process.ready")

    def process_waiting(self, what: str) -> None:
        """Not ready any more, or not yet; `what` completes the sentence "waiting for …"."""
        self._waiting = what
        self._set(defined.READY, 0)
        self._say(logging.INFO, "process.waiting", waitingFor=what)

    def process_stopping(self, *, reason: str) -> None:
        self._waiting = "stop"
        self._set(defined.READY, 0)
        self._say(logging.INFO, "process.stopping", reason=reason)

    def process_failed(self, error: BaseException) -> None:
        """The process ends because of `error`; its supervisor restarts it. The message may not be logged:
        it could quote a record, so only the class and the frames are."""
        self._say(logging.ERROR, "process.failed", error=type(error).__name__, frames=frames(error))

    def client_trouble(self, error: str) -> None:
        """A Kafka client met an error that it deals with itself; `error` is librdkafka's name for it."""
        self._add(defined.CLIENT_ERRORS, {(error,): 1})
        self._say(logging.INFO, "kafka.client-trouble", error=error)

    def registry_away(self, explanation: str) -> None:
        """The schema registry could not be asked: events in the Confluent frame with an id not met before are rejected,
        with their bytes kept."""
        self._add(defined.CLIENT_ERRORS, {("SCHEMA_REGISTRY",): 1})
        self._say(logging.WARNING, "schema-registry.away", explanation=explanation)

    # --- supervisor ---------------------------------------------------------------------------------------

    def child_started(self, child: str, *, pid: int) -> None:
        self._set(defined.CHILD_UP, 1, (child,))
        self._say(logging.INFO, "child.started", child=child, pid=pid)

    def child_died(self, child: str, *, status: int, restart_in: float) -> None:
        self._set(defined.CHILD_UP, 0, (child,))
        self._add(defined.CHILD_RESTARTS, {(child,): 1})
        self._say(logging.WARNING, "child.died", child=child, status=status, restartInSeconds=restart_in)

    def child_stopped(self, child: str, *, status: int | None, forced: bool) -> None:
        self._set(defined.CHILD_UP, 0, (child,))
        self._say(
            logging.WARNING if forced else logging.INFO,
            "child.stopped",
            child=child,
            status=status,
            forced=forced,
        )

    def stale_child_ended(self, child: str, *, pid: int) -> None:
        self._say(logging.WARNING, "child.left-over-ended", child=child, pid=pid)

    # --- inside -------------------------------------------------------------------------------------------

    def _oldest_age(self) -> float:
        oldest = self._oldest_ms
        return 0.0 if oldest is None else max(0.0, self._clock() - oldest / 1000)

    def _waits_since(self, received_at_ms: int | None) -> None:
        self._oldest_ms = received_at_ms

    def _now(self) -> float:
        return self._clock()

    def _add(self, metric: Metric, counts: Mapping[Any, int]) -> None:
        self._meters.add(metric, counts)

    def _set(self, metric: Metric, value: float, labels: tuple[str, ...] = ()) -> None:
        self._meters.set(metric, value, labels)

    def _replace(self, metric: Metric, values: Mapping[tuple[str, ...], float]) -> None:
        self._meters.replace(metric, values)

    def _observe(self, metric: Metric, values: Sequence[float], labels: tuple[str, ...] = ()) -> None:
        self._meters.observe(metric, values, labels)

    def _ask(self, metric: Metric, ask: Callable[[], float], labels: tuple[str, ...] = ()) -> None:
        self._meters.set_function(metric, ask, labels)

    def _say(self, level: int, event: str, **fields: object) -> None:
        log(_log, level, event, **fields)
