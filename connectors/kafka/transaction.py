"""One transactional producer: a batch of records and the offsets they came from, all or nothing (KIP-98, KIP-447).

Every failure is turned into the caller's next move:

- `AbortAndReplan`: the transaction was aborted here; nothing was delivered. Seek back and plan again.
- `RebuildClient`: whether it committed is unknown. The producer is already gone; call `open()` (which waits for the
  broker to settle the old transaction), ask the broker for the committed offsets and go on from there. librdkafka 2.16
  speaks the older transaction protocol, in which a late commit could otherwise reach into the next transaction
  (librdkafka#5423).
- `ExitForSupervisor`: another process owns this slot, or the client is beyond repair.

Every call is bounded by a timeout, because librdkafka's own default is to wait for ever (librdkafka#5511).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from connectors.errors import AbortAndReplan, ExitForSupervisor, RebuildClient, RetryLater
from connectors.kafka.settings import ClientConf

_POLL_EVERY = 512  # outputs between two looks at the client's events
_FULL_WAIT_SECONDS = 0.05  # pause when the client's queue is full
_RETRIES = 2

# Values as bytes: the client takes twice as long over text.
Headers = list[tuple[str, str | bytes | None]]


# A record to produce: topic, value, key, headers. A plain tuple: the router makes four for every event.
Output = tuple[str, bytes | None, bytes | str | None, Headers | None]


class Resume(NamedTuple):
    """Where a source partition goes on, and what to remember with it (the commit's metadata)."""

    topic: str
    partition: int
    offset: int
    metadata: str


class TransactionalProducer:
    """Not thread-safe: one loop owns it. Made closed; `open()` before use."""

    def __init__(self, conf: ClientConf, *, timeout_seconds: float) -> None:
        """`conf` must name a `transactional.id`. `timeout_seconds` bounds each call to the coordinator."""
        self._conf = conf
        self._timeout = timeout_seconds
        self._producer: Producer | None = None

    def open(self) -> None:
        """Make the client and take over the slot: fences an older holder, settles its open transaction.

        Blocks up to the timeout. Raises `RetryLater` (coordinator not reachable yet) or `ExitForSupervisor`.
        """
        self.close()
        producer = Producer(self._conf)
        try:
            producer.init_transactions(self._timeout)
        except KafkaException as failure:
            error: KafkaError = failure.args[0]
            if error.fatal() or _fenced(error):
                raise ExitForSupervisor(f"cannot take the slot: {error.name()}") from failure
            raise RetryLater(f"transaction coordinator: {error.name()}") from failure
        self._producer = producer

    def close(self) -> None:
        """Drop the client; whatever is open is aborted by the next `open()` or by the broker's timeout."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def commit(self, outputs: Iterable[Output], offsets: Iterable[Resume], membership: Any) -> None:
        """`begin`, then `finish`."""
        self.begin(outputs)
        self.finish(offsets, membership)

    def begin(self, outputs: Iterable[Output]) -> None:
        """Open a transaction and produce everything `outputs` yields; sending goes on in the background.

        An exception from `outputs` itself aborts the transaction and passes through.
        """
        producer = self._opened()
        self._call(producer.begin_transaction)
        try:
            self._send(producer, outputs)
        except (AbortAndReplan, RebuildClient, ExitForSupervisor):
            raise
        except BaseException:
            self._abort(producer)
            raise

    def finish(self, offsets: Iterable[Resume], membership: Any) -> None:
        """Commit what `begin` sent together with `offsets`; when this returns, the batch is committed.

        `membership` is a fresh `consumer_group_metadata()`. Blocks while the broker writes, without holding the
        interpreter, so a thread of its own may call it; no other call may be made meanwhile.
        """
        producer = self._opened()
        positions = [TopicPartition(r.topic, r.partition, r.offset, r.metadata) for r in offsets]
        self._call(producer.send_offsets_to_transaction, positions, membership, self._timeout)
        self._call(producer.commit_transaction, self._timeout)

    def _send(self, producer: Producer, outputs: Iterable[Output]) -> None:
        produce = producer.produce
        for count, (topic, value, key, headers) in enumerate(outputs):
            try:
                produce(topic, value, key, headers=headers)
            except BufferError:
                self._send_when_room(producer, (topic, value, key, headers))
            except KafkaException as failure:
                raise self._settle(producer, failure.args[0]) from failure
            if count % _POLL_EVERY == 0:
                producer.poll(0)

    def _send_when_room(self, producer: Producer, output: Output) -> None:
        waited = 0.0
        while waited < self._timeout:
            producer.poll(_FULL_WAIT_SECONDS)
            waited += _FULL_WAIT_SECONDS
            try:
                topic, value, key, headers = output
                producer.produce(topic, value, key, headers=headers)
            except BufferError:
                continue
            except KafkaException as failure:
                raise self._settle(producer, failure.args[0]) from failure
            return
        self._abort(producer)
        raise AbortAndReplan("the producer's queue stayed full: is the broker reachable?")

    def _call(self, function: Any, *args: Any) -> None:
        """One transactional call, repeated while librdkafka says that the same call may be repeated."""
        producer = self._opened()
        for attempt in range(_RETRIES):
            try:
                function(*args)
            except KafkaException as failure:
                error: KafkaError = failure.args[0]
                if error.retriable() and not error.txn_requires_abort() and attempt < _RETRIES - 1:
                    continue
                raise self._settle(producer, error) from failure
            return

    def _settle(self, producer: Producer, error: KafkaError) -> Exception:
        """Put the client in a known state and say what the caller does next."""
        if error.fatal() or _fenced(error):
            self.close()
            return ExitForSupervisor(f"transaction refused: {error.name()}")
        if error.txn_requires_abort():
            return self._abort(producer) or AbortAndReplan(error.name())
        self.close()
        return RebuildClient(f"transaction outcome unknown: {error.name()}")

    def _abort(self, producer: Producer) -> Exception | None:
        """None when aborted; else the client is gone and the error says how to go on."""
        try:
            producer.abort_transaction(self._timeout)
        except KafkaException as failure:
            error: KafkaError = failure.args[0]
            self.close()
            if error.fatal() or _fenced(error):
                return ExitForSupervisor(f"abort refused: {error.name()}")
            return RebuildClient(f"abort outcome unknown: {error.name()}")
        return None

    def _opened(self) -> Producer:
        if self._producer is None:
            raise RebuildClient("the producer is closed: open it first")
        return self._producer


def _fenced(error: KafkaError) -> bool:
    return error.code() in (
        KafkaError._FENCED,
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
    )
