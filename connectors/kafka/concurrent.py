"""Publishes for many threads at once through one producer: idempotent, in order a key, each record accounted for.

Librdkafka batches what comes at about the same time, so a hundred callers cost little more than one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.errors import ConnectorFailure, ExitForSupervisor, RetryLater
from connectors.kafka.kafka_errors import translated
from connectors.kafka.publisher import Outgoing, Published
from connectors.kafka.settings import PRODUCER_MAX_BYTES, KafkaSettings

DELIVERY_SECONDS = 10.0  # a caller of the gateway waits no longer; it comes again with the same key
STALLED_SECONDS = 3.0  # so long without any acknowledgement while some are due: the brokers are away
MOST_IN_FLIGHT = 20_000  # records
_POLL_SECONDS = 0.1
_LINGER_MS = 2
_BY_KEY = -1  # librdkafka's RD_KAFKA_PARTITION_UA: the partitioner chooses

_UNKNOWN = (KafkaError._MSG_TIMED_OUT, KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)

Placed = Published | ConnectorFailure


class ConcurrentPublisher:
    """Safe from any thread. `close()` it."""

    def __init__(self, settings: KafkaSettings, *, client_id: str, timeout: float = DELIVERY_SECONDS) -> None:
        extra: dict[str, str | int | float | bool] = {
            "message.timeout.ms": int(timeout * 1000),
            "linger.ms": _LINGER_MS,
            "queue.buffering.max.messages": MOST_IN_FLIGHT,
        }
        self._producer = Producer(
            settings.producer_conf(client_id=client_id, max_bytes=PRODUCER_MAX_BYTES, extra=extra)
        )
        self._timeout = timeout
        self._lock = threading.Lock()
        self._in_flight = 0
        self._moved = 0.0  # when the last acknowledgement came, or the first record after a silence was sent
        self._stop = threading.Event()
        self._broken = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="kafka-acknowledgements", daemon=True)
        self._thread.start()

    def publish(self, records: Sequence[Outgoing]) -> list[Placed]:
        """Publish all, wait until each is acknowledged or given up; what became of each, in the order given.

        Blocks at most a little over the timeout. Raises `RetryLater` at once, with nothing sent, when too much is
        under way or no broker has answered for a while.
        """
        if not records:
            return []
        self._admit(len(records))
        batch = _Batch(len(records))
        for index, record in enumerate(records):
            self._send(record, index, batch)
        if not batch.done.wait(self._timeout + 5):
            batch.give_up()
        return batch.places()

    def stalled(self) -> bool:
        """Whether acknowledgements are due and none has come for a while."""
        with self._lock:
            return self._in_flight > 0 and time.monotonic() - self._moved > STALLED_SECONDS

    def broken(self) -> bool:
        """Whether the producer is beyond repair, so that the process must end."""
        return self._broken.is_set()

    def close(self) -> None:
        """Wait for what is under way, as long as a caller would, then let go."""
        self._producer.flush(self._timeout)
        self._stop.set()
        self._thread.join(5)
        self._producer.purge()
        self._producer.flush(0)

    def _admit(self, count: int) -> None:
        if self.stalled():
            raise RetryLater("kafka does not answer")
        with self._lock:
            if self._in_flight + count > MOST_IN_FLIGHT:
                raise RetryLater("too many events are waiting to be written")
            if self._in_flight == 0:
                self._moved = time.monotonic()
            self._in_flight += count

    def _settled(self) -> None:
        with self._lock:
            self._in_flight -= 1
            self._moved = time.monotonic()

    def _given_up(self) -> None:
        with self._lock:
            self._in_flight -= 1  # no sign of life: `_moved` stays

    def _send(self, record: Outgoing, index: int, batch: _Batch) -> None:
        def told(error: KafkaError | None, message: Message) -> None:
            if error is None:
                self._settled()
                batch.settle(index, Published(record.topic, message.partition() or 0, message.offset() or 0))
            else:
                self._given_up()
                batch.settle(index, self._failure(error, record.topic))

        try:
            self._producer.produce(
                record.topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers),
                partition=_BY_KEY if record.partition is None else record.partition,
                on_delivery=told,
            )
        except BufferError:
            self._given_up()
            batch.settle(index, RetryLater("too many events are waiting to be written"))
        except KafkaException as failure:
            self._given_up()
            batch.settle(index, self._failure(failure.args[0], record.topic))

    def _failure(self, error: KafkaError, topic: str) -> ConnectorFailure:
        if error.fatal() or error.code() == KafkaError._FATAL:
            self._broken.set()
            return ExitForSupervisor(f"cannot publish to `{topic}`: {error.name()}")
        if error.code() in _UNKNOWN:
            doing = f"cannot publish to `{topic}`"
            return RetryLater(f"{doing}: not acknowledged in time, and possibly written all the same")
        return translated(error, f"cannot publish to `{topic}`")

    def _serve(self) -> None:
        """Hand out acknowledgements."""
        while not self._stop.is_set():
            self._producer.poll(_POLL_SECONDS)


class _Batch:
    """What became of each record of one call."""

    def __init__(self, count: int) -> None:
        self._places: list[Placed | None] = [None] * count
        self._left = count
        self._lock = threading.Lock()
        self.done = threading.Event()

    def settle(self, index: int, place: Placed) -> None:
        with self._lock:
            if self._places[index] is None:
                self._places[index] = place
                self._left -= 1
                if self._left == 0:
                    self.done.set()

    def give_up(self) -> None:
        for index in range(len(self._places)):
            self.settle(index, RetryLater("kafka did not acknowledge in time; it is possibly written all the same"))

    def places(self) -> list[Placed]:
        return [place for place in self._places if place is not None]
