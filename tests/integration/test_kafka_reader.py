"""Reading to the end and following, on a real broker, among transactions."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from connectors.errors import ChangeSettings, RefuseRecord
from connectors.kafka.admin import apply_topics, current_topics, topic_names
from connectors.kafka.publisher import Outgoing, Published, Publisher
from connectors.kafka.reader import end_offsets, read_topic, tail
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topic_plan import CreateTopic, TopicSpec

pytestmark = pytest.mark.integration


@pytest.fixture
def topic(kafka: KafkaSettings) -> str:
    return make_topic(kafka)


def make_topic(kafka: KafkaSettings, partitions: int = 1) -> str:
    name = f"test.{uuid4().hex}"
    apply_topics(kafka, [CreateTopic(TopicSpec(name, partitions, 1, {}))])
    return name


class Writer:
    """A transactional producer of the tests' own."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.producer = Producer(kafka.producer_conf(transactional_id=uuid4().hex))
        self.producer.init_transactions(20)

    def write(self, topic: str, values: Sequence[bytes]) -> None:
        self.producer.begin_transaction()
        for value in values:
            self.producer.produce(topic, value=value)
        self.producer.flush(20)

    def commit(self) -> None:
        self.producer.commit_transaction(20)

    def abort(self) -> None:
        self.producer.abort_transaction(20)


def values(kafka: KafkaSettings, topic: str) -> list[bytes | None]:
    return [record.value for record in read_topic(kafka, [topic])]


def test_an_empty_topic_ends_at_once(kafka: KafkaSettings, topic: str) -> None:
    """Reading a topic without records ends with none."""
    assert values(kafka, topic) == []


def test_the_end_is_found_behind_a_transaction_marker(kafka: KafkaSettings, topic: str) -> None:
    """The last offset of a committed batch is a marker, which is no record: reading ends all the same."""
    writer = Writer(kafka)
    writer.write(topic, [b"a", b"b"])
    writer.commit()
    assert end_offsets(kafka, [topic]) == {(topic, 0): 3}
    assert values(kafka, topic) == [b"a", b"b"]


def test_aborted_and_open_transactions_are_not_seen(kafka: KafkaSettings, topic: str) -> None:
    """A committed reader passes over what was aborted and ends before what is still open."""
    writer = Writer(kafka)
    writer.write(topic, [b"aborted"])
    writer.abort()
    writer.write(topic, [b"committed"])
    writer.commit()
    writer.write(topic, [b"open"])
    assert values(kafka, topic) == [b"committed"]
    assert end_offsets(kafka, [topic]) == {(topic, 0): 4}
    uncommitted = [record.value for record in read_topic(kafka, [topic], isolation="read_uncommitted")]
    assert uncommitted == [b"aborted", b"committed", b"open"]
    writer.abort()


def test_reading_goes_on_from_given_offsets(kafka: KafkaSettings) -> None:
    """A partition with a given offset starts there, the others at their beginning."""
    topic = make_topic(kafka, partitions=2)
    with Publisher(kafka) as publisher:
        publisher.publish(Outgoing(topic, value, partition=p) for p in (0, 1) for value in (b"first", b"second"))
    found = {(r.partition, r.value) for r in read_topic(kafka, [topic], offsets={(topic, 0): 1})}
    assert found == {(0, b"second"), (1, b"first"), (1, b"second")}


def test_a_missing_topic_is_named(kafka: KafkaSettings) -> None:
    """Reading a topic that is not there says so instead of ending empty."""
    with pytest.raises(ChangeSettings, match=r"`test\.nowhere`"):
        list(read_topic(kafka, ["test.nowhere"]))


def test_following_sees_what_comes_later(kafka: KafkaSettings, topic: str) -> None:
    """Following from the beginning gives what is there, then says it is idle, then gives what is new."""
    with Publisher(kafka) as publisher:
        publisher.publish([Outgoing(topic, b"before")])
        following = tail(kafka, [topic], from_beginning=True)
        assert next(record for record in following if record is not None).value == b"before"
        assert next(record is None for record in following)
        publisher.publish([Outgoing(topic, b"after", headers=[("masa-rule", "r1")])])
        record = next(record for record in following if record is not None)
    assert (record.value, record.header("masa-rule"), record.header("absent")) == (b"after", "r1", None)


def test_published_records_come_back_with_their_places(kafka: KafkaSettings, topic: str) -> None:
    """Every record's partition and offset are returned in the order given, for more records than the queue holds."""
    count = 120_000
    with Publisher(kafka) as publisher:
        places = publisher.publish(Outgoing(topic, b"%d" % number) for number in range(count))
    assert places == [Published(topic, 0, number) for number in range(count)]
    assert sum(1 for _ in read_topic(kafka, [topic])) == count


def test_a_record_too_large_is_refused_by_name_and_the_others_are_published(kafka: KafkaSettings, topic: str) -> None:
    """An oversize record does not take the others with it, and the message says how large it was, not what."""
    records = [Outgoing(topic, b"a"), Outgoing(topic, b"x" * 5_000_000), Outgoing(topic, b"b")]
    with Publisher(kafka) as publisher, pytest.raises(RefuseRecord, match=r"2 of 3 records.*5000000 bytes"):
        publisher.publish(records)
    assert values(kafka, topic) == [b"a", b"b"]


def test_publishing_to_a_missing_topic_is_refused(kafka: KafkaSettings) -> None:
    """A topic that is not there is not made; the caller is told."""
    with Publisher(kafka) as publisher, pytest.raises(ChangeSettings, match=r"`test\.nowhere`"):
        publisher.publish([Outgoing("test.nowhere", b"a")])
    assert "test.nowhere" not in topic_names(kafka)


def test_settings_of_a_topic_are_read_back(kafka: KafkaSettings) -> None:
    """What a topic was made with is what the cluster says it has."""
    name = f"test.{uuid4().hex}"
    spec = TopicSpec(name, 2, 1, {"retention.ms": "86400000", "max.message.bytes": "2000000"})
    apply_topics(kafka, [CreateTopic(spec)])
    state = current_topics(kafka, [name])[name]
    assert (state.partitions, state.replication_factor) == (2, 1)
    assert state.config.items() >= spec.config.items()
