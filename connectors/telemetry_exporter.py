"""What the exporter has seen: its part of `connectors.telemetry.Telemetry`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from connectors import metrics_exporter as defined
from connectors.telemetry_base import Occurrences


class ExporterOccurrences(Occurrences):
    """One method a part of a round. Ages in seconds."""

    def undecided_seen(self, *, ages: Mapping[str, float], partitions: Mapping[str, int]) -> None:
        """By door; 0 for a door at which nothing waits."""
        self._replace(defined.UNDECIDED_AGE, {(door,): age for door, age in ages.items()})
        self._replace(defined.UNDECIDED_PARTITIONS, {(door,): count for door, count in partitions.items()})

    def undelivered_seen(self, *, ages: Mapping[str, float]) -> None:
        """By channel."""
        self._replace(defined.UNDELIVERED_AGE, {(channel,): age for channel, age in ages.items()})

    def unclaimed_seen(self, *, channel: str, deliveries: int, age: float) -> None:
        self._set(defined.UNCLAIMED, deliveries, (channel,))
        self._set(defined.UNCLAIMED_AGE, age, (channel,))

    def open_transactions_seen(self, *, ages: Mapping[str, float]) -> None:
        """By kind of topic."""
        self._replace(defined.OPEN_TRANSACTION_AGE, {(kind,): age for kind, age in ages.items()})

    def queues_seen(self, *, records: Mapping[tuple[str, ...], int], ages: Mapping[str, float]) -> None:
        """Records by queue and reason, ages by queue."""
        self._replace(defined.WAITING_RECORDS, dict(records))
        self._replace(defined.WAITING_AGE, {(queue,): age for queue, age in ages.items()})

    def stages_seen(self, *, seconds: Mapping[str, Sequence[float]]) -> None:
        """By stage, of sampled events."""
        for stage, values in seconds.items():
            self._observe(defined.STAGES, values, (stage,))

    def ledger_seen(self, *, age: float) -> None:
        self._set(defined.LEDGER_UNSTORED_AGE, age, ("audit",))

    def database_seen(self, *, connections: Mapping[str, int], limit: int, age: float, size_bytes: int) -> None:
        self._replace(defined.DATABASE_CONNECTIONS, {(state,): count for state, count in connections.items()})
        self._set(defined.DATABASE_LIMIT, limit, ("exchange",))
        self._set(defined.DATABASE_TRANSACTION_AGE, age, ("exchange",))
        self._set(defined.DATABASE_BYTES, size_bytes, ("exchange",))

    def certificates_seen(self, *, expiries: Mapping[str, float]) -> None:
        """Unix time by the certificate's name."""
        self._replace(defined.CERTIFICATE, {(name,): at for name, at in expiries.items()})

    def looked(self, *, part: str, at: float) -> None:
        """A part of a round succeeded. `at` is Unix time."""
        self._set(defined.LOOKED, at, (part,))

    def look_failed(self, *, part: str, error: str) -> None:
        """The part is tried again in the next round. `error` is the class of the exception."""
        self._add(defined.LOOK_FAILURES, {(part, error): 1})
        self._say(logging.WARNING, "exporter.look-failed", part=part, error=error)
