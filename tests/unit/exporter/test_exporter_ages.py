"""Ages by kind, and what counts as not delivered."""

from __future__ import annotations

import pytest

from connectors.kafka.partition import Partition
from streams.exporter import ages

NOW = 1_000.0


def test_the_oldest_of_each_kind_counts_and_a_kind_without_any_is_zero() -> None:
    """Ages in seconds; a clock that runs ahead makes no negative age."""
    stamps = {
        Partition("agency.a.outbox", 0): 990_000,
        Partition("agency.b.outbox", 0): 900_000,
        Partition("gateway.outbox", 1): 1_005_000,
    }
    assert ages.oldest(stamps, ages.door_of, ages.DOORS, NOW) == {"kafka": 100.0, "gateway": 0.0}
    assert ages.counted(stamps, ages.door_of, ages.DOORS) == {"kafka": 2, "gateway": 1}
    assert ages.oldest({}, ages.kind_of, ages.KINDS, NOW) == dict.fromkeys(ages.KINDS, 0.0)


@pytest.mark.parametrize(
    ("topic", "kind", "ours"),
    [
        ("masa.audit", "audit", True),
        ("masa.held", "other", True),
        ("agency.a.inbox", "inbox", True),
        ("gateway.receipts", "receipts", True),
        ("__consumer_offsets", "other", False),
        ("somebody-else", "other", False),
    ],
)
def test_topics_have_kinds(topic: str, kind: str, ours: bool) -> None:
    """Labels stay few, however many agencies there are."""
    assert (ages.kind_of(topic), ages.is_ours(topic)) == (kind, ours)


def test_an_undecided_event_counts_for_every_channel_and_an_unstored_one_for_the_gateway() -> None:
    """Whom an undecided event is for is not known yet."""
    undecided = {"kafka": 5.0, "gateway": 1.0}
    assert ages.undelivered(undecided, {"inbox": 2.0}, 9.0) == {"kafka": 5.0, "gateway": 9.0}
    assert ages.undelivered(undecided, {"inbox": 7.0}, 0.0) == {"kafka": 7.0, "gateway": 7.0}
