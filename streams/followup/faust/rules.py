"""The rules in force, in the form that the side streams go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.followup.faust.silence import Watched, watched
from streams.gateway.in_force import InForce, RulesInForce
from streams.policy.artefact import Document
from streams.policy.follow_up_build import FollowUp, build_follow_up


@dataclass(frozen=True, kw_only=True)
class SideRules:
    follow_up: FollowUp
    areas: Mapping[str, Document]
    watched: tuple[Watched, ...]
    longest_pattern_days: int  # 0 without patterns: then nothing is kept of any child

    @classmethod
    def of(cls, document: Document) -> SideRules:
        """Pure."""
        follow_up = build_follow_up(document)
        categories = {entry["id"]: entry["category"] for entry in document["agencies"]}
        days = [each.days for area in follow_up.areas.values() for each in area.file.patterns]
        return cls(
            follow_up=follow_up,
            areas=document["areas"],
            watched=tuple(watched(follow_up, categories)),
            longest_pattern_days=max(days, default=0),
        )


class CurrentRules:
    """Built once a rule set."""

    def __init__(self, rules: RulesInForce) -> None:
        self._rules = rules
        self._built: tuple[InForce, SideRules] | None = None

    def __call__(self) -> SideRules:
        """Raises RetryLater while nothing is in force."""
        force, built = self._rules.now(), self._built
        if built is None or built[0] is not force:
            built = self._built = (force, SideRules.of(force.document))
        return built[1]
