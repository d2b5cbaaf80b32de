"""Follows `masa.held`, `masa.rejected` and `masa.operations`, from their beginning on."""

from __future__ import annotations

from connectors.errors import NotReady
from connectors.kafka.offset_consumer import OffsetConsumer, Record
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import HELD, OPERATIONS, REJECTED
from connectors.waiting import Deadline
from schemas.codec import decode_record
from schemas.errors import ContractError
from streams.exporter.queues import Queues

_RECORDS = 2_000
_WAIT_S = 0.1
PATIENCE_S = 60.0
_TOPICS = (HELD, REJECTED, OPERATIONS)


class QueueFollower:
    """Raises as `OffsetConsumer`; then close it and make a new one, which reads everything again."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._queues = Queues()
        self._consumer = OffsetConsumer(settings, client_id="masa-exporter-queues", headers=False)
        try:
            self._open = [each for topic in _TOPICS for each in self._consumer.partitions(topic)]
            self._consumer.assign(dict.fromkeys(self._open))
        except BaseException:
            self._consumer.close()
            raise
        self._read_before = False

    def read_on(self) -> Queues:
        """Read what has come; the first time, to the end. Raises `NotReady` when that does not come in sight."""
        left = set() if self._read_before else set(self._open)
        deadline = Deadline(PATIENCE_S)
        while True:
            polled = self._consumer.poll(_RECORDS, _WAIT_S)
            for record in polled.records:
                self._take(record)
            left -= polled.ends.keys()
            if not left and not polled.records:
                self._read_before = True
                return self._queues
            if deadline.passed:
                raise NotReady(f"the queues were not read to their end in {PATIENCE_S:g} s")

    def _take(self, record: Record) -> None:
        value = record.value or b""
        try:
            if record.topic == HELD:
                self._queues.held(decode_record("held", value))
            elif record.topic == REJECTED:
                self._queues.rejected(decode_record("rejected", value))
            else:
                self._queues.operation(decode_record("operation", value))
        except ContractError:
            return  # nothing that an operator could release or replay

    def close(self) -> None:
        self._consumer.close()
