"""Reads what processes say on their `/metrics`, and adds it up over processes and their restarts."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterable, Mapping
from typing import NamedTuple

SCRAPE_SECONDS = 1.0
_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Sample(NamedTuple):
    """One line of the Prometheus text format."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


def parse(text: str) -> tuple[Sample, ...]:
    """Samples of a `/metrics` body, comments and lines that are not samples left out."""
    found = []
    for line in text.splitlines():
        match = None if line.startswith("#") else _SAMPLE.match(line)
        if match:
            found.append(Sample(match[1], tuple(_LABEL.findall(match[2] or "")), float(match[3])))
    return tuple(found)


def scrape(url: str) -> tuple[Sample, ...] | None:
    """Samples of one process, None when it does not answer: it may be about to be restarted."""
    try:
        with urllib.request.urlopen(url, timeout=SCRAPE_SECONDS) as answer:  # noqa: S310 - our own loopback URL
            return parse(answer.read().decode())
    except OSError:
        return None


class Totals:
    """Counters over all processes. A counter that fell was restarted: what it had reached still counts."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, Sample], float] = {}
        self._before: dict[tuple[str, Sample], float] = {}
        self._gauges: dict[str, tuple[Sample, ...]] = {}

    def add(self, url: str, samples: Iterable[Sample]) -> None:
        """Take in one scrape of one process."""
        kept = tuple(samples)
        self._gauges[url] = kept
        for sample in kept:
            if sample.name.endswith("_total"):
                series = (url, Sample(sample.name, sample.labels, 0.0))
                last = self._last.get(series, 0.0)
                if sample.value < last:
                    self._before[series] = self._before.get(series, 0.0) + last
                self._last[series] = sample.value

    def total(self, name: str, **labels: str) -> int:
        """Sum of a counter over processes and series that have these labels."""
        wanted = labels.items()
        return int(
            sum(
                value + self._before.get(series, 0.0)
                for series, value in self._last.items()
                if series[1].name == name and wanted <= dict(series[1].labels).items()
            )
        )

    def largest(self, name: str) -> float:
        """Largest value of a gauge over processes, 0 when none has it."""
        return max((s.value for samples in self._gauges.values() for s in samples if s.name == name), default=0.0)


def take(totals: Totals, urls: Iterable[str]) -> Mapping[str, bool]:
    """Scrape every process into `totals`; which of them answered."""
    answered = {}
    for url in urls:
        samples = scrape(url)
        answered[url] = samples is not None
        if samples is not None:
            totals.add(url, samples)
    return answered
