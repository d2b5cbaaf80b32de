"""Topic names: one way to make them, one way to read them."""

from __future__ import annotations

import re

import pytest

from connectors.errors import ChangeSettings
from connectors.kafka import topics
from connectors.kafka.topics import AgencyTopic, TopicKind


@pytest.mark.parametrize("make", [topics.outbox, topics.inbox, topics.receipts])
@pytest.mark.parametrize("agency", ["a", "northshire-police", "gateway", "x" * 100])
def test_every_name_made_is_read_back(make, agency) -> None:
    """Parsing a made name gives the agency and kind it was made of."""
    name = make(agency)
    assert topics.parse(name) == AgencyTopic(agency, TopicKind(make.__name__))


@pytest.mark.parametrize(
    "agency", ["", "-a", "a-", "A", "a.b", "a_b", "ä", "a b", "a\n", "x" * 101, "a.outbox", "../a"]
)
def test_an_agency_id_that_could_reach_into_another_topic_is_refused(agency) -> None:
    """An id with a dot or anything else that is special in a topic name makes no name at all."""
    with pytest.raises(ChangeSettings, match="cannot be a topic name"):
        topics.outbox(agency)


@pytest.mark.parametrize(
    "name",
    ["masa.audit", "agency..outbox", "agency.a.outbox.x", "xagency.a.outbox", "agency.a.other", "gateway.other", ""],
)
def test_other_names_are_nobodys(name) -> None:
    """What is not exactly an agency's or the gateway's topic is not taken for one."""
    assert topics.parse(name) is None


def test_the_gateways_topics_have_no_agency() -> None:
    """On the gateway's shared topics the agency is in a header."""
    assert topics.parse(topics.GATEWAY_OUTBOX) == AgencyTopic(None, TopicKind.OUTBOX)


def test_the_subscription_pattern_takes_outboxes_only() -> None:
    """The router's pattern matches each outbox whole and nothing else."""
    pattern = re.compile(topics.OUTBOX_PATTERN)
    assert pattern.search(topics.outbox("northshire-police"))
    assert pattern.search(topics.GATEWAY_OUTBOX)
    for other in (topics.inbox("a"), topics.receipts("a"), "xgateway.outbox", "agency.a.outbox.old", topics.AUDIT):
        assert not pattern.search(other)
