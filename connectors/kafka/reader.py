"""Reads topics to their end, or follows them: for people, tests and tools. No consumer group, nothing is committed.

Where the end is cannot be told from offsets: in a topic written in transactions the last offset is a marker that is
never delivered, and records of an aborted or still open transaction are passed over. So the end is what the broker
calls the end (`enable.partition.eof`), which under read_committed is the last stable offset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.errors import ChangeSettings, RetryLater
from connectors.kafka.kafka_errors import translated
from connectors.kafka.settings import Isolation, KafkaSettings
from connectors.waiting import Deadline

CALL_SECONDS = 15.0
SILENCE_SECONDS = 30.0  # how long a bounded read waits for a broker that says nothing
POLL_SECONDS = 0.2
BATCH = 2_000
UNUSED_GROUP = "masa-reader"  # librdkafka wants a name; with assigned partitions no group is joined

Headers = tuple[tuple[str, bytes | None], ...]
Offsets = Mapping[tuple[str, int], int]


class Record(NamedTuple):
    """One record. `timestamp` is milliseconds since the epoch: the broker's where the topic says so."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    def header(self, name: str) -> str | None:
        """The first header of that name as text, None when absent."""
        value = next((value for key, value in self.headers if key == name), None)
        return None if value is None else value.decode(errors="replace")


def read_topic(
    settings: KafkaSettings,
    topics: Iterable[str],
    *,
    offsets: Offsets | None = None,
    isolation: Isolation = "read_committed",
    silence: float = SILENCE_SECONDS,
) -> Iterator[Record]:
    """Everything in `topics` from the beginning (or from `offsets`) to where they end when the reading gets there.

    In offset order within a partition. A partition that has an entry in `offsets` starts there. Raises `ChangeSettings`
    (no such topic), `NotPermitted`, `RetryLater` (no broker, or silent for `silence` seconds).
    """
    with _Reading(settings, topics, offsets or {}, OFFSET_BEGINNING, isolation) as reading:
        yield from reading.to_the_end(silence)


def tail(
    settings: KafkaSettings,
    topics: Iterable[str],
    *,
    offsets: Offsets | None = None,
    from_beginning: bool = False,
    isolation: Isolation = "read_committed",
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Record | None]:
    """Follow `topics` until `stop()`: each record as it comes, and None whenever `POLL_SECONDS` brought nothing.

    Starts at the end unless told otherwise; outlives a broker's absence.
    """
    start = OFFSET_BEGINNING if from_beginning else OFFSET_END
    with _Reading(settings, topics, offsets or {}, start, isolation) as reading:
        while not stop():
            records = reading.poll(POLL_SECONDS)
            yield from records or (None,)


def end_offsets(
    settings: KafkaSettings, topics: Iterable[str], *, isolation: Isolation = "read_committed"
) -> dict[tuple[str, int], int]:
    """The next offset of each partition: under read_committed the last stable one, before any open transaction."""
    with _Reading(settings, topics, {}, OFFSET_END, isolation) as reading:
        return reading.ends()


class _Reading:
    """A consumer with assigned partitions and the set of those not yet at their end."""

    def __init__(
        self, settings: KafkaSettings, topics: Iterable[str], offsets: Offsets, start: int, isolation: Isolation
    ) -> None:
        # A topic's own retention may have removed the wanted offset: go on with what is left.
        extra = {"log_level": 0, "queued.max.messages.kbytes": 32_768}
        conf = settings.consumer_conf(UNUSED_GROUP, isolation=isolation, partition_eof=True, extra=extra)
        self._consumer = Consumer(conf)
        self._partitions = [
            TopicPartition(topic, number, offsets.get((topic, number), start))
            for topic in topics
            for number in self._numbers(topic)
        ]
        self._consumer.assign(self._partitions)
        self._unfinished = {(p.topic, p.partition) for p in self._partitions}

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def to_the_end(self, silence: float) -> Iterator[Record]:
        patience = Deadline(silence)
        while self._unfinished:
            before = len(self._unfinished)
            records = self.poll(POLL_SECONDS)
            if records or len(self._unfinished) < before:
                patience = Deadline(silence)
            elif patience.passed:
                waiting = ", ".join(sorted({topic for topic, _ in self._unfinished})[:3])
                raise RetryLater(f"no answer for {silence:g} s while reading `{waiting}`")
            yield from records

    def poll(self, seconds: float) -> list[Record]:
        """What has come; notes partitions that are at their end, and leaves the client to retry what it can."""
        records = []
        for message in self._consumer.consume(BATCH, seconds):
            error = message.error()
            if error is None:
                records.append(record_of(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                self._finish(message)
            elif not error.retriable() and error.code() not in _PASSED_OVER:
                raise translated(error, f"cannot read `{message.topic() or self._partitions[0].topic}`")
        return records

    def ends(self) -> dict[tuple[str, int], int]:
        ends = {}
        for partition in self._partitions:
            try:
                _, high = self._consumer.get_watermark_offsets(partition, CALL_SECONDS)
            except KafkaException as failure:
                raise translated(failure, f"cannot read `{partition.topic}`") from failure
            ends[partition.topic, partition.partition] = high
        return ends

    def _finish(self, message: Message) -> None:
        self._unfinished.discard((message.topic() or "", message.partition() or 0))

    def _numbers(self, topic: str) -> list[int]:
        try:
            found = self._consumer.list_topics(topic, timeout=CALL_SECONDS).topics[topic]
        except KafkaException as failure:
            raise translated(failure, f"cannot read `{topic}`") from failure
        if found.error is not None:
            raise translated(found.error, f"cannot read `{topic}`")
        if not found.partitions:
            raise ChangeSettings(f"cannot read `{topic}`: there is no such topic")
        return sorted(found.partitions)


_PASSED_OVER = {
    # reported while the client reconnects by itself
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._RESOLVE,
    # the client looks for its group's coordinator, though it never joins a group
    KafkaError.GROUP_AUTHORIZATION_FAILED,
}


def record_of(message: Message) -> Record:
    pairs: Any = message.headers() or ()  # always a list of pairs on this side
    headers = tuple((name, _bytes(value)) for name, value in pairs)
    topic, partition, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
    return Record(topic, partition, offset, message.timestamp()[1], message.key(), message.value(), headers)


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
