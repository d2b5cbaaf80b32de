"""Puts one router process together."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import threading
from collections.abc import Callable
from functools import partial

from connectors.kafka import topics
from connectors.kafka.batch_consumer import BatchConsumer
from connectors.kafka.compacted import CompactedReader
from connectors.kafka.figures import with_figures
from connectors.kafka.settings import ClientConf, KafkaSettings
from connectors.kafka.tail import TailReader
from connectors.kafka.transaction import TransactionalProducer
from connectors.telemetry import Telemetry
from schemas.acceleration import PLAIN, Acceleration
from schemas.codec import SchemaIds
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.policy.signatories import Signatories
from streams.routing.intake import Intake
from streams.routing.plan import Planner
from streams.routing.policy_feed import PolicyFeed
from streams.routing.register import Register
from streams.routing.register_feed import RegisterFeed
from streams.routing.router import TRANSACTION_TIMEOUT_MS, Router, Windows
from streams.routing.watchdog import Watchdog

ROUTER_GROUP = "masa-router"
CALL_TIMEOUT_SECONDS = 12.0
# Longer than any sound turn of the loop: one call repeated a few times, or a rule set of 100,000 rules being built.
STANDSTILL_SECONDS = 40.0
_M_ARENA_MAX = -8  # of malloc.h
STANDSTILL_STATUS = 70  # EX_SOFTWARE
# A crashed slot that is not restarted blocks its partitions' readers until the transaction times out, and a rebalance
# waits for the session: both as short as the broker and a busy machine allow.
SESSION_TIMEOUT_MS = 10_000
NEW_TOPIC_SECONDS = 5


def run_router(
    settings: KafkaSettings,
    slot: int,
    pseudonym_key: bytes,
    telemetry: Telemetry,
    stop: threading.Event,
    *,
    signatories: Signatories,
    clock: Callable[[], float],
    allow_synthetic: bool = False,
    built: Acceleration = PLAIN,
    schema_ids: SchemaIds | None = None,
    group: str = ROUTER_GROUP,
    client_figures: bool = True,
) -> None:
    """Route as slot number `slot` until `stop` is set. `clock` gives Unix time in seconds.

    `signatories` are the people whose signatures put rules in force and stop sharing. `allow_synthetic` accepts NHS
    numbers of the test range: for exchanges without real children only. `built` is what of the compiled modules is in
    use. `schema_ids` says what ids in Confluent frames stand for; without it such events are rejected.
    `client_figures`: whether Kafka's clients tell how they are.

    Raises `ExitForSupervisor` when the process must end; the supervisor starts the same slot again.
    """
    _bound_the_allocator()
    pseudonymiser = Pseudonymiser(pseudonym_key)
    event_types = load_event_types()
    identity = f"{group}-{slot}"
    register = Register()
    intake = Intake(event_types, pseudonymiser, schema_ids=schema_ids, allow_synthetic=allow_synthetic)
    planner = Planner(intake, pseudonymiser, slot, register, built)
    reading = settings.consumer_conf(f"{identity}-reading", client_id=f"{identity}-reading", partition_eof=True)
    reader, tail = CompactedReader(reading, topics.POLICY), TailReader(reading)
    relationships = CompactedReader(reading, topics.RELATIONSHIPS)
    watchdog = Watchdog(STANDSTILL_SECONDS, clock, lambda: _end_now(telemetry))
    windows = Windows(planner, tail, telemetry, watchdog.beat)
    consumer = BatchConsumer(
        _told(member_conf(settings, group, identity), telemetry, "consumer" if client_figures else None),
        pattern=topics.OUTBOX_PATTERN,
        ownership=windows,
        log=telemetry.client_trouble,
    )
    sending = _told(producer_conf(settings, identity), telemetry, "producer" if client_figures else None)
    producer = TransactionalProducer(sending, timeout_seconds=CALL_TIMEOUT_SECONDS)
    feed = PolicyFeed(reader, event_types, pseudonymiser.locator, telemetry, signatories=signatories, clock=clock)
    router = Router(
        consumer=consumer,
        producer=producer,
        planner=planner,
        windows=windows,
        feed=feed,
        register=RegisterFeed(relationships, register, telemetry, clock),
        telemetry=telemetry,
        clock=clock,
        stop=stop,
        watchdog=watchdog,
    )
    _calm_collector()
    watchdog.start()
    try:
        router.run()
    finally:
        producer.close()
        for client in (consumer, reader, relationships, tail):
            client.close()
        watchdog.stop()  # last, because closing may get stuck as well


def _told(conf: ClientConf, telemetry: Telemetry, client: str | None) -> ClientConf:
    return conf if client is None else with_figures(conf, partial(telemetry.client_figures, client))


def _end_now(telemetry: Telemetry) -> None:
    """End without waiting for threads: one of them is stuck in the client library and will never come back."""
    telemetry.process_stopping(reason=f"nothing moved for {STANDSTILL_SECONDS:g} s")
    os._exit(STANDSTILL_STATUS)


def _bound_the_allocator() -> None:
    """Have glibc keep two heaps instead of eight a core: the client's threads free what each other made,
    and what each heap keeps back adds up to a tenth of a slot's memory. Other C libraries have nothing to bound.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _calm_collector() -> None:
    """Keep the cycle collector from walking the rule set and the windows over and over.

    A batch makes hundreds of thousands of short-lived tuples and no cycles; with Python's defaults the collector takes
    a seventh of the router's time. Cycles are still collected, only rarely.
    """
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def member_conf(settings: KafkaSettings, group: str, identity: str) -> ClientConf:
    """A static member that finds new outboxes by itself.

    Partitions are divided anew all at once, not cooperatively: a cooperative division takes two rounds, and the second
    is never held when slots are restarted in between, since a returning static member gets what it had without a
    rebalance. Partitions would stay without owner, in silence. As slots seldom come or go, little is lost.
    """
    return settings.consumer_conf(
        group,
        client_id=identity,
        group_instance_id=identity,
        extra={
            "partition.assignment.strategy": "roundrobin",
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "heartbeat.interval.ms": 2_000,
            "topic.metadata.refresh.interval.ms": NEW_TOPIC_SECONDS * 1000,
            "fetch.wait.max.ms": 100,
            # Bounds what the client holds in memory ahead of the loop.
            "queued.max.messages.kbytes": 8 * 1024,
        },
    )


def producer_conf(settings: KafkaSettings, identity: str) -> ClientConf:
    """The slot's producer: the same slot takes over its own open transaction after a crash."""
    return settings.producer_conf(
        client_id=identity,
        transactional_id=identity,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        extra={
            # A commit fails if any record failed, so a report for each success would only cost time.
            "delivery.report.only.error": True,
            # Records wait for the commit, which flushes at once: one request a partition and transaction, where a short
            # linger would send dozens of small ones and keep the broker busy with them.
            "linger.ms": 1_000,
        },
    )
