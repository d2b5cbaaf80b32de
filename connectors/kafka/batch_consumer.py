"""A group member that reads batches by subscription and is told which partitions it owns.

Offsets are committed by the transactional producer, never here. A slot is a static member (KIP-345): after a crash the
same slot takes its partitions back at once instead of after a session timeout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from connectors.errors import ExitForSupervisor, RetryLater
from connectors.kafka.partition import Partition
from connectors.kafka.settings import ClientConf

_CALL_TIMEOUT_SECONDS = 5.0
_ASSIGN_TRIES = 6


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
        # What happened to partitions within the `take` under way: given up, or moved to another offset.
        self._moved: dict[Partition, int | None] | None = None
        self._fatal: str | None = None
        self._incremental = "cooperative" in str(conf.get("partition.assignment.strategy", ""))
        self._consumer = Consumer({**conf, "error_cb": self._on_error})
        self._consumer.subscribe(
            [pattern], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def take(self, max_records: int, wait_seconds: float) -> list[Record]:
        """Up to `max_records`, waiting at most `wait_seconds`; empty when there is nothing.

        Records of one partition come in order, and only of partitions that are this member's on return. Raises
        `ExitForSupervisor` when another process uses this slot's identity, and whenever the client or the owner fails:
        what had been gathered beside the failure is then gone, so that going on would pass records over.
        """
        moved = self._moved = {}
        try:
            records = self._sound(self._consumer.consume(max_records, wait_seconds))
        except (KafkaException, RetryLater) as failure:
            raise ExitForSupervisor(f"consumer: {_said(failure)}") from failure
        finally:
            self._moved = None
        if self._fatal is not None:
            raise ExitForSupervisor(f"consumer refused: {self._fatal}")
        return self._still_ours(records, moved) if moved else records

    def _still_ours(self, records: list[Record], moved: Mapping[Partition, int | None]) -> list[Record]:
        """Without the records of partitions that were given up or moved while these were gathered.

        The client purges them in most cases only. Of a partition that is ours (again) some may be from before and some
        from after the move, so it is read once more from where it was moved to.
        """
        touched = {Partition(record.topic(), record.partition()) for record in records} & moved.keys()
        for each in touched:
            offset = moved[each]
            if offset is not None:
                try:
                    self._consumer.seek(TopicPartition(each.topic, each.partition, offset))
                except KafkaException as failure:
                    raise ExitForSupervisor(f"seek: {_said(failure)}") from failure
        return [record for record in records if Partition(record.topic(), record.partition()) not in touched]

    def _sound(self, records: list[Any]) -> list[Record]:
        sound = []
        for record in records:
            error = record.error()
            if error is None:
                sound.append(record)
            elif error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
                self._log(error.name())  # a topic that was deleted; the subscription drops it
            elif _beyond_repair(error):
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
        return committed_of(answer)

    def seek(self, positions: Sequence[Committed]) -> None:
        """Go on from these positions; a partition without one goes on from its beginning."""
        for each in positions:
            offset = OFFSET_BEGINNING if each.offset is None else each.offset
            try:
                self._consumer.seek(TopicPartition(each.partition.topic, each.partition.partition, offset))
            except KafkaException as failure:
                raise RetryLater(f"seek: {failure.args[0].name()}") from failure
            if self._moved is not None:
                self._moved[each.partition] = offset

    def close(self) -> None:
        """Leave. A static member's partitions stay its own until the session times out."""
        self._closing = True
        self._consumer.close()

    def _on_error(self, error: KafkaError) -> None:
        """Called within `take`, where raising would do no good."""
        self._log(error.name())
        if _beyond_repair(error):
            self._fatal = error.name()

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:
            # A rebalance that ends while leaving: nothing will be read any more. To return without a word would have
            # the client assign these partitions, which never ends while it closes, and holds the interpreter.
            consumer.unassign()
            return
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
        if self._incremental:
            consumer.incremental_assign(start)
        else:
            consumer.assign(start)
        for each in start:
            partition = Partition(each.topic, each.partition)
            if self._moved is not None and partition in self._moved:
                self._moved[partition] = each.offset  # given up and got back at once

    def _committed_patiently(self, partitions: Sequence[Partition]) -> list[Committed]:
        """A rebalance cannot be taken up again later, so here is the place to wait for the coordinator."""
        for _ in range(_ASSIGN_TRIES - 1):
            try:
                return self.committed(partitions)
            except RetryLater as failure:
                self._log(str(failure))
        return self.committed(partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        gone = [Partition(each.topic, each.partition) for each in partitions]
        self._ownership.gave_up(gone)
        if self._incremental:
            consumer.incremental_unassign(partitions)
        else:
            consumer.unassign()
        if self._moved is not None:
            self._moved.update(dict.fromkeys(gone))


def _beyond_repair(error: KafkaError) -> bool:
    """Of a static member that was fenced the client says only `_FATAL`, without the flag, and gives no more records."""
    return bool(error.fatal()) or error.code() in (KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID)


def committed_of(answer: Iterable[TopicPartition]) -> list[Committed]:
    """The client's answer about committed offsets. Raises `RetryLater` when the broker could not tell one of them."""
    positions = []
    for each in answer:
        if each.error is not None:
            raise RetryLater(f"committed offset of `{each.topic}`: {each.error.name()}")
        offset = each.offset if each.offset >= 0 else None
        positions.append(Committed(Partition(each.topic, each.partition), offset, each.metadata or ""))
    return positions


def _said(failure: KafkaException | RetryLater) -> str:
    return str(failure) if isinstance(failure, RetryLater) else str(failure.args[0].name())
