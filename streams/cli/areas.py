"""An area folder compiled, and the rule set that is in force on the running exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.errors import ChangeSettings, RetryLater
from connectors.kafka import topics
from connectors.kafka.compacted import CompactedReader, Entry
from connectors.kafka.settings import KafkaSettings
from schemas.registry import load_event_types
from streams.cli.runtime import BadUsage, monotonic, today
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.load import load_areas
from streams.policy.model import Area
from streams.routing.policy_feed import RULE_SET_KEY, artefact_of

READ_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class CompiledArea:
    """An area folder with its neighbours, compiled."""

    name: str  # id of the main area
    areas: Sequence[Area]
    artefact: Artefact

    @property
    def kafka_agencies(self) -> tuple[str, ...]:
        """Ids of the agencies with topics of their own, in order."""
        return agencies_on_kafka(self.artefact.document())


def compile_area(folder: Path) -> CompiledArea:
    """Compile a folder. Raises AreaInvalid with every located problem, BadUsage when it is no area folder."""
    if not (folder / "area.yaml").is_file():
        raise BadUsage(f"`{folder}` is not an area folder: it has no area.yaml")
    day = today()
    areas = load_areas(folder, day)
    artefact = compile_areas(areas, load_event_types(), day)
    main = next(area.spec.area for area in areas if area.spec.area == folder.resolve().name)
    return CompiledArea(name=main, areas=areas, artefact=artefact)


def agencies_on_kafka(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the agencies of a rule set that have topics of their own, in order."""
    return tuple(entry["id"] for entry in document["agencies"] if entry["channel"] == "kafka")


def rule_set_in_force(kafka: KafkaSettings) -> Artefact | None:
    """The newest sound rule set on `masa.policy`, None when there is none yet.

    Raises RetryLater when the topic cannot be read in time.
    """
    conf = kafka.consumer_conf("masa-policy-reader", client_id="masa-cli", partition_eof=True)
    reader = CompactedReader(conf, topics.POLICY)
    try:
        return _newest(_read(reader))
    finally:
        reader.close()


def required_rule_set(kafka: KafkaSettings) -> Artefact:
    """As `rule_set_in_force`, but ChangeSettings when there is none."""
    artefact = rule_set_in_force(kafka)
    if artefact is None:
        raise ChangeSettings(f"no rule set is in force on `{kafka.bootstrap_servers}`: `masa up` publishes its area's")
    return artefact


def _read(reader: CompactedReader) -> list[Entry]:
    deadline = monotonic() + READ_SECONDS
    entries: list[Entry] = []
    while True:
        entries += reader.poll(0.2)
        if reader.caught_up():
            return entries
        if monotonic() >= deadline:
            raise RetryLater(f"`{topics.POLICY}` could not be read within {READ_SECONDS:g} s")


def _newest(entries: Sequence[Entry]) -> Artefact | None:
    for entry in reversed(entries):
        if entry.key == RULE_SET_KEY:
            try:
                return artefact_of(entry)
            except ValueError:
                continue  # routers refuse it too and keep the one before
    return None
