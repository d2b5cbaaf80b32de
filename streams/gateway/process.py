"""Puts the gateway together: everything behind the HTTP door of one process, and the work that goes on beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from connectors.errors import ExitForSupervisor
from connectors.kafka import topics
from connectors.kafka.compacted import CompactedReader
from connectors.kafka.concurrent import ConcurrentPublisher
from connectors.kafka.offset_consumer import Record
from connectors.kafka.settings import KafkaSettings
from connectors.keeping import Loop
from connectors.postgres.gateway_people import SessionStore
from connectors.postgres.gateway_store import NewDelivery
from connectors.postgres.pool import Pool
from connectors.sealing import Sealer
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.gateway.filler import FillerTelemetry, arrived, fill
from streams.gateway.housekeeping import HousekeepingTelemetry, keep_tidy
from streams.gateway.in_force import RulesInForce
from streams.gateway.parts import GatewayTelemetry, Parts
from streams.gateway.relay import RelayTelemetry, relay
from streams.gateway.service import Gateway
from streams.policy.signatories import Signatories
from streams.routing.policy_feed import PolicyFeed, PolicyTelemetry

POOL_SIZE = 16  # of the database's connections; filler and relay have one each beside these
SEALED = "gateway-delivery"  # what the seal on content is for
_IDENTITY = "masa-gateway"
_POOL = "gateway"


class AllTelemetry(GatewayTelemetry, FillerTelemetry, RelayTelemetry, HousekeepingTelemetry, PolicyTelemetry, Protocol):
    """`connectors.telemetry.Telemetry`."""

    def gateway_failed(self, *, part: str, error: str) -> object: ...
    def pool_watched(self, pool: str, *, size: int, used: Callable[[], int], idle: Callable[[], int]) -> object: ...
    def pool_exhausted(self, pool: str) -> object: ...


@dataclass(frozen=True, kw_only=True)
class OpenGateway:
    """What the shell needs. `work` is what must run beside it, by name, each until `stop` is set: if one of them ends
    before, or raises, the process must end."""

    doors: Gateway
    sessions: SessionStore
    work: Mapping[str, Callable[[], None]]
    close: Callable[[], None]


def open_gateway(
    kafka: KafkaSettings,
    database_url: str,
    pseudonym_key: bytes,
    telemetry: AllTelemetry,
    stop: threading.Event,
    *,
    signatories: Signatories,
    clock: Callable[[], float],
    allow_synthetic: bool,
    pool_size: int = POOL_SIZE,
) -> OpenGateway:
    """`clock` gives Unix time in seconds. The database must be migrated. Nothing is read before `work` runs."""
    pseudonymiser, types = Pseudonymiser(pseudonym_key), load_event_types()
    sealer = Sealer(pseudonym_key, SEALED)
    pool = Pool(database_url, size=pool_size, application=_IDENTITY, exhausted=lambda: telemetry.pool_exhausted(_POOL))
    telemetry.pool_watched(_POOL, size=pool_size, used=pool.used, idle=pool.idle)
    publisher = ConcurrentPublisher(kafka, client_id=_IDENTITY)
    rules = RulesInForce(pseudonymiser)

    def now() -> int:
        return int(clock() * 1000)

    def arriving(record: Record) -> NewDelivery | None:
        return arrived(record, types, sealer)

    def feed_of(reader: CompactedReader) -> PolicyFeed:
        return PolicyFeed(reader, types, pseudonymiser.locator, telemetry, signatories=signatories, clock=clock)

    def loop(part: str) -> Loop:
        return Loop(stop.wait, stop.is_set, lambda error: telemetry.gateway_failed(part=part, error=error))

    parts = Parts(
        pool=pool,
        pseudonymiser=pseudonymiser,
        sealer=sealer,
        event_types=types,
        rules=rules,
        now=now,
        telemetry=telemetry,
        allow_synthetic=allow_synthetic,
    )

    def close() -> None:
        publisher.close()
        pool.close()

    return OpenGateway(
        doors=Gateway(parts, publisher),
        sessions=SessionStore(pool),
        work={
            "rules": lambda: _follow(rules, kafka, feed_of, publisher, stop),
            "filler": lambda: fill(kafka, database_url, arriving, telemetry, loop("filler")),
            "relay": lambda: relay(kafka, database_url, telemetry, loop("relay")),
            "housekeeping": lambda: keep_tidy(pool, telemetry, now, loop("housekeeping")),
        },
        close=close,
    )


def _follow(
    rules: RulesInForce,
    kafka: KafkaSettings,
    feed_of: Callable[[CompactedReader], PolicyFeed],
    publisher: ConcurrentPublisher,
    stop: threading.Event,
) -> None:
    """Keep the rules in step until told to stop, or until the producer cannot go on."""
    name = f"{_IDENTITY}-reading"
    reader = CompactedReader(kafka.consumer_conf(name, client_id=name, partition_eof=True), topics.POLICY)
    try:
        rules.follow(feed_of(reader), stop.wait, lambda: stop.is_set() or publisher.broken())
    finally:
        reader.close()
    if publisher.broken():
        raise ExitForSupervisor("the producer of the gateway is beyond repair")
