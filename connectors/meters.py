"""The metrics of one process as objects: made from their definitions, moved by name, written out as text.

Safe from any thread. Histograms take many values at once: 0.2 µs each, where the client library's take 2.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from connectors.metrics import Metric


class _Histogram(Collector):
    """Counts of a histogram, by the values of its labels."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._metric = metric
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()
        registry.register(self)
        if not metric.labels:
            self.observe_all((), ())

    def observe_all(self, values: Sequence[float], labels: tuple[str, ...]) -> None:
        buckets = self._metric.buckets
        with self._lock:
            counts = self._counts.setdefault(labels, [0] * (len(buckets) + 1))
            for value in values:
                counts[bisect_left(buckets, value)] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + sum(values)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        with self._lock:
            found = [(labels, list(counts), self._sums[labels]) for labels, counts in self._counts.items()]
        bounds = [str(bound) for bound in self._metric.buckets] + ["+Inf"]
        family = HistogramMetricFamily(self._metric.name, self._metric.help, labels=tuple(self._metric.labels))
        for labels, counts, total in found:
            running, rows = 0, []
            for bound, count in zip(bounds, counts, strict=True):
                running += count
                rows.append((bound, running))
            family.add_metric(labels, buckets=rows, sum_value=total)
        yield family


class Meters:
    """Every metric that is defined. Label values come in the order of the definition."""

    def __init__(self, metrics: Iterable[Metric], registry: CollectorRegistry | None = None) -> None:
        """A registry of its own keeps two objects in one process apart. Counters with `starts` stand at 0 from the
        beginning, so that Prometheus sees their first rise."""
        self.registry = registry or CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, _Histogram] = {}
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        for metric in metrics:
            self._make(metric)

    def _make(self, metric: Metric) -> None:
        labels = tuple(metric.labels)
        if metric.kind == "counter":
            counter = self._counters[metric.name] = Counter(metric.name, metric.help, labels, registry=self.registry)
            for values in metric.starts:
                counter.labels(*values)
        elif metric.kind == "gauge":
            self._gauges[metric.name] = Gauge(metric.name, metric.help, labels, registry=self.registry)
        else:
            self._histograms[metric.name] = _Histogram(metric, self.registry)

    def add(self, metric: Metric, counts: Mapping[Any, int]) -> None:
        """Raise a counter: label values to amount."""
        counter = self._counters[metric.name]
        for labels, count in counts.items():
            (counter.labels(*labels) if labels else counter).inc(count)

    def set(self, metric: Metric, value: float, labels: tuple[str, ...] = ()) -> None:
        gauge = self._gauges[metric.name]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def replace(self, metric: Metric, values: Mapping[tuple[str, ...], float]) -> None:
        """All values of a gauge with labels: those not named are forgotten."""
        gauge = self._gauges[metric.name]
        known = {tuple(sample.labels.values()) for family in gauge.collect() for sample in family.samples}
        for labels in known - values.keys():
            gauge.remove(*labels)
        for labels, value in values.items():
            gauge.labels(*labels).set(value)

    def set_function(self, metric: Metric, ask: Callable[[], float], labels: tuple[str, ...] = ()) -> None:
        """Ask for a gauge's value whenever it is read."""
        gauge = self._gauges[metric.name]
        (gauge.labels(*labels) if labels else gauge).set_function(ask)

    def observe(self, metric: Metric, values: Sequence[float], labels: tuple[str, ...] = ()) -> None:
        self._histograms[metric.name].observe_all(values, labels)

    def exposition(self) -> tuple[str, bytes]:
        """Content type and body of `/metrics`."""
        return CONTENT_TYPE_LATEST, generate_latest(self.registry)
