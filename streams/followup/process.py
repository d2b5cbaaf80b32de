"""Puts the follow-up together: engine, relay and the rules that they go by, each a thread of one process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from connectors.client.http_session import HttpSession
from connectors.kafka import topics
from connectors.kafka.compacted import CompactedReader
from connectors.kafka.settings import KafkaSettings
from connectors.keeping import Loop
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventTypes, load_event_types
from streams.followup.batch import Parts
from streams.followup.engine import Engine, EngineEvents, follow_up
from streams.followup.escalation import Taken
from streams.followup.heartbeat import HeartbeatTelemetry, Probe, beat
from streams.followup.heartbeat_doors import doors, heartbeat_wanted
from streams.followup.hooks import Recall, Schedule, Sweep
from streams.followup.ladders import Ladders
from streams.followup.sweep import Sweeper
from streams.followup.telling import Speaker
from streams.followup.voice import Voice, exchange_agency
from streams.followup.work import Sorter
from streams.gateway.in_force import RulesInForce
from streams.gateway.relay import RelayTelemetry, relay
from streams.policy.artefact import Document
from streams.policy.signatories import Signatories
from streams.recall.engine import RecallEvents, Recalls
from streams.recall.standing import Standing
from streams.routing.policy_feed import PolicyFeed, PolicyTelemetry

_IDENTITY = "masa-followup"
_PATIENCE_S = 0.2

Work = Mapping[str, Callable[[], None]]


class EscalationTelemetry(RecallEvents, Protocol):
    """What escalation and recall tell."""

    def followup_steps(self, steps: Mapping[tuple[str, str], int]) -> object: ...


class FollowupTelemetry(
    EngineEvents, EscalationTelemetry, RelayTelemetry, PolicyTelemetry, HeartbeatTelemetry, Protocol
):
    """`connectors.telemetry.Telemetry`."""

    def followup_failed(self, *, part: str, error: str) -> object: ...
    def process_ready(self) -> object: ...


class Duties:
    """What the engine does beside keeping the life of deliveries, by the rules in force at the moment."""

    def __init__(self, rules: RulesInForce, types: EventTypes, telemetry: EscalationTelemetry) -> None:
        self._rules, self._types, self._telemetry = rules, types, telemetry
        ladders = Ladders(self._in_force)
        self.schedule: Schedule = ladders.schedule
        self.sweep: Sweep = Sweeper(ladders.current, types, self._noted)
        standing = Standing(rules.now, types)
        recalls = Recalls(self.speaker_of, standing.places_given, standing.unaware, telemetry)
        self.recall: Recall = ladders.beside(recalls)

    def _in_force(self) -> tuple[str, Document] | None:
        if not self._rules.known():
            return None
        force = self._rules.now()
        return force.rules.hash, force.document

    def _noted(self, steps: Sequence[Taken]) -> None:
        self._telemetry.followup_steps(_counted(steps))

    def speaker_of(self, area: str) -> Speaker | None:
        """Who speaks for an area; None when its exchange takes no part."""
        force = self._rules.now()
        if area not in force.areas or exchange_agency(area) not in force.agencies:
            return None
        return Speaker(Voice(area=area, event_types=self._types), force.areas[area].get("frontDoor"))


def followup_work(
    kafka: KafkaSettings,
    database_url: str,
    pseudonym_key: bytes,
    telemetry: FollowupTelemetry,
    stop: threading.Event,
    *,
    signatories: Signatories,
    clock: Callable[[], float],
    gateway: Callable[[str], HttpSession] | None = None,
) -> Work:
    """What must run, by name, each until `stop` is set: if one ends before, or raises, the process must end.

    `clock` gives Unix time in seconds; `gateway` opens the HTTP door for an area's probe, None when nobody told how.
    The database must be migrated. Nothing is read before the work runs.
    """
    pseudonymiser, types = Pseudonymiser(pseudonym_key), load_event_types()
    rules = RulesInForce(pseudonymiser)
    duties = Duties(rules, types, telemetry)

    def loop(part: str) -> Loop:
        return Loop(stop.wait, stop.is_set, lambda error: telemetry.followup_failed(part=part, error=error))

    def feed_of(reader: CompactedReader) -> PolicyFeed:
        return PolicyFeed(reader, types, pseudonymiser.locator, telemetry, signatories=signatories, clock=clock)

    def engine() -> None:
        while not rules.known() and not stop.wait(_PATIENCE_S):
            pass  # nothing is scheduled or said before there are rules
        telemetry.process_ready()
        made = Engine(
            sorter=Sorter(types),
            parts=Parts(duties.schedule, duties.recall, duties.speaker_of),
            sweep=duties.sweep,
            now=lambda: int(clock() * 1000),
            events=telemetry,
        )
        follow_up(kafka, database_url, made, loop("engine"))

    def now() -> int:
        return int(clock() * 1000)

    def probes() -> list[Probe]:
        return doors(kafka, rules.now(), duties.speaker_of, gateway)

    return {
        "heartbeat": lambda: beat(probes, lambda: heartbeat_wanted(rules), now, telemetry, loop("heartbeat")),
        "rules": lambda: _follow(rules, kafka, feed_of, stop),
        "engine": engine,
        "relay": lambda: relay(kafka, database_url, telemetry, loop("relay")),
    }


def _counted(taken: Sequence[Taken]) -> Counter[tuple[str, str]]:
    return Counter((each.level.value, each.reason.value) for each in taken)


def _follow(
    rules: RulesInForce, kafka: KafkaSettings, feed_of: Callable[[CompactedReader], PolicyFeed], stop: threading.Event
) -> None:
    name = f"{_IDENTITY}-reading"
    reader = CompactedReader(kafka.consumer_conf(name, client_id=name, partition_eof=True), topics.POLICY)
    try:
        rules.follow(feed_of(reader), stop.wait, stop.is_set)
    finally:
        reader.close()
