"""The exporter's rounds: look at Kafka, PostgreSQL and certificates, tell what was seen, pause, look again.

Nothing is written anywhere, so any number of exporters may run. A part that fails is counted and tried again in the
next round; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from connectors.certificates import expiry_of
from connectors.errors import ConnectorFailure
from connectors.kafka import topics
from connectors.kafka.first_records import Timestamps, open_transactions, standing_of, waiting
from connectors.kafka.log_ends import LogEnds
from connectors.kafka.partition import Partition
from connectors.kafka.settings import KafkaSettings
from connectors.postgres import exporter_queries as queries
from connectors.postgres.connection import Connection, connect
from streams.exporter import ages
from streams.exporter.follow import QueueFollower
from streams.exporter.stages import StageSampler


class ExporterEvents(Protocol):
    """What the rounds tell; see `connectors.telemetry_exporter`."""

    def undecided_seen(self, *, ages: Mapping[str, float], partitions: Mapping[str, int]) -> None: ...
    def undelivered_seen(self, *, ages: Mapping[str, float]) -> None: ...
    def unclaimed_seen(self, *, channel: str, deliveries: int, age: float) -> None: ...
    def open_transactions_seen(self, *, ages: Mapping[str, float]) -> None: ...
    def queues_seen(self, *, records: Mapping[tuple[str, ...], int], ages: Mapping[str, float]) -> None: ...
    def stages_seen(self, *, seconds: Mapping[str, Sequence[float]]) -> None: ...
    def ledger_seen(self, *, age: float) -> None: ...
    def database_seen(self, *, connections: Mapping[str, int], limit: int, age: float, size_bytes: int) -> None: ...
    def certificates_seen(self, *, expiries: Mapping[str, float]) -> None: ...
    def looked(self, *, part: str, at: float) -> None: ...
    def look_failed(self, *, part: str, error: str) -> None: ...


class Around(NamedTuple):
    """What the rounds may not fetch for themselves."""

    now: Callable[[], float]  # Unix seconds
    pause: Callable[[float], object]  # waits so many seconds, less when asked to stop
    stopping: Callable[[], bool]
    events: ExporterEvents
    every_seconds: float


class Rounds:
    """Not thread-safe: one loop owns it."""

    def __init__(
        self, kafka: KafkaSettings, database_url: str, group: str, certificates: Mapping[str, Path], around: Around
    ) -> None:
        """`group` is the routers' consumer group."""
        self._kafka, self._url, self._group, self._certificates = kafka, database_url, group, certificates
        self._around, self._events = around, around.events
        self._ends = LogEnds(kafka)
        self._stages = StageSampler(kafka)
        self._queues: QueueFollower | None = None
        self._database: Connection | None = None
        self._partitions: tuple[Partition, ...] = ()
        self._undecided: dict[str, float] = {}
        self._stalled: dict[str, float] = {}

    def run(self) -> None:
        """Until told to stop."""
        try:
            while not self._around.stopping():
                self.round()
                self._around.pause(self._around.every_seconds)
        finally:
            self._drop_database()
            self._drop_queues()

    def round(self) -> None:
        """Every part once."""
        self._try("undecided", self._look_at_outboxes)
        self._try("transactions", self._look_at_transactions)
        self._try("gateway", self._look_at_gateway, self._drop_database)
        self._try("queues", self._look_at_queues, self._drop_queues)
        self._try("stages", self._look_at_stages)
        self._try("ledger", self._look_at_ledger, self._drop_database)
        self._try("database", self._look_at_database, self._drop_database)
        self._try("certificates", self._look_at_certificates)

    def _try(self, part: str, look: Callable[[], None], clean_up: Callable[[], None] = lambda: None) -> None:
        try:
            look()
        except ConnectorFailure as failure:
            self._events.look_failed(part=part, error=type(failure).__name__)
            clean_up()
        else:
            self._events.looked(part=part, at=self._around.now())

    def _look_at_outboxes(self) -> None:
        self._partitions = self._ends.partitions(ages.is_ours)
        outboxes = tuple(each for each in self._partitions if ages.is_outbox(each.topic))
        found = waiting(self._kafka, self._ends, outboxes, standing_of(self._kafka, self._group, outboxes))
        self._undecided = ages.oldest(found, ages.door_of, ages.DOORS, self._around.now())
        self._events.undecided_seen(ages=self._undecided, partitions=ages.counted(found, ages.door_of, ages.DOORS))

    def _look_at_transactions(self) -> None:
        found = open_transactions(self._kafka, self._ends, self._partitions)
        self._stalled = ages.oldest(found, ages.kind_of, ages.KINDS, self._around.now())
        self._events.open_transactions_seen(ages=self._stalled)

    def _look_at_gateway(self) -> None:
        now, connection = self._around.now(), self._connection()
        unstored = self._behind(topics.GATEWAY_INBOX, queries.gateway_positions(connection, topics.GATEWAY_INBOX))
        age = ages.age(min(unstored.values(), default=None), now)
        if self._undecided:
            self._events.undelivered_seen(ages=ages.undelivered(self._undecided, self._stalled, age))
        waits = queries.unclaimed(connection)
        self._events.unclaimed_seen(channel="gateway", deliveries=waits.deliveries, age=ages.age(waits.oldest_at, now))

    def _look_at_queues(self) -> None:
        if self._queues is None:
            self._queues = QueueFollower(self._kafka)
        now = self._around.now()
        seen = self._queues.read_on().figures(int(now * 1000))
        self._events.queues_seen(
            records=seen.records, ages={queue: ages.age(at, now) for queue, at in seen.oldest_at.items()}
        )

    def _look_at_stages(self) -> None:
        audit = tuple(each for each in self._partitions if each.topic == topics.AUDIT)
        self._events.stages_seen(seconds=self._stages.sample(self._ends, audit))

    def _look_at_ledger(self) -> None:
        stored = queries.ledger_positions(self._connection(), topics.AUDIT)
        unstored = self._behind(topics.AUDIT, stored)
        self._events.ledger_seen(age=ages.age(min(unstored.values(), default=None), self._around.now()))

    def _look_at_database(self) -> None:
        seen = queries.database(self._connection())
        self._events.database_seen(
            connections=seen.connections,
            limit=seen.limit,
            age=seen.oldest_transaction_seconds,
            size_bytes=seen.size_bytes,
        )

    def _look_at_certificates(self) -> None:
        self._events.certificates_seen(expiries={name: expiry_of(file) for name, file in self._certificates.items()})

    def _behind(self, topic: str, positions: Mapping[int, int]) -> Timestamps:
        partitions = tuple(each for each in self._partitions if each.topic == topic)
        at = {each: positions[each.partition] for each in partitions if each.partition in positions}
        return waiting(self._kafka, self._ends, partitions, at)

    def _connection(self) -> Connection:
        if self._database is None:
            self._database = connect(self._url, application="masa-exporter")
        return self._database

    def _drop_database(self) -> None:
        connection, self._database = self._database, None
        if connection is not None:
            connection.close()

    def _drop_queues(self) -> None:
        follower, self._queues = self._queues, None
        if follower is not None:
            follower.close()
