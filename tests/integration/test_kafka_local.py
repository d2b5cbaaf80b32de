"""The local broker: real start, stop, kill -9 and restart."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.errors import ChangeSettings
from connectors.kafka.local import LocalBroker
from connectors.kafka.readiness import broker_ids
from connectors.kafka.settings import KafkaSettings

pytestmark = pytest.mark.integration


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalBroker]:
    broker = LocalBroker(data_dir=tmp_path, heap_mb=256)
    yield broker
    broker.stop()


def make_topic(settings: KafkaSettings, replicas: int) -> None:
    admin = AdminClient(settings.common_conf())  # kept until the answer is there: its end would cancel the request
    admin.create_topics([NewTopic("t", 1, replicas)])["t"].result(20)


def write(settings: KafkaSettings, topic: str, values: list[bytes]) -> None:
    """Commit `values` to `topic` in one transaction."""
    producer = Producer(settings.producer_conf(transactional_id="test-writer"))
    producer.init_transactions(20)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value=value)
    producer.commit_transaction(20)


def values_of(settings: KafkaSettings, topic: str) -> list[bytes]:
    """Everything committed on partition 0 of `topic`."""
    consumer = Consumer(settings.consumer_conf("test-reader", partition_eof=True))
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[bytes] = []
    while True:
        message = consumer.poll(20)
        if message is None or message.error():
            consumer.close()
            return found
        found.append(message.value() or b"")


def test_what_was_committed_survives_kill_and_restart_on_the_same_port(broker: LocalBroker) -> None:
    """A killed broker comes back on its old port with every committed record."""
    settings = broker.start()
    make_topic(settings, replicas=1)
    write(settings, "t", [b"before"])
    broker.kill()
    assert not broker.running
    assert broker.start() == settings
    write(settings, "t", [b"after"])
    assert values_of(settings, "t") == [b"before", b"after"]


def test_a_running_broker_is_taken_over(broker: LocalBroker, tmp_path: Path) -> None:
    """A second start on the same directory finds the broker that runs and starts no other."""
    broker.start()
    process = broker.process_of()
    again = LocalBroker(data_dir=tmp_path, heap_mb=256)
    again.start()
    assert again.process_of() == process


def test_a_stale_pid_file_is_not_believed(broker: LocalBroker, tmp_path: Path) -> None:
    """A pid file that names some other live process does not count as a running broker."""
    broker.start()
    broker.stop()
    (tmp_path / "node-1" / "broker.pid").write_text("1\n")
    assert not broker.running
    broker.start()
    assert broker.running


def test_a_port_that_another_program_took_is_replaced(broker: LocalBroker) -> None:
    """While the broker was down its port was taken: it comes back on another one, with its data."""
    settings = broker.start()
    make_topic(settings, replicas=1)
    write(settings, "t", [b"before"])
    broker.stop()
    host, _, port = settings.bootstrap_servers.rpartition(":")
    with socket.create_server((host, int(port))):
        moved = broker.start()
    assert moved != settings
    assert values_of(moved, "t") == [b"before"]


def test_topics_are_never_made_by_accident(kafka: KafkaSettings) -> None:
    """Asking for a topic that does not exist does not make it."""
    admin = AdminClient(kafka.common_conf())
    admin.list_topics("nobody-made-this", timeout=10)
    assert "nobody-made-this" not in admin.list_topics(timeout=10).topics


def test_another_number_of_brokers_is_refused(tmp_path: Path) -> None:
    """A data directory of one broker does not silently become one of three."""
    assert LocalBroker(data_dir=tmp_path).bootstrap_servers
    with pytest.raises(ChangeSettings, match="holds 1 brokers, not 3"):
        assert LocalBroker(data_dir=tmp_path, brokers=3).bootstrap_servers


def test_three_brokers_survive_the_loss_of_one(tmp_path: Path) -> None:
    """With one of three brokers killed, transactions still commit; it rejoins when it is started again."""
    broker = LocalBroker(data_dir=tmp_path, brokers=3, heap_mb=256)
    try:
        settings = broker.start()
        make_topic(settings, replicas=3)
        write(settings, "t", [b"before"])
        broker.kill(node_id=2)
        write(settings, "t", [b"during"])
        broker.start_node(2)
        broker.await_ready()
        assert broker_ids(settings) == {1, 2, 3}
        assert values_of(settings, "t") == [b"before", b"during"]
    finally:
        broker.stop()
