"""Writes an agency's records to Kafka, patiently."""

from __future__ import annotations

from connectors.client.patience import Patience
from connectors.errors import ConnectorFailure, RebuildClient, RetryLater
from connectors.kafka.publisher import Outgoing, Published, Publisher
from connectors.kafka.settings import KafkaSettings

_TRY_SECONDS = 20.0  # one attempt
_CHUNK = 1_000


class Writer:
    """Writes until it is acknowledged or patience ends. A record may be written twice: its id says so to readers."""

    def __init__(self, settings: KafkaSettings, client_id: str, patience: Patience) -> None:
        self._settings, self._client_id, self._patience = settings, client_id, patience
        self._publisher: Publisher | None = None

    def write(self, records: list[Outgoing]) -> list[Published]:
        places: list[Published] = []
        for start in range(0, len(records), _CHUNK):
            chunk = records[start : start + _CHUNK]
            places += self._patience.until_done(lambda chunk=chunk: self._attempt(chunk))  # type: ignore[misc]
        return places

    def _attempt(self, records: list[Outgoing]) -> list[Published]:
        if self._publisher is None:
            self._publisher = Publisher(self._settings, client_id=self._client_id, timeout=_TRY_SECONDS)
        try:
            return self._publisher.publish(records)
        except ConnectorFailure as failure:
            self.close()
            if isinstance(failure, RebuildClient):
                raise RetryLater(str(failure)) from failure
            raise

    def close(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None
