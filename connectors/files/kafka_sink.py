"""Events of files to the agency's outbox topic: the Kafka door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Self

from connectors.client.outbox import encoded_outbox_record
from connectors.errors import RebuildClient
from connectors.files.importer import Refusals
from connectors.files.mapping import FileAgency
from connectors.files.prepare import Ready
from connectors.kafka.publisher import Outgoing, Publisher


class KafkaSink:
    """Publishes as one agency. Use as a context manager.

    After a failure whose effect is unknown the client is made anew at the next call.
    """

    def __init__(self, make: Callable[[], Publisher], agency: FileAgency, *, gateway: bool) -> None:
        self._make, self._agency, self._gateway = make, agency, gateway
        self._publisher: Publisher | None = None

    def publish(self, events: Sequence[Ready]) -> Refusals:
        """Durable in all in-sync replicas when it returns; Kafka refuses no single event. Raises ConnectorFailure."""
        if not events:
            return {}
        if self._publisher is None:
            self._publisher = self._make()
        try:
            self._publisher.publish(map(self._record, events))
        except RebuildClient:
            self.close()
            raise
        return {}

    def close(self) -> None:
        if self._publisher is not None:
            with closing(self._publisher):
                self._publisher = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self, event: Ready) -> Outgoing:
        return encoded_outbox_record(
            event.event_type,
            event.value,
            event_id=event.event_id,
            occurred_at=event.occurred_at,
            key=event.key,
            area=self._agency.area,
            agency=self._agency.id,
            gateway=self._gateway,
        )
