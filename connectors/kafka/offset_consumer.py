"""Reads partitions from offsets that the caller keeps, committed records only; no consumer group is involved.

For whoever stores offsets beside the effect of the records (the ledger), and for whoever must read up to an exact point
(the checker). An offset that is no longer in the log is an error here, never a silent jump.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from connectors.errors import ChangeSettings, ConnectorFailure, ExitForSupervisor, NotPermitted, NotReady, RetryLater
from connectors.kafka.partition import Partition
from connectors.kafka.settings import KafkaSettings
from connectors.waiting import Deadline

_CALL_TIMEOUT_S = 10.0
# Enough to hide the broker's round trip at 20,000 records a second; librdkafka's default is 64 MiB a partition.
_QUEUED_KBYTES = 16_384
_RANGE_RECORDS = 2_000

Headers = tuple[tuple[str, bytes | None], ...]


class Record(NamedTuple):
    topic: str
    partition: int
    offset: int
    timestamp: int  # milliseconds since the epoch, as the record's producer or broker set it
    key: bytes | None
    value: bytes | None
    headers: Headers


class Polled(NamedTuple):
    """Records in offset order within a partition, and the partitions read to their end: next offset, markers passed."""

    records: list[Record]
    ends: dict[Partition, int]

    def moves(self, positions: Mapping[int, int | None]) -> dict[int, tuple[int | None, int]]:
        """How far it moves each partition of a single topic: number -> (position, next offset), markers passed."""
        reached = {record.partition: record.offset + 1 for record in self.records}
        for partition, end in self.ends.items():
            reached[partition.partition] = max(end, reached.get(partition.partition, 0))
        return {n: (positions[n], at) for n, at in reached.items() if positions[n] != at}


class OffsetLost(ConnectorFailure):
    """The log no longer holds (or does not yet hold) the offset to go on from. Never continue elsewhere by itself."""


class OffsetConsumer:
    """Not thread-safe: one loop owns it."""

    def __init__(self, settings: KafkaSettings, *, client_id: str, headers: bool = True) -> None:
        """`headers=False` leaves headers empty, which saves a microsecond a record."""
        conf = settings.consumer_conf(
            f"{client_id}-unused",  # librdkafka wants one even where no group is joined
            client_id=client_id,
            offset_reset="error",
            partition_eof=True,
            extra={"queued.max.messages.kbytes": _QUEUED_KBYTES, "fetch.wait.max.ms": 100},
        )
        self._headers = headers
        self._consumer = Consumer(conf)

    def partitions(self, topic: str) -> tuple[Partition, ...]:
        """Raises `ChangeSettings` when the topic does not exist."""
        with kafka_failures(f"partitions of `{topic}`"):
            found = self._consumer.list_topics(topic, timeout=_CALL_TIMEOUT_S).topics[topic]
        if found.error is not None or not found.partitions:
            raise ChangeSettings(f"topic `{topic}` does not exist; `masa topics apply` makes it")
        return tuple(Partition(topic, number) for number in sorted(found.partitions))

    def assign(self, starts: Mapping[Partition, int | None]) -> None:
        """Read exactly these partitions from these offsets; None means the oldest record kept."""
        wanted = [
            TopicPartition(each.topic, each.partition, OFFSET_BEGINNING if start is None else start)
            for each, start in starts.items()
        ]
        with kafka_failures("assign"):
            self._consumer.assign(wanted)

    def poll(self, max_records: int, wait_seconds: float) -> Polled:
        """Up to `max_records`, waiting at most `wait_seconds` for so many.

        Raises `OffsetLost`; `RetryLater` for what a pause may cure; `NotPermitted`; `ExitForSupervisor`.
        """
        with kafka_failures("read"):
            messages: list[Any] = self._consumer.consume(max_records, wait_seconds)
        records: list[Record] = []
        ends: dict[Partition, int] = {}
        for message in messages:
            error = message.error()
            if error is None:
                records.append(self._record(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                ends[Partition(message.topic(), message.partition())] = message.offset()
            elif error.code() in _OFFSET_GONE:
                where = f"{message.topic()} [{message.partition()}]"
                raise OffsetLost(
                    f"{where}: the stored offset is not in the log any more: "
                    "the topic was made anew, cut by retention, or is another cluster's"
                )
            else:
                raise named(error, "read")
        return Polled(records, ends)

    def poll_something(self, patience_s: float) -> Polled:
        """As `poll`, waiting for a first record or end. Raises `NotReady` when there is neither in `patience_s`."""
        deadline = Deadline(patience_s)
        while not deadline.passed:
            polled = self.poll(_RANGE_RECORDS, 0.1)
            if polled.records or polled.ends:
                return polled
        raise NotReady(f"kafka sent nothing for {patience_s:g} s")

    def drop(self, partition: Partition) -> None:
        """Read this partition no further."""
        with kafka_failures("pause"):
            self._consumer.pause([TopicPartition(partition.topic, partition.partition)])

    def _record(self, message: Any) -> Record:
        return Record(
            message.topic(),
            message.partition(),
            message.offset(),
            message.timestamp()[1],
            message.key(),
            message.value(),
            tuple(message.headers() or ()) if self._headers else (),
        )

    def behind(self, positions: Mapping[Partition, int]) -> int:
        """How many offsets lie between these positions and the ends of the log, as of the last fetch."""
        total = 0
        for each, position in positions.items():
            try:
                _, high = self._consumer.get_watermark_offsets(TopicPartition(each.topic, each.partition), cached=True)
            except KafkaException:
                continue
            total += max(0, high - position)
        return total

    def close(self) -> None:
        self._consumer.close()


_OFFSET_GONE = (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET, KafkaError._NO_OFFSET)
_REFUSED = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._AUTHENTICATION,
)


def named(error: KafkaError, doing: str) -> ConnectorFailure:
    """The failure that tells the caller what to do next."""
    if error.code() in _REFUSED:
        return NotPermitted(f"kafka refused to {doing}: {error.name()}")
    if error.fatal():
        return ExitForSupervisor(f"kafka: {doing}: {error.name()}")
    return RetryLater(f"kafka: {doing}: {error.name()}")


@contextmanager
def kafka_failures(doing: str) -> Iterator[None]:
    """Turns the client's exceptions into connector failures."""
    try:
        yield
    except KafkaException as failure:
        raise named(failure.args[0], doing) from failure


def read_ranges(
    settings: KafkaSettings,
    ranges: Mapping[Partition, tuple[int, int]],
    *,
    client_id: str,
    headers: bool = True,
    patience_s: float = 60.0,
) -> Iterator[Record]:
    """Every committed record from a first offset up to (not including) an end offset, partitions interleaved.

    The end must not lie beyond the last stable offset. Raises as `OffsetConsumer.poll`, and `NotReady` when nothing at
    all arrives for `patience_s`.
    """
    left = {each: end for each, (start, end) in ranges.items() if start < end}
    consumer = OffsetConsumer(settings, client_id=client_id, headers=headers)
    try:
        consumer.assign({each: ranges[each][0] for each in left})
        while left:
            polled = consumer.poll_something(patience_s)
            done = [each for each, reached in polled.ends.items() if reached >= left.get(each, reached)]
            for record in polled.records:
                place = Partition(record.topic, record.partition)
                if place not in left:
                    continue
                if record.offset < left[place]:
                    yield record
                if record.offset >= left[place] - 1:
                    done.append(place)
            for each in done:
                if left.pop(each, None) is not None:
                    consumer.drop(each)
    finally:
        consumer.close()
