"""When the record at an offset was written: what an age is, where an offset is none.

A lag in offsets lies: the markers of transactions and aborted records count in it. The timestamp of the first record
that a reader would get does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from connectors.errors import NotReady
from connectors.kafka.log_ends import LogEnds, Offsets, group_offsets
from connectors.kafka.offset_consumer import kafka_failures
from connectors.kafka.partition import Partition
from connectors.kafka.settings import Isolation, KafkaSettings
from connectors.waiting import Deadline

PATIENCE_S = 10.0
AT_MOST_PARTITIONS = 500  # looked at in one call: as many as a fetch asks for without trouble
_PER_PARTITION_BYTES = 16 * 1024  # a broker sends a whole batch if the first one is larger
_CALL_S = 10.0

Timestamps = dict[Partition, int]  # milliseconds since the epoch


def standing_of(settings: KafkaSettings, group: str, partitions: tuple[Partition, ...]) -> Offsets:
    """Next offset that `group` has committed, by partition; those without one are left out.

    What is pending in an open transaction is not waited for: it is exactly then that somebody must be able to look.
    """
    conf = settings.consumer_conf(group, client_id="masa-exporter-offsets", isolation="read_uncommitted")
    return group_offsets(conf, group, partitions, _CALL_S)


def waiting(
    settings: KafkaSettings, ends: LogEnds, partitions: tuple[Partition, ...], positions: Mapping[Partition, int]
) -> Timestamps:
    """Partitions with a committed record at or after a reader's position, and when the first of them was written.

    A partition without a position counts from its start. At most AT_MOST_PARTITIONS of them.
    """
    settled = ends.settled(partitions)
    unread = [each for each in partitions if each not in positions]
    starts = ends.starts(unread) if unread else {}
    asked = {each: positions.get(each, starts.get(each, 0)) for each in partitions}
    behind = {each: at for each, at in asked.items() if at < settled[each]}
    return first_records(settings, behind, isolation="read_committed")


def open_transactions(settings: KafkaSettings, ends: LogEnds, partitions: tuple[Partition, ...]) -> Timestamps:
    """Partitions that a transaction is open on, and when its first record was written."""
    settled = ends.settled(partitions)  # before `written`: what is committed in between is then not taken for open
    written = ends.written(partitions)
    still = ends.settled([each for each in partitions if settled[each] < written[each]])
    stalled = {each: at for each, at in still.items() if at == settled[each]}
    return first_records(settings, stalled, isolation="read_uncommitted")


def first_records(settings: KafkaSettings, positions: Mapping[Partition, int], *, isolation: Isolation) -> Timestamps:
    """When the first record at or after each position was written; partitions without one are left out.

    Raises `NotReady` when a partition does not answer in time, and what `kafka_failures` names.
    """
    looked_at = dict(sorted(positions.items())[:AT_MOST_PARTITIONS])
    if not looked_at:
        return {}
    consumer = Consumer(_conf(settings, isolation))
    try:
        with kafka_failures("assign"):
            consumer.assign([TopicPartition(*each, offset) for each, offset in looked_at.items()])
        return _firsts(consumer, set(looked_at))
    finally:
        consumer.close()


def _conf(settings: KafkaSettings, isolation: Isolation) -> Any:
    return settings.consumer_conf(
        "masa-exporter-unused",
        client_id="masa-exporter",
        isolation=isolation,
        partition_eof=True,
        extra={
            "fetch.message.max.bytes": _PER_PARTITION_BYTES,
            "queued.min.messages": 1,
            "fetch.wait.max.ms": 50,
        },
    )


def _firsts(consumer: Any, left: set[Partition]) -> Timestamps:
    found: Timestamps = {}
    deadline = Deadline(PATIENCE_S)
    while left:
        if deadline.passed:
            raise NotReady(f"{len(left)} partitions did not answer in {PATIENCE_S:g} s")
        with kafka_failures("read"):
            messages = consumer.consume(AT_MOST_PARTITIONS, 0.1)
        for message in messages:
            where = Partition(message.topic(), message.partition())
            if where in left and message.error() is None:
                found[where] = message.timestamp()[1]
            left.discard(where)  # also at its end, or where the offset is gone: nothing to be found there
    return found
