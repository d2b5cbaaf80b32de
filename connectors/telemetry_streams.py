"""What the side streams and heartbeats say about themselves: their part of `connectors.telemetry.Telemetry`."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from connectors import metrics_streams as defined
from connectors.telemetry_base import Occurrences


class StreamsOccurrences(Occurrences):
    """One method an occurrence."""

    def streams_processed(self, *, topic: str, records: int) -> None:
        self._add(defined.STREAMS_RECORDS, {(topic,): records})

    def streams_unreadable(self, *, topic: str, partition: int, offset: int) -> None:
        self._add(defined.STREAMS_UNREADABLE, {(topic,): 1})
        self._say(logging.ERROR, "streams.unreadable", topic=topic, partition=partition, offset=offset)

    def streams_noticed(self, *, kind: str) -> None:
        self._add(defined.STREAMS_NOTICES, {(kind,): 1})
        self._say(logging.INFO, "streams.noticed", kind=kind)

    def streams_crashed(self, *, error: str) -> None:
        """The process ends for its supervisor. `error` is the class of the exception."""
        self._say(logging.ERROR, "streams.crashed", error=error)

    def streams_stand(self, *, lag: int, commit_age: float, partitions: int, keys: Mapping[str, int]) -> None:
        """How far it is; `keys` by table."""
        self._set(defined.STREAMS_LAG, lag)
        self._set(defined.STREAMS_COMMIT_AGE, commit_age)
        self._set(defined.STREAMS_PARTITIONS, partitions)
        self._replace(defined.STREAMS_KEYS, {(name,): count for name, count in keys.items()})

    def streams_silent(self, agencies: Mapping[tuple[str, str], int]) -> None:
        """How many are silent, by (area, rhythm)."""
        self._replace(defined.STREAMS_SILENT, {key: float(count) for key, count in agencies.items()})

    def streams_mix(self, totals: Mapping[tuple[str, str], tuple[int, int, float]]) -> None:
        """Events, deliveries and mean age in seconds, by (category, event type)."""
        self._replace(defined.STREAMS_EVENTS, {key: events for key, (events, _, _) in totals.items()})
        self._replace(defined.STREAMS_DELIVERIES, {key: deliveries for key, (_, deliveries, _) in totals.items()})
        self._replace(defined.STREAMS_AGE, {key: age for key, (_, _, age) in totals.items()})

    def heartbeat_returned(self, *, door: str, seconds: float, at: float, late: bool) -> None:
        """`at` is Unix time."""
        self._set(defined.HEARTBEAT_SECONDS, seconds, (door,))
        self._set(defined.HEARTBEAT_AT, at, (door,))
        self._add(defined.HEARTBEATS, {(door, "late" if late else "returned"): 1})
        if late:
            self._say(logging.WARNING, "heartbeat.late", door=door, seconds=round(seconds, 3))

    def heartbeat_failed(self, *, door: str, error: str) -> None:
        """It was not sent, or did not come back before the next. `error` is a class of exception or `lost`."""
        self._add(defined.HEARTBEATS, {(door, "failed"): 1})
        self._say(logging.ERROR, "heartbeat.failed", door=door, error=error)
