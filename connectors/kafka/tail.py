"""Reads a known range of one partition again, beside the group that owns it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from confluent_kafka import Consumer, KafkaError, TopicPartition

from connectors.errors import RetryLater
from connectors.kafka.batch_consumer import Partition, Record
from connectors.kafka.settings import ClientConf

_BATCH = 5_000
_WAIT_SECONDS = 1.0
_SILENT_WAITS = 30


class TailReader:
    """One client for any number of ranges, one after the other. `conf` must have `enable.partition.eof` on."""

    def __init__(self, conf: ClientConf) -> None:
        self._consumer = Consumer(conf)

    def read(self, partition: Partition, start: int, end: int) -> Iterator[Record]:
        """Committed records with `start` ≤ offset < `end`; fewer where retention has removed some.

        Raises `RetryLater` when the broker is silent for 30 s.
        """
        if start >= end:
            return
        self._consumer.assign([TopicPartition(partition.topic, partition.partition, start)])
        silent = 0
        while silent < _SILENT_WAITS:
            messages = self._consumer.consume(_BATCH, _WAIT_SECONDS)
            silent = 0 if messages else silent + 1
            for message in messages:
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        return
                    continue
                record = cast(Record, message)
                if record.offset() >= end:
                    return
                yield record
                if record.offset() == end - 1:
                    return
        raise RetryLater(f"no answer while reading back `{partition.topic}`")

    def close(self) -> None:
        self._consumer.close()
