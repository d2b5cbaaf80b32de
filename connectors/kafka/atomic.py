"""Publishes a few records in one transaction: all of them or none, by one holder of a name at a time.

For operations of people (a rule set activated, a stop), not for the router's stream of batches. Opening takes the name
over: an older holder that is still at work is fenced and its transaction aborted, so that what was read after opening
cannot be overtaken unnoticed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Producer

from connectors.errors import ChangeSettings, ConnectorFailure, ExitForSupervisor, RebuildClient, RetryLater
from connectors.kafka.kafka_errors import translated
from connectors.kafka.publisher import BY_KEY, UNKNOWN_TOPIC_MS, Outgoing
from connectors.kafka.settings import PRODUCER_MAX_BYTES, KafkaSettings

CALL_SECONDS = 20.0
TRANSACTION_TIMEOUT_MS = 30_000  # readers of what a crashed holder left open wait so long at most


class AtomicPublisher:
    """Not thread-safe. Use as a context manager."""

    def __init__(self, settings: KafkaSettings, name: str, *, max_bytes: int = PRODUCER_MAX_BYTES) -> None:
        """`name` is the transactional id. Blocks until the name is taken over. Raises RetryLater, NotPermitted."""
        conf = settings.producer_conf(
            client_id=name,
            transactional_id=name,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_bytes=max_bytes,
            extra={"log_level": 0, "topic.metadata.propagation.max.ms": UNKNOWN_TOPIC_MS},
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

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Publish all of them; returns once the transaction is committed.

        On failure nothing of it will be read, except after `RebuildClient`: then it is unknown. `ExitForSupervisor`
        means that somebody else took the name over meanwhile. The publisher is of no use after a failure.
        """
        doing = f"cannot publish to {', '.join(sorted({f'`{record.topic}`' for record in records}))}"
        self._call(doing, self._producer.begin_transaction)
        for record in records:
            self._call(doing, partial(self._produce, record))
        # The commit waits for every record and fails if one did. No delivery callbacks: after a fatal error the client
        # calls them with an exception pending (SystemError), and the error itself is lost.
        self._call(doing, lambda: self._producer.commit_transaction(CALL_SECONDS), committing=True)

    def _produce(self, record: Outgoing) -> None:
        partition = BY_KEY if record.partition is None else record.partition
        self._producer.produce(
            record.topic, value=record.value, key=record.key, headers=list(record.headers), partition=partition
        )

    def _call(self, doing: str, function: Callable[[], object], *, committing: bool = False) -> None:
        try:
            function()
        except KafkaException as failure:
            error: KafkaError = failure.args[0]
            if _fenced(error):
                raise ExitForSupervisor("somebody else published under the same name: look what they did") from None
            if committing and not error.txn_requires_abort():
                raise RebuildClient(f"{doing}: whether it was published is unknown ({error.name()})") from failure
            self._abort()
            if error.code() == KafkaError._INCONSISTENT:  # the commit's word for a record that failed
                raise ChangeSettings(
                    f"{doing}: a record was not accepted; is there each topic (`masa topics apply`), and may this "
                    "principal write to it?"
                ) from failure
            raise translated(error, doing) from failure

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
