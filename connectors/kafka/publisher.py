"""Publishes records, one or thousands, outside transactions: idempotent, in order, each one accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.errors import ConnectorFailure, RebuildClient, RefuseRecord
from connectors.kafka.kafka_errors import translated
from connectors.kafka.settings import PRODUCER_MAX_BYTES, KafkaSettings
from connectors.waiting import Deadline

DELIVERY_SECONDS = 60.0
FULL_WAIT_SECONDS = 0.1
UNKNOWN_TOPIC_MS = 5_000  # a topic made this moment may not be known to every broker yet
BY_KEY = -1  # librdkafka's RD_KAFKA_PARTITION_UA: the partitioner chooses

Headers = Sequence[tuple[str, str | bytes | None]]


class Outgoing(NamedTuple):
    """A record to publish; `partition` None leaves the choice to its key."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    partition: int | None = None


class Published(NamedTuple):
    """Where a record is: acknowledged by all in-sync replicas."""

    topic: str
    partition: int
    offset: int


class Publisher:
    """Not thread-safe. Use as a context manager, or `close()` it.

    Success means that the record is durable and in order with the others of its key; it does not mean that anyone has
    read it.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        client_id: str = "masa-publisher",
        max_bytes: int = PRODUCER_MAX_BYTES,
        timeout: float = DELIVERY_SECONDS,
    ) -> None:
        extra = {
            "message.timeout.ms": int(timeout * 1000),
            "topic.metadata.propagation.max.ms": UNKNOWN_TOPIC_MS,
            "log_level": 0,
        }
        self._producer = Producer(settings.producer_conf(client_id=client_id, max_bytes=max_bytes, extra=extra))
        self._timeout = timeout

    def publish(self, records: Iterable[Outgoing]) -> list[Published]:
        """Publish all, wait until all are acknowledged; their places, in the order given.

        Blocks at most a little over the timeout. On failure the message says how many were acknowledged, which are then
        the first ones of each partition; the failure's class is that of the first record that failed.
        """
        done: dict[int, Published | ConnectorFailure] = {}
        count = 0
        for index, record in enumerate(records):
            self._enqueue(record, index, done)
            count += 1
        left = self._producer.flush(self._timeout + 5)
        if left:
            self._producer.purge()
            raise RebuildClient(f"{left} of {count} records were not acknowledged within {self._timeout:g} s")
        failures = [done[index] for index in sorted(done) if isinstance(done[index], ConnectorFailure)]
        for failure in failures[:1]:
            assert isinstance(failure, ConnectorFailure)  # noqa: S101 - what was filtered for
            raise type(failure)(f"{count - len(failures)} of {count} records were published: {failure}")
        return [place for index in range(count) if isinstance(place := done[index], Published)]

    def close(self) -> None:
        """Drop what is not acknowledged; `publish` never leaves anything behind."""
        self._producer.purge()
        self._producer.flush(0)

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _enqueue(self, record: Outgoing, index: int, done: dict[int, Published | ConnectorFailure]) -> None:
        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                done[index] = _not_published(error, record)
            else:
                done[index] = Published(record.topic, message.partition() or 0, message.offset() or 0)

        deadline = Deadline(self._timeout)
        while True:
            try:
                self._producer.produce(
                    record.topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    partition=BY_KEY if record.partition is None else record.partition,
                    on_delivery=delivered,
                )
            except BufferError:  # the client's queue is full: let the broker take some
                self._producer.poll(FULL_WAIT_SECONDS)
                if deadline.passed:
                    done[index] = RebuildClient(f"cannot publish to `{record.topic}`: the queue stayed full")
                    return
            except KafkaException as failure:
                done[index] = _not_published(failure.args[0], record)
                return
            else:
                self._producer.poll(0)
                return


def _not_published(error: KafkaError, record: Outgoing) -> ConnectorFailure:
    doing = f"cannot publish to `{record.topic}`"
    if error.code() == KafkaError._MSG_TIMED_OUT:
        # It may or may not have been written; only what is idempotent for its readers may be sent again.
        return RebuildClient(f"{doing}: not acknowledged in time, and possibly written all the same")
    failure = translated(error, doing)
    if isinstance(failure, RefuseRecord):
        return RefuseRecord(f"{failure}: the value has {len(record.value or b'')} bytes")
    return failure
