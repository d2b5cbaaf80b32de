"""The transactional producer and the batch consumer, against the real broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.errors import ExitForSupervisor, RetryLater
from connectors.kafka.batch_consumer import BatchConsumer, Committed, Record
from connectors.kafka.compacted import CompactedReader
from connectors.kafka.partition import Partition
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.tail import TailReader
from connectors.kafka.transaction import Resume, TransactionalProducer
from tests.support import wait_for

pytestmark = pytest.mark.integration


class Owned:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.positions: list[Committed] = []
        self.lost: list[Partition] = []

    def gained(self, partitions: Sequence[Committed]) -> None:
        self.positions.extend(partitions)

    def gave_up(self, partitions: Sequence[Partition]) -> None:
        self.lost.extend(partitions)


def make_topic(kafka: KafkaSettings, name: str) -> str:
    admin = AdminClient(kafka.common_conf())
    for made in admin.create_topics([NewTopic(name, 1, 1)]).values():
        made.result(30)
    return name


def producer(kafka: KafkaSettings, slot: str) -> TransactionalProducer:
    made = TransactionalProducer(kafka.producer_conf(transactional_id=slot), timeout_seconds=20)
    made.open()
    return made


def consumer(kafka: KafkaSettings, topic: str, owned: Owned, group: str) -> BatchConsumer:
    conf = kafka.consumer_conf(group, extra={"partition.assignment.strategy": "cooperative-sticky"})
    return BatchConsumer(conf, pattern="^" + topic.replace(".", r"\.") + "$", ownership=owned, log=lambda _: None)


def take_some(member: BatchConsumer, enough: Callable[[list[Record]], bool]) -> list[Record]:
    records: list[Record] = []

    def ready() -> bool:
        records.extend(member.take(100, 0.1))
        return enough(records)

    wait_for(ready, 60)
    return records


def values_of(kafka: KafkaSettings, topic: str) -> list[bytes | None]:
    reader = CompactedReader(kafka.consumer_conf(f"read-{uuid4()}", partition_eof=True), topic)
    seen: list[bytes | None] = []

    def ended() -> bool:
        seen.extend(entry.value for entry in reader.poll(0.2))
        return reader.caught_up()

    wait_for(ended, 30)
    reader.close()
    return seen


def test_outputs_and_offsets_commit_together_with_their_metadata(kafka: KafkaSettings) -> None:
    """After a commit the outputs are readable, and the next owner gets the offset and the metadata with it."""
    source, target, group = (make_topic(kafka, f"tx-{name}-{uuid4()}") for name in ("in", "out", "group"))
    feeder = producer(kafka, f"feed-{uuid4()}")
    owned = Owned()
    member = consumer(kafka, source, owned, group)
    take_some(member, lambda _: bool(owned.positions))
    feeder.commit([(source, b"%d" % n, b"k", None) for n in range(3)], [], member.membership())
    records = take_some(member, lambda so_far: len(so_far) == 3)
    slot = producer(kafka, f"slot-{uuid4()}")
    outputs = [(target, record.value(), record.key(), [("h", b"v")]) for record in records]
    slot.commit(outputs, [Resume(source, 0, 3, "note")], member.membership())
    assert values_of(kafka, target) == [b"0", b"1", b"2"]
    assert member.committed([Partition(source, 0)]) == [Committed(Partition(source, 0), 3, "note")]
    member.close()


def test_a_failure_while_planning_aborts_and_nothing_is_delivered(kafka: KafkaSettings) -> None:
    """An exception from the outputs passes through, and a committed reader never sees what was sent before it."""
    target = make_topic(kafka, f"tx-out-{uuid4()}")
    owned = Owned()
    member = consumer(kafka, make_topic(kafka, f"tx-in-{uuid4()}"), owned, f"group-{uuid4()}")
    take_some(member, lambda _: bool(owned.positions))
    slot = producer(kafka, f"slot-{uuid4()}")

    def half() -> object:
        yield (target, b"lost", None, None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        slot.commit(half(), [], member.membership())  # type: ignore[arg-type]
    slot.commit([(target, b"kept", None, None)], [], member.membership())
    assert values_of(kafka, target) == [b"kept"]
    member.close()


def test_a_second_holder_of_the_slot_fences_the_first(kafka: KafkaSettings) -> None:
    """The older process is told to exit; its open work is not committed."""
    target = make_topic(kafka, f"tx-out-{uuid4()}")
    owned = Owned()
    member = consumer(kafka, make_topic(kafka, f"tx-in-{uuid4()}"), owned, f"group-{uuid4()}")
    take_some(member, lambda _: bool(owned.positions))
    slot = f"slot-{uuid4()}"
    older, newer = producer(kafka, slot), producer(kafka, slot)
    with pytest.raises(ExitForSupervisor):
        older.commit([(target, b"zombie", None, None)], [], member.membership())
    newer.commit([(target, b"alive", None, None)], [], member.membership())
    assert values_of(kafka, target) == [b"alive"]
    member.close()


def test_an_unreachable_coordinator_is_retried_later() -> None:
    """Opening without a broker answers with the move to make, not with a client error."""
    nobody = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    slot = TransactionalProducer(nobody.producer_conf(transactional_id="nobody"), timeout_seconds=1)
    with pytest.raises(RetryLater):
        slot.open()


def test_a_range_is_read_back_without_the_markers_and_aborted_records_in_it(kafka: KafkaSettings) -> None:
    """Reading back ends at the given offset even where the last offsets before it are control records."""
    topic = make_topic(kafka, f"tail-{uuid4()}")
    owned = Owned()
    member = consumer(kafka, topic, owned, f"group-{uuid4()}")
    take_some(member, lambda _: bool(owned.positions))
    slot = producer(kafka, f"slot-{uuid4()}")
    slot.commit([(topic, b"a", None, None)], [], member.membership())

    def aborted() -> object:
        yield (topic, b"never", None, None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        slot.commit(aborted(), [], member.membership())  # type: ignore[arg-type]
    slot.commit([(topic, b"b", None, None)], [], member.membership())
    last = take_some(member, lambda so_far: len(so_far) == 2)[-1].offset()
    tail = TailReader(kafka.consumer_conf(f"tail-{uuid4()}", partition_eof=True))
    assert [r.value() for r in tail.read({Partition(topic, 0): (0, last + 2)})] == [b"a", b"b"]
    assert [r.value() for r in tail.read({Partition(topic, 0): (1, last)})] == []
    assert [r.value() for r in tail.read({Partition(topic, 0): (0, 1)})] == [b"a"]
    tail.close()
    member.close()


def test_the_tails_of_many_partitions_are_read_side_by_side(kafka: KafkaSettings) -> None:
    """Each range whole and in order, in well under a second a partition, and nothing is fetched afterwards."""
    topic = f"tails-{uuid4()}"
    admin = AdminClient(kafka.common_conf())
    for made in admin.create_topics([NewTopic(topic, 20, 1)]).values():
        made.result(30)
    with Publisher(kafka) as publisher:
        publisher.publish([Outgoing(topic, b"%d" % n, partition=n % 20) for n in range(200)])
    tail = TailReader(kafka.consumer_conf(f"tail-{uuid4()}", partition_eof=True))
    began = time.monotonic()
    read = list(tail.read({Partition(topic, number): (2, 9) for number in range(20)}))
    assert time.monotonic() - began < 10
    for number in range(20):
        assert [r.offset() for r in read if r.partition() == number] == [2, 3, 4, 5, 6, 7, 8]
    assert [r.offset() for r in tail.read({Partition(topic, 3): (0, 100)})] == list(range(10))
    tail.close()


def test_a_second_holder_of_the_slots_membership_ends_the_first(kafka: KafkaSettings) -> None:
    """The older member is told to exit instead of waiting for ever for records that the newer one gets."""
    topic = make_topic(kafka, f"member-{uuid4()}")
    conf = kafka.consumer_conf(f"group-{topic}", group_instance_id="slot-0", extra={"heartbeat.interval.ms": 500})

    def held(owned: Owned) -> BatchConsumer:
        return BatchConsumer(
            {**conf, "partition.assignment.strategy": "cooperative-sticky"},
            pattern=f"^{topic}$",
            ownership=owned,
            log=lambda _: None,
        )

    owned = Owned()
    older = held(owned)
    take_some(older, lambda _: bool(owned.positions))
    newer = held(Owned())

    def ended() -> bool:
        newer.take(1, 0.1)
        try:
            older.take(1, 0.1)
        except ExitForSupervisor:
            return True
        return False

    wait_for(ended, 60, what="the end of the older member")
    older.close()
    newer.close()
