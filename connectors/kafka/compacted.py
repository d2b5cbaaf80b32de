"""Reads a compacted control topic from its beginning and then follows it, without a consumer group."""

from __future__ import annotations

from typing import NamedTuple, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from connectors.errors import RetryLater
from connectors.kafka.settings import ClientConf

_BATCH = 1_000
_METADATA_SECONDS = 10.0


class Entry(NamedTuple):
    """One record; `value` None is a tombstone."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    offset: int


class CompactedReader:
    """Not thread-safe. `conf` must have `enable.partition.eof` on; its group id is never used to commit."""

    def __init__(self, conf: ClientConf, topic: str) -> None:
        self._topic = topic
        self._consumer = Consumer(conf)
        self._pending: set[int] | None = None

    def caught_up(self) -> bool:
        """Whether every partition was once read to its end."""
        return self._pending == set()

    def poll(self, wait_seconds: float) -> list[Entry]:
        """What is new, waiting at most `wait_seconds`. Raises `RetryLater` while the topic cannot be read."""
        if self._pending is None:
            self._assign()
        entries = []
        for message in self._consumer.consume(_BATCH, wait_seconds):
            error = message.error()
            if error is None:
                pairs = cast("list[tuple[str, bytes | None]]", message.headers() or [])
                headers = {name: value or b"" for name, value in pairs}
                entries.append(Entry(message.key(), message.value(), headers, message.offset() or 0))
            elif error.code() == KafkaError._PARTITION_EOF and self._pending is not None:
                self._pending.discard(message.partition())
        return entries

    def close(self) -> None:
        self._consumer.close()

    def _assign(self) -> None:
        try:
            found = self._consumer.list_topics(self._topic, timeout=_METADATA_SECONDS).topics[self._topic]
        except KafkaException as failure:
            raise RetryLater(f"`{self._topic}`: {failure.args[0].name()}") from failure
        if found.error is not None or not found.partitions:
            raise RetryLater(f"`{self._topic}` is not there yet: run `masa topics apply`")
        self._pending = set(found.partitions)
        self._consumer.assign([TopicPartition(self._topic, number, OFFSET_BEGINNING) for number in self._pending])
