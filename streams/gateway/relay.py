"""The relay: the outbox to Kafka, in order, each record at least once; with its deterministic id, once in effect."""

from __future__ import annotations

from typing import Protocol

from connectors.errors import RebuildClient, RetryLater
from connectors.kafka.publisher import Publisher
from connectors.kafka.settings import KafkaSettings
from connectors.keeping import Loop, keep
from connectors.postgres.outbox import OutboxReader

_BATCH = 1_000
_IDLE_SECONDS = 0.1


class RelayTelemetry(Protocol):
    def outbox_relayed(self, *, records: int) -> object: ...


def relay(settings: KafkaSettings, database_url: str, telemetry: RelayTelemetry, loop: Loop) -> None:
    """Until told to stop. Raises what only a supervisor or an operator can deal with."""
    keep(lambda: _Session(settings, database_url, telemetry, loop), loop)


class _Session:
    """The right to relay, and a producer."""

    def __init__(self, settings: KafkaSettings, url: str, telemetry: RelayTelemetry, loop: Loop) -> None:
        self._telemetry, self._loop = telemetry, loop
        self._reader = OutboxReader(url)
        self._publisher = Publisher(settings, client_id="masa-relay")

    def step(self) -> None:
        """What waits, up to a batch of it: sent, acknowledged, forgotten."""
        taken = self._reader.take(_BATCH)
        if not taken:
            self._loop.pause(_IDLE_SECONDS)
            return
        try:
            self._publisher.publish(each.record for each in taken)
        except RebuildClient as failure:
            raise RetryLater(str(failure)) from failure  # sent again: readers know it by its id
        self._reader.drop(taken)
        self._telemetry.outbox_relayed(records=len(taken))

    def close(self) -> None:
        try:
            self._publisher.close()
        finally:
            self._reader.close()
