"""How Kafka clients and database pools are: their part of `connectors.telemetry.Telemetry`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from connectors import metrics_clients as defined
from connectors.client_statistics import ClientFigures
from connectors.metrics import Metric
from connectors.telemetry_base import Occurrences


class ClientOccurrences(Occurrences):
    """One method an occurrence."""

    def client_figures(self, client: str, figures: ClientFigures) -> None:
        """`client` is `consumer` or `producer`; a process has one of each that counts."""
        labels = (client,)
        self._set(defined.CLIENT_QUEUE, figures.queue_records, labels)
        self._set(defined.CLIENT_QUEUE_BYTES, figures.queue_bytes, labels)
        self._set(defined.CLIENT_BROKERS, figures.brokers, labels)
        self._set(defined.CLIENT_BROKERS_UP, figures.brokers_up, labels)
        self._set(defined.CLIENT_ROUND_TRIP, figures.round_trip_p99_seconds, labels)
        self._set(defined.CLIENT_THROTTLE, figures.throttle_seconds, labels)
        self._set(defined.CLIENT_RETRIES, figures.retries, labels)
        self._set(defined.CLIENT_SENT_BYTES, figures.sent_bytes, labels)
        self._set(defined.CLIENT_RECEIVED_BYTES, figures.received_bytes, labels)

    def pool_watched(self, pool: str, *, size: int, used: Callable[[], int], idle: Callable[[], int]) -> None:
        """A pool whose state is asked for at every scrape."""
        self._set(defined.POOL_CONNECTIONS, size, (pool, "size"))
        self._ask(defined.POOL_CONNECTIONS, used, (pool, "used"))
        self._ask(defined.POOL_CONNECTIONS, idle, (pool, "idle"))
        self._add(defined.POOL_WAITS, {(pool,): 0})

    def pool_exhausted(self, pool: str) -> None:
        self._add(defined.POOL_WAITS, {(pool,): 1})

    @abstractmethod
    def _ask(self, metric: Metric, ask: Callable[[], float], labels: tuple[str, ...] = ()) -> None: ...
