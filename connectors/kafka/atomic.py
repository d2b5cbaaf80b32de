"""Publishes a few records in one transaction: all of them or none, by one holder of a name at a time.

For operations of people (a rule set activated, a stop), not for the router's stream of batches. Opening takes the name
over: an older holder that is still at work is fenced and its transaction aborted, so that what was read after opening
cannot be overtaken unnoticed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.errors import ConnectorFailure, ExitForSupervisor, RebuildClient, RetryLater
from connectors.kafka.kafka_errors import translated
from connectors.kafka.publisher import Outgoing, Published
from connectors.kafka.settings import PRODUCER_MAX_BYTES, KafkaSettings

CALL_SECONDS = 20.0
TRANSACTION_TIMEOUT_MS = 30_000  # readers of what a crashed holder left open wait so long at most

_Told = Callable[[int, KafkaError | None, Message], None]


class AtomicPublisher:
    """Not thread-safe. Use as a context manager."""

    def __init__(self, settings: KafkaSettings, name: str, *, max_bytes: int = PRODUCER_MAX_BYTES) -> None:
        """`name` is the transactional id. Blocks until the name is taken over. Raises RetryLater, NotPermitted."""
        conf = settings.producer_conf(
            client_id=name,
            transactional_id=name,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_bytes=max_bytes,
            extra={"log_level": 0},
        )
        self._producer = Producer(conf)
        try:
            self._producer.init_transactions(CALL_SECONDS)
        except KafkaException as failure:
            raise _opening(failure) from failure

    def __enter__(self) -> AtomicPublisher:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.purge()
        self._producer.flush(0)

    def publish(self, records: Sequence[Outgoing]) -> list[Published]:
        """Publish all of them; their places, in the order given, once the transaction is committed.

        On failure nothing of it will be read, except after `RebuildClient`: then it is unknown. `ExitForSupervisor`
        means that somebody else took the name over meanwhile. The publisher is of no use after a failure.
        """
        places: dict[int, Published] = {}
        failures: list[ConnectorFailure] = []

        def told(index: int, error: KafkaError | None, message: Message) -> None:
            if error is None:
                places[index] = Published(records[index].topic, message.partition() or 0, message.offset() or 0)
            else:
                failures.append(translated(error, f"cannot publish to `{records[index].topic}`"))

        self._call(self._producer.begin_transaction)
        for index, record in enumerate(records):
            self._produce(index, record, told)
        left = self._producer.flush(CALL_SECONDS)
        if left or failures:
            self._abort()
            raise failures[0] if failures else RetryLater(f"{left} of {len(records)} records were not acknowledged")
        self._call(self._producer.commit_transaction, CALL_SECONDS)
        return [places[index] for index in range(len(records))]

    def _produce(self, index: int, record: Outgoing, told: _Told) -> None:
        try:
            self._producer.produce(
                record.topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers),
                on_delivery=lambda error, message: told(index, error, message),
            )
        except KafkaException as failure:
            self._abort()
            raise translated(failure, f"cannot publish to `{record.topic}`") from failure

    def _call(self, function: Callable[..., object], *arguments: float) -> None:
        try:
            function(*arguments)
        except KafkaException as failure:
            error: KafkaError = failure.args[0]
            if _fenced(error):
                raise ExitForSupervisor("somebody else is publishing under the same name: look what they did") from None
            if error.txn_requires_abort():
                self._abort()
                raise RetryLater(f"the transaction was aborted: {error.name()}") from failure
            raise RebuildClient(f"whether it was published is unknown: {error.name()}") from failure

    def _abort(self) -> None:
        """Or leave it to the broker, which aborts what is not committed in time."""
        with contextlib.suppress(KafkaException):
            self._producer.purge()
            self._producer.abort_transaction(CALL_SECONDS)


def _opening(failure: KafkaException) -> ConnectorFailure:
    error: KafkaError = failure.args[0]
    if error.retriable() or error.code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT):
        return RetryLater(f"transaction coordinator: {error.name()}")
    return translated(error, "cannot open a transaction")


def _fenced(error: KafkaError) -> bool:
    return error.code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
