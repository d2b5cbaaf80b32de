"""A group member for an agency's own software: reads committed records, commits what its caller has finished with.

Group and topic are the agency's own, so several processes of it may share the work. Unlike the router's consumer it
takes part in no transaction: offsets are committed after the effect, so a crash in between brings records again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.errors import RetryLater
from connectors.kafka.kafka_errors import translated
from connectors.kafka.partition import Partition
from connectors.kafka.reader import Record, record_of
from connectors.kafka.settings import KafkaSettings

_CONF: dict[str, str | int | float | bool] = {
    "log_level": 0,
    "partition.assignment.strategy": "cooperative-sticky",
    "queued.max.messages.kbytes": 16_384,
}
_STALE = (KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.REBALANCE_IN_PROGRESS)


class GroupReader:
    """Not thread-safe. Must be asked at least every five minutes, or its group gives its partitions to others."""

    def __init__(self, settings: KafkaSettings, topic: str, group: str, lost: Callable[[Partition], object]) -> None:
        """`lost` is told, inside `take`, of each partition that is no longer this member's."""
        self._topic, self._lost = topic, lost
        self._consumer = Consumer(settings.consumer_conf(group, client_id=group, extra=_CONF))
        self._consumer.subscribe([topic], on_revoke=self._on_revoke, on_lost=self._on_revoke)

    def take(self, most: int, wait_seconds: float) -> list[Record]:
        """Up to `most` records, in order within a partition. Raises RetryLater, NotPermitted, ChangeSettings."""
        records = []
        try:
            messages = self._consumer.consume(most, wait_seconds)
        except KafkaException as failure:
            raise translated(failure, f"cannot read `{self._topic}`") from failure
        for message in messages:
            error = message.error()
            if error is None:
                records.append(record_of(message))
            elif not error.retriable() and error.code() not in _PASSED_OVER:
                raise translated(error, f"cannot read `{self._topic}`")
        owned = {(each.topic, each.partition) for each in self._consumer.assignment()}
        return [each for each in records if (each.topic, each.partition) in owned]

    def keep_alive(self) -> None:
        """Stay in the group without reading anything."""
        owned = self._consumer.assignment()
        try:
            self._consumer.pause(owned)
            self._consumer.consume(1, 0)
            self._consumer.resume(self._consumer.assignment())
        except KafkaException as failure:
            raise translated(failure, f"cannot read `{self._topic}`") from failure

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Note the next offset to read of each partition. Raises RetryLater; a partition lost meanwhile is no error."""
        wanted = [TopicPartition(each.topic, each.partition, offset) for each, offset in offsets.items()]
        if not wanted:
            return
        try:
            self._consumer.commit(offsets=wanted, asynchronous=False)
        except KafkaException as failure:
            if failure.args[0].code() not in _STALE:
                raise RetryLater(f"cannot commit: {failure.args[0].name()}") from failure

    def close(self) -> None:
        """Leave the group, so that others get the partitions at once."""
        self._consumer.close()

    def _on_revoke(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        for each in partitions:
            self._lost(Partition(each.topic, each.partition))
        consumer.incremental_unassign(list(partitions))


_PASSED_OVER = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE)
