"""One producer for many threads, on a real broker and without one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from connectors.errors import RefuseRecord, RetryLater
from connectors.kafka.concurrent import MOST_IN_FLIGHT, STALLED_SECONDS, ConcurrentPublisher
from connectors.kafka.publisher import Outgoing, Published
from connectors.kafka.reader import read_topic
from connectors.kafka.settings import KafkaSettings
from connectors.ports import free_ports
from tests.integration.ledger_support import make_topics
from tests.support import wait_for

pytestmark = pytest.mark.integration


@pytest.fixture
def publisher(kafka: KafkaSettings) -> Iterator[ConcurrentPublisher]:
    made = ConcurrentPublisher(kafka, client_id="test-concurrent")
    yield made
    made.close()


def test_many_threads_get_their_own_places_in_order_of_their_key(
    kafka: KafkaSettings, publisher: ConcurrentPublisher
) -> None:
    """Every answer names the place where that very record is."""
    topic = f"test.concurrent.{uuid4().hex[:8]}"
    make_topics(kafka, [topic], 3)

    def one(number: int) -> list[tuple[bytes, object]]:
        values = [f"{number}/{n}".encode() for n in range(20)]
        places = [publisher.publish([Outgoing(topic, value, b"key-%d" % number)])[0] for value in values[:10]]
        places += publisher.publish([Outgoing(topic, value, b"key-%d" % number) for value in values[10:]])
        return list(zip(values, places, strict=True))

    with ThreadPoolExecutor(12) as threads:
        told = [pair for pairs in threads.map(one, range(24)) for pair in pairs]
    found = {Published(each.topic, each.partition, each.offset): each for each in read_topic(kafka, [topic])}
    assert {place: found[place].value for _, place in told} == {place: value for value, place in told}  # type: ignore[index]
    assert len(found) == len(told) == 480
    for number in range(24):
        mine = [each.value for each in found.values() if each.key == b"key-%d" % number]
        assert mine == [f"{number}/{n}".encode() for n in range(20)]


def test_a_record_that_cannot_be_written_fails_alone(kafka: KafkaSettings, publisher: ConcurrentPublisher) -> None:
    """Its neighbours in the same call are where they should be."""
    topic = f"test.concurrent.{uuid4().hex[:8]}"
    make_topics(kafka, [topic])
    records = [Outgoing(topic, b"a"), Outgoing(topic, bytes(5 * 1024 * 1024)), Outgoing(topic, b"b")]
    first, failed, last = publisher.publish(records)
    assert isinstance(failed, RefuseRecord)
    assert (first, last) == (Published(topic, 0, 0), Published(topic, 0, 1))


def test_without_a_broker_callers_are_told_to_come_back(kafka: KafkaSettings) -> None:
    """The first ones after the timeout, later ones at once; too many at once are not even begun."""
    nowhere = KafkaSettings.create(bootstrap_servers=f"127.0.0.1:{free_ports(1)[0]}")
    publisher = ConcurrentPublisher(nowhere, client_id="test-nowhere", timeout=STALLED_SECONDS + 2)
    try:
        with pytest.raises(RetryLater, match="too many"):
            publisher.publish([Outgoing("t", b"")] * (MOST_IN_FLIGHT + 1))
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(publisher.publish, [Outgoing("t", b"")])
            wait_for(publisher.stalled, 20, what="a stall")
            with pytest.raises(RetryLater, match="does not answer"):
                publisher.publish([Outgoing("t", b"")])
            (failure,) = waiting.result(30)
        assert isinstance(failure, RetryLater)
        assert not publisher.stalled()
    finally:
        publisher.close()
