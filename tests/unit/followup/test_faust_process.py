"""What the side streams refuse to start on."""

from __future__ import annotations

import pytest

from connectors.errors import ChangeSettings
from connectors.kafka import topics
from connectors.kafka.topic_plan import wanted_topics
from streams.followup.faust.process import check_partitions

FINE = {
    topics.AUDIT: 3,
    topics.SIGHTINGS: 1,
    topics.changelog("mix"): 3,
    topics.changelog("patterns"): 3,
    topics.changelog("silence"): 1,
}


def test_the_topic_plan_makes_what_they_stand_on() -> None:
    """Each table has as many partitions as what it is made from."""
    planned = {spec.name: spec.partitions for spec in wanted_topics([])}
    assert check_partitions({name: planned[name] for name in FINE}) == planned[topics.AUDIT]
    assert {topics.changelog(name) for name in topics.SIDE_TABLES} <= set(FINE)


@pytest.mark.parametrize("name", sorted(FINE))
def test_a_topic_that_does_not_fit_is_named(name: str) -> None:
    """At the start, where faust would find out at the first write."""
    with pytest.raises(ChangeSettings, match=f"`{name}` does not exist"):
        check_partitions({**FINE, name: 0})
    if name != topics.AUDIT:
        with pytest.raises(ChangeSettings, match=f"`{name}` has 2 partitions; it must have"):
            check_partitions({**FINE, name: 2})
