"""Operations of people are published all or nothing, by one at a time, and stored once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.errors import ChangeSettings, ExitForSupervisor
from connectors.kafka.admin import apply_topics, plan_topics
from connectors.kafka.atomic import AtomicPublisher
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.reader import read_topic
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topic_plan import wanted_topics
from connectors.operations import Operation, operation_record
from connectors.postgres.connection import connect
from connectors.postgres.migrate import migrate
from connectors.telemetry import Telemetry
from streams.ledger import operations
from streams.ledger.consume import Surroundings
from tests.support import wait_for

pytestmark = pytest.mark.integration


@pytest.fixture
def topic(kafka: KafkaSettings) -> str:
    name = f"atomic-{uuid4().hex[:8]}"
    admin = AdminClient(kafka.common_conf())
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(20)
    return name


def values(kafka: KafkaSettings, topic: str) -> list[bytes | None]:
    return [record.value for record in read_topic(kafka, [topic])]


def test_records_are_read_once_all_are_committed(kafka: KafkaSettings, topic: str) -> None:
    """One transaction after the other from the same holder."""
    with AtomicPublisher(kafka, topic) as publisher:
        publisher.publish([Outgoing(topic, b"a"), Outgoing(topic, b"b")])
        publisher.publish([Outgoing(topic, b"c")])
    assert values(kafka, topic) == [b"a", b"b", b"c"]


def test_a_record_that_cannot_be_published_takes_the_others_with_it(kafka: KafkaSettings, topic: str) -> None:
    """Nothing of it is read."""
    with AtomicPublisher(kafka, topic) as publisher, pytest.raises(ChangeSettings, match="no-such-topic"):
        publisher.publish([Outgoing(topic, b"a"), Outgoing("no-such-topic", b"b")])
    assert values(kafka, topic) == []


def test_who_opens_later_fences_who_opened_before(kafka: KafkaSettings, topic: str) -> None:
    """What the first one read before publishing is out of date, so it must not publish."""
    with AtomicPublisher(kafka, topic) as first, AtomicPublisher(kafka, topic) as second:
        second.publish([Outgoing(topic, b"second")])
        with pytest.raises(ExitForSupervisor, match="somebody else"):
            first.publish([Outgoing(topic, b"first")])
    assert values(kafka, topic) == [b"second"]


@contextmanager
def keeping(kafka: KafkaSettings, url: str) -> Iterator[None]:
    """The loop that stores operations, in a thread."""
    stop = threading.Event()
    telemetry = Telemetry(process="ledger", clock=time.time)
    around = Surroundings(time.monotonic, stop.wait, stop.is_set, telemetry)
    thread = threading.Thread(target=operations.run, args=(kafka, url, around), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def test_an_operation_is_stored_once_however_often_it_is_sent(kafka: KafkaSettings, postgres: str) -> None:
    """Nonsense in between is a row of its own; a restart goes on where the rows end."""
    apply_topics(kafka, plan_topics(kafka, wanted_topics([])))
    migrate(postgres)
    mine = f"test-{uuid4().hex[:8]}"

    def sent(*targets: str) -> None:
        done = [
            Operation(
                operation_id=f"{mine}-{target}",
                at=1_790_000_000_000 + number,
                actor=mine,
                kind="rules.stop",
                target=target,
                result="DONE",
            )
            for number, target in enumerate(targets)
        ]
        nonsense = operation_record(done[0])._replace(value=b"nonsense")
        with Publisher(kafka) as publisher:
            publisher.publish([*map(operation_record, done), nonsense, operation_record(done[0])])

    def stored() -> list[str]:
        with connect(postgres) as connection:
            return [row["target"] for row in operations.operations(connection, actor=mine, kind="rules")]

    sent("a", "b")
    with keeping(kafka, postgres):
        wait_for(lambda: stored() == ["b", "a"], what="two rows")
    sent("b", "c", "d")
    with keeping(kafka, postgres):
        wait_for(lambda: sorted(stored()) == ["a", "b", "c", "d"], what="four rows")
    with connect(postgres) as connection:
        assert len(operations.operations(connection, kind=operations.UNREADABLE)) >= 2
