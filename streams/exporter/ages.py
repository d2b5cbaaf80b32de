"""Ages from timestamps of records. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from connectors.kafka import topics
from connectors.kafka.partition import Partition
from connectors.kafka.topics import TopicKind

DOORS = ("kafka", "gateway")
CHANNELS = ("kafka", "gateway")
KINDS = ("audit", "inbox", "outbox", "receipts", "other")


def age(at_ms: int | None, now: float) -> float:
    """Seconds since `at_ms`; 0 for nothing, and for a clock that runs ahead."""
    return 0.0 if at_ms is None else max(0.0, now - at_ms / 1000)


def oldest(
    stamps: Mapping[Partition, int], kind_of: Callable[[str], str], kinds: Iterable[str], now: float
) -> dict[str, float]:
    """Age of the oldest by kind of topic; 0 for a kind without any."""
    found: dict[str, int] = {}
    for partition, stamp in stamps.items():
        kind = kind_of(partition.topic)
        found[kind] = min(stamp, found.get(kind, stamp))
    return {kind: age(found.get(kind), now) for kind in kinds}


def counted(stamps: Mapping[Partition, int], kind_of: Callable[[str], str], kinds: Iterable[str]) -> dict[str, int]:
    """How many partitions by kind of topic."""
    return {kind: sum(kind_of(each.topic) == kind for each in stamps) for kind in kinds}


def door_of(topic: str) -> str:
    """How an outbox's events came."""
    return "gateway" if topic == topics.GATEWAY_OUTBOX else "kafka"


def kind_of(topic: str) -> str:
    """One of KINDS."""
    if topic == topics.AUDIT:
        return "audit"
    parsed = topics.parse(topic)
    return parsed.kind.value if parsed else "other"


def is_outbox(topic: str) -> bool:
    parsed = topics.parse(topic)
    return parsed is not None and parsed.kind is TopicKind.OUTBOX


def is_ours(topic: str) -> bool:
    """Whether a stalled transaction on this topic holds up the exchange."""
    return topics.parse(topic) is not None or topic.startswith("masa.")


def undelivered(undecided: Mapping[str, float], stalled: Mapping[str, float], unstored: float) -> dict[str, float]:
    """Age of the oldest event that recipients cannot read yet, by channel.

    An undecided event may be for anybody, so it counts for every channel, as does a stalled inbox. `unstored` is the
    gateway's oldest delivery that it has not stored.
    """
    both = max(*undecided.values(), stalled.get("inbox", 0.0), stalled.get("outbox", 0.0))
    return {"kafka": both, "gateway": max(both, unstored)}
