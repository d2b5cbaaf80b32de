"""How long the stages of events take, from a bounded sample of the newest audit records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.kafka.log_ends import LogEnds, Offsets
from connectors.kafka.offset_consumer import read_ranges
from connectors.kafka.partition import Partition
from connectors.kafka.settings import KafkaSettings
from schemas.codec import decode_record
from schemas.errors import ContractError

SAMPLE_RECORDS = 25  # of a partition in a round
_STAGES = (("published", "occurredAt", "publishedAt"), ("arrived", "publishedAt", "receivedAt"))


class StageSampler:
    """Looks at each record at most once; what came before it was made does not count."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._seen: Offsets = {}

    def sample(self, ends: LogEnds, partitions: tuple[Partition, ...]) -> Mapping[str, list[float]]:
        """Seconds by stage. Raises as `read_ranges`."""
        settled = ends.settled(partitions)
        ranges = {each: (max(self._seen.get(each, end), end - SAMPLE_RECORDS), end) for each, end in settled.items()}
        found = list(read_ranges(self._settings, ranges, client_id="masa-exporter-stages", headers=False))
        self._seen = settled
        return stage_seconds(_decoded(each.value) for each in found)


def _decoded(value: bytes | None) -> Mapping[str, Any]:
    try:
        return decode_record("audit", value or b"")
    except ContractError:
        return {}


def stage_seconds(audits: Iterable[Mapping[str, Any]]) -> Mapping[str, list[float]]:
    """From decoded audit records; times that are missing or run backwards say nothing. Pure."""
    found: dict[str, list[float]] = {"published": [], "arrived": [], "available": []}
    for audit in audits:
        times = {**(audit.get("inputs") or {}), "receivedAt": audit.get("receivedAt")}
        spans = [(name, times.get(since), times.get(until)) for name, since, until in _STAGES]
        for name, since, until in [*spans, ("available", times["receivedAt"], audit.get("decidedAt"))]:
            if since is not None and until is not None and until >= since:
                found[name].append((until - since) / 1000)
    return found
