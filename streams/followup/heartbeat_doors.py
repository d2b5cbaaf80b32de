"""Which doors heartbeats go through, by the rules in force."""

from __future__ import annotations

from collections.abc import Callable

from connectors.client.http_session import HttpSession
from connectors.kafka.settings import KafkaSettings
from streams.followup.heartbeat import GatewayProbe, KafkaProbe, Probe
from streams.followup.telling import SpeakerOf
from streams.followup.voice import probe_agency
from streams.gateway.in_force import InForce, RulesInForce
from streams.policy.follow_up import HeartbeatModel


def doors(
    kafka: KafkaSettings,
    force: InForce,
    speaker_of: SpeakerOf,
    gateway: Callable[[str], HttpSession] | None,
) -> list[Probe]:
    """A way in at each door of each area that has an exchange of its own and wants heartbeats."""
    found: list[Probe] = []
    for area, entry in force.areas.items():
        speaker = speaker_of(area)
        if speaker is None or not (entry.get("followUp") or {}).get("heartbeat"):
            continue
        found.append(KafkaProbe(kafka, speaker.voice))
        if gateway is not None and probe_agency(area) in force.agencies:
            found.append(GatewayProbe(gateway(probe_agency(area)), speaker.voice))
    return found


def heartbeat_wanted(rules: RulesInForce) -> HeartbeatModel | None:
    """The first area's that says anything of it; None before there are rules."""
    if not rules.known():
        return None
    asked = [(entry.get("followUp") or {}).get("heartbeat") for entry in rules.now().areas.values()]
    return next((HeartbeatModel.model_validate(each) for each in asked if each), None)
