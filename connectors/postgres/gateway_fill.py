"""The filler's writer: deliveries and the offset to go on from in one transaction, by one instance at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.errors import ExitForSupervisor, NotReady
from connectors.postgres import gateway_store
from connectors.postgres.connection import connect_alone, database_failures
from connectors.postgres.gateway_store import NewDelivery

_FILLER_LOCK = 0x6D617361_0004


class AnotherFiller(NotReady):
    """Another process fills this database. Wait: it may stop."""


class PositionMoved(ExitForSupervisor):
    """The stored offset moved without this writer: another instance wrote. Nothing of this batch was kept."""


class FillWriter:
    """Owns one connection. Not thread-safe. When a method raises, close it and make a new one."""

    def __init__(self, url: str, topic: str) -> None:
        """Raises `AnotherFiller`, and as `connect` does."""
        self._topic = topic
        self._connection = connect_alone(
            url,
            application="masa-filler",
            lock=_FILLER_LOCK,
            otherwise=AnotherFiller("another process fills this database"),
        )

    def positions(self) -> dict[int, int]:
        """Next offset to read, by partition; a partition never read is absent."""
        return gateway_store.positions(self._connection, self._topic)

    def write(self, arrived: Sequence[NewDelivery], moves: Mapping[int, tuple[int | None, int]]) -> int:
        """Store deliveries and move positions (partition -> expected, next), all or nothing; how many are new.

        Raises `PositionMoved`; after `RetryLater` it is unknown whether it took effect.
        """
        with database_failures(), self._connection.transaction():
            new = gateway_store.insert(self._connection, arrived)
            for partition, (expected, following) in sorted(moves.items()):
                if not gateway_store.advance(self._connection, self._topic, partition, expected, following):
                    raise PositionMoved(f"{self._topic} [{partition}]: the stored offset is not {expected} any more")
        return new

    def close(self) -> None:
        """Gives the right to fill back at once."""
        self._connection.close()
