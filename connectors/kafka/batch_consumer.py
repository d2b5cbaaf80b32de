"""A group member that reads batches by subscription and is told which partitions it owns.

Offsets are committed by the transactional producer, never here. A slot is a static member (KIP-345): after a crash the
same slot takes its partitions back at once instead of after a session timeout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from connectors.errors import ExitForSupervisor, RetryLater
from connectors.kafka.settings import ClientConf

_CALL_TIMEOUT_SECONDS = 10.0
_ASSIGN_TRIES = 6


class Partition(NamedTuple):
    topic: str
    partition: int


class Committed(NamedTuple):
    """Where a partition goes on: `offset` is the next to read, None when nothing was ever committed."""

    partition: Partition
    offset: int | None
    metadata: str


class Record(Protocol):
    """The client's message, of which these methods are used."""

    def topic(self) -> str: ...
    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> list[tuple[str, bytes]] | None: ...
    def timestamp(self) -> tuple[int, int]: ...


class Ownership(Protocol):
    """Told of changes, inside `take()`, in the caller's thread."""

    def gained(self, partitions: Sequence[Committed]) -> None: ...
    def gave_up(self, partitions: Sequence[Partition]) -> None: ...


class BatchConsumer:
    """Not thread-safe: one loop owns it."""

    def __init__(self, conf: ClientConf, *, pattern: str, ownership: Ownership, log: Callable[[str], None]) -> None:
        """`pattern` is a subscription regex starting with ^; new topics that match it join at the next metadata
        refresh. `log` takes a client error's name."""
        self._ownership = ownership
        self._log = log
        self._closing = False
        self._consumer = Consumer({**conf, "error_cb": lambda error: log(error.name())})
        self._consumer.subscribe(
            [pattern], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def take(self, max_records: int, wait_seconds: float) -> list[Record]:
        """Up to `max_records`, waiting at most `wait_seconds`; empty when there is nothing.

        Records of one partition come in order. Raises `ExitForSupervisor` when another process uses this slot's
        identity, `RetryLater` for anything a pause may cure.
        """
        try:
            records = self._consumer.consume(max_records, wait_seconds)
        except KafkaException as failure:
            raise _named(failure.args[0]) from failure
        return self._sound(records)

    def _sound(self, records: list[Any]) -> list[Record]:
        sound = []
        for record in records:
            error = record.error()
            if error is None:
                sound.append(record)
            elif error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
                self._log(error.name())  # a topic that was deleted; the subscription drops it
            elif error.fatal() or error.code() == KafkaError.FENCED_INSTANCE_ID:
                raise ExitForSupervisor(f"consumer refused: {error.name()}")
            else:
                self._log(error.name())
        return sound

    def membership(self) -> Any:
        """A fresh group metadata object; must not be kept across a rebalance (KIP-447)."""
        return self._consumer.consumer_group_metadata()

    def assignment(self) -> list[Partition]:
        return [Partition(each.topic, each.partition) for each in self._consumer.assignment()]

    def committed(self, partitions: Sequence[Partition]) -> list[Committed]:
        """What the broker has for these partitions. Raises `RetryLater`."""
        asked = [TopicPartition(each.topic, each.partition) for each in partitions]
        try:
            answer = self._consumer.committed(asked, timeout=_CALL_TIMEOUT_SECONDS)
        except KafkaException as failure:
            raise RetryLater(f"committed offsets: {failure.args[0].name()}") from failure
        return [
            Committed(
                Partition(each.topic, each.partition),
                each.offset if each.offset >= 0 else None,
                each.metadata or "",
            )
            for each in answer
        ]

    def seek(self, positions: Sequence[Committed]) -> None:
        """Go on from these positions; a partition without one goes on from its beginning."""
        for each in positions:
            offset = OFFSET_BEGINNING if each.offset is None else each.offset
            try:
                self._consumer.seek(TopicPartition(each.partition.topic, each.partition.partition, offset))
            except KafkaException as failure:
                raise RetryLater(f"seek: {failure.args[0].name()}") from failure

    def close(self) -> None:
        """Leave. A static member's partitions stay its own until the session times out."""
        self._closing = True
        self._consumer.close()

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:
            return  # a rebalance that ends while leaving: nothing will be read any more
        gained = [Partition(each.topic, each.partition) for each in partitions]
        positions = self._committed_patiently(gained)
        self._ownership.gained(positions)
        start = [
            TopicPartition(
                each.partition.topic,
                each.partition.partition,
                OFFSET_BEGINNING if each.offset is None else each.offset,
            )
            for each in positions
        ]
        consumer.incremental_assign(start)

    def _committed_patiently(self, partitions: Sequence[Partition]) -> list[Committed]:
        """A rebalance cannot be taken up again later, so here is the place to wait for the coordinator."""
        for _ in range(_ASSIGN_TRIES - 1):
            try:
                return self.committed(partitions)
            except RetryLater as failure:
                self._log(str(failure))
        return self.committed(partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._ownership.gave_up([Partition(each.topic, each.partition) for each in partitions])
        consumer.incremental_unassign(partitions)


def _named(error: KafkaError) -> Exception:
    if error.fatal() or error.code() == KafkaError.FENCED_INSTANCE_ID:
        return ExitForSupervisor(f"consumer refused: {error.name()}")
    return RetryLater(f"consumer: {error.name()}")
