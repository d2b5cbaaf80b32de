"""Puts the side streams together: checks what they stand on, follows the rules, runs the application."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn, Protocol

from connectors.errors import ChangeSettings
from connectors.kafka import topics
from connectors.kafka.compacted import CompactedReader
from connectors.kafka.log_ends import LogEnds
from connectors.kafka.settings import KafkaSettings
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.followup.faust.application import AppSettings, new_app, run_app
from streams.followup.faust.rules import CurrentRules
from streams.followup.faust.worker import FRONTIER_SECONDS, Around, SideStreams, StreamsTelemetry
from streams.gateway.in_force import RulesInForce
from streams.policy.signatories import Signatories
from streams.routing.policy_feed import PolicyFeed, PolicyTelemetry

_PATIENCE_S = 0.2
_CLIENT_LINES = 20  # of the Kafka client's log in a minute: 3,700 lines came of one restart of a broker


class SideTelemetry(StreamsTelemetry, PolicyTelemetry, Protocol):
    """`connectors.telemetry.Telemetry`."""


def run_side_streams(
    kafka: KafkaSettings,
    pseudonym_key: bytes,
    telemetry: SideTelemetry,
    *,
    signatories: Signatories,
    clock: Callable[[], float],
    exit_now: Callable[[], NoReturn],
    slot: int,
    data_dir: Path,
    frontier_seconds: float = FRONTIER_SECONDS,
) -> int:
    """Run until SIGTERM; the exit status. `clock` gives Unix time in seconds; `exit_now` ends the process at once.

    Raises ChangeSettings when a topic is missing, or has not as many partitions as what is made of it.
    """
    partitions = check_partitions(partition_counts(kafka))
    types, rules = load_event_types(), RulesInForce(Pseudonymiser(pseudonym_key))
    locator = Pseudonymiser(pseudonym_key).locator

    def feed_of(reader: CompactedReader) -> PolicyFeed:
        return PolicyFeed(reader, types, locator, telemetry, signatories=signatories, clock=clock)

    stop = threading.Event()
    following = threading.Thread(target=_follow, args=(rules, kafka, feed_of, stop, exit_now), daemon=True)
    following.start()
    telemetry.process_waiting("rules in force")
    while not rules.known():
        time.sleep(_PATIENCE_S)
    app = new_app(
        AppSettings(kafka=kafka, name=topics.SIDE_STREAMS, slot=slot, partitions=partitions, data_dir=data_dir)
    )
    around = Around(
        rules=CurrentRules(rules), event_types=types, telemetry=telemetry, now_ms=lambda: int(clock() * 1000),
        exit_now=exit_now, audit_partitions=partitions, frontier_seconds=frontier_seconds,
    )  # fmt: skip
    SideStreams(app, around)
    logging.getLogger("aiokafka").addFilter(Throttled())
    try:
        return run_app(app)
    finally:
        stop.set()
        following.join(5)


def partition_counts(kafka: KafkaSettings) -> Mapping[str, int]:
    """Of every topic that the side streams read or keep tables in; 0 for a missing one."""
    wanted = {topics.AUDIT, topics.SIGHTINGS, *map(topics.changelog, topics.SIDE_TABLES)}
    found = LogEnds(kafka).partitions(wanted.__contains__)
    return {name: sum(each.topic == name for each in found) for name in wanted}


def check_partitions(counts: Mapping[str, int]) -> int:
    """Partitions of the audit. Raises ChangeSettings where a table's topic does not fit what it is made of.

    Faust would find out at the first write, inside an agent.
    """
    for name, count in sorted(counts.items()):
        if not count:
            raise ChangeSettings(f"topic `{name}` does not exist; `masa topics apply` makes it")
    audit = counts[topics.AUDIT]
    wanted = {topics.SIGHTINGS: 1, "mix": audit, "patterns": audit, "silence": 1}
    for name, count in wanted.items():
        topic = name if name in counts else topics.changelog(name)
        if counts[topic] != count:
            raise ChangeSettings(f"topic `{topic}` has {counts[topic]} partitions; it must have {count}")
    return audit


class Throttled(logging.Filter):
    """Lets through so many lines a minute, and every CRITICAL one."""

    def __init__(self) -> None:
        super().__init__()
        self._minute, self._lines = 0.0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        minute = record.created // 60
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        return self._lines <= _CLIENT_LINES or record.levelno >= logging.CRITICAL


def _follow(
    rules: RulesInForce,
    kafka: KafkaSettings,
    feed_of: Callable[[CompactedReader], PolicyFeed],
    stop: threading.Event,
    exit_now: Callable[[], NoReturn],
) -> None:
    name = f"{topics.SIDE_STREAMS}-reading"
    reader = CompactedReader(kafka.consumer_conf(name, client_id=name, partition_eof=True), topics.POLICY)
    try:
        rules.follow(feed_of(reader), stop.wait, stop.is_set)
    except Exception:  # noqa: BLE001 - without the rules in force nothing may go on
        exit_now()
    finally:
        reader.close()
