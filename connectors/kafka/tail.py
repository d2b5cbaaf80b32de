"""Reads known ranges of partitions again, beside the group that owns them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from connectors.errors import RetryLater
from connectors.kafka.batch_consumer import Record
from connectors.kafka.partition import Partition
from connectors.kafka.settings import ClientConf
from connectors.waiting import Deadline

_BATCH = 5_000
# The client waits this long for a full batch, so it is what the last few records of all ranges cost.
_WAIT_SECONDS = 0.05
_SILENT_SECONDS = 30.0

Range = tuple[int, int]  # first offset, and the offset after the last


class TailReader:
    """One client for any number of ranges. `conf` must have `enable.partition.eof` on."""

    def __init__(self, conf: ClientConf) -> None:
        self._consumer = Consumer(conf)

    def read(self, ranges: Mapping[Partition, Range]) -> Iterator[Record]:
        """Committed records of all ranges, those of a partition in order; fewer where retention has removed some.

        The partitions are read side by side: one after the other, a slot with fifty would need a minute to start.
        Raises `RetryLater` when the broker is silent for 30 s.
        """
        left = {each: end for each, (start, end) in ranges.items() if start < end}
        if not left:
            return
        starts = [TopicPartition(each.topic, each.partition, ranges[each][0]) for each in left]
        self._consumer.assign(starts)
        self._consumer.resume(starts)  # a pause outlives the assignment that it was made in
        patience = Deadline(_SILENT_SECONDS)
        try:
            while left:
                messages: list[Any] = self._consumer.consume(_BATCH, _WAIT_SECONDS)
                if messages:
                    patience = Deadline(_SILENT_SECONDS)
                elif patience.passed:
                    raise RetryLater(f"no answer while reading back `{next(iter(left)).topic}`")
                for message in messages:
                    partition = Partition(message.topic(), message.partition())
                    end = left.get(partition)
                    error = message.error()
                    if end is None or (error is not None and error.code() != KafkaError._PARTITION_EOF):
                        continue
                    if error is None and message.offset() < end:
                        yield message
                    if error is not None or message.offset() >= end - 1:
                        del left[partition]
                        self._consumer.pause([TopicPartition(*partition)])
        finally:
            self._consumer.unassign()  # else it would go on fetching, into memory, what nobody takes

    def close(self) -> None:
        self._consumer.close()
