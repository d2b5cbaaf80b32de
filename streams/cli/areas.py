"""An area folder compiled, and the rule set that is in force on the running exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.errors import ChangeSettings
from connectors.kafka.settings import KafkaSettings
from schemas.registry import load_event_types
from streams.cli.policy_topic import read_policy
from streams.cli.runtime import BadUsage, now_ms, today
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.load import load_areas
from streams.policy.model import Area
from streams.policy.signatories import Signatories


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


def rule_set_in_force(kafka: KafkaSettings, signatories: Signatories | None = None) -> Artefact | None:
    """The rule set in force by `masa.policy`, None when there is none yet.

    With `signatories`, signatures are verified as routers do; without, it is what the topic says. Raises RetryLater
    when the topic cannot be read in time.
    """
    return read_policy(kafka, signatories).artefact_in_force(now_ms())


def required_rule_set(kafka: KafkaSettings, signatories: Signatories | None = None) -> Artefact:
    """As `rule_set_in_force`, but ChangeSettings when there is none."""
    artefact = rule_set_in_force(kafka, signatories)
    if artefact is None:
        raise ChangeSettings(f"no rule set is in force on `{kafka.bootstrap_servers}`: `masa up` activates its area's")
    return artefact


def rule_set_by_hash(kafka: KafkaSettings, wanted: str) -> Artefact:
    """A rule set that was published once, by its hash or the first digits of it. Raises Refused when there is none.

    The hash itself vouches for the content, so no signature is looked at.
    """
    return read_policy(kafka).artefact_like(wanted)
