"""Keeps who was seen when, and says who has fallen silent once the audit is known to be read that far."""

from __future__ import annotations

import json
from typing import Any

from schemas.errors import ContractError
from schemas.registry import EventTypes
from streams.followup.faust.pattern_keeper import Say
from streams.followup.faust.rules import SideRules
from streams.followup.faust.saying import silence_notice
from streams.followup.faust.silence import Silence, frontier_of, silences, watch_key
from streams.followup.voice import NoticeKind

JUDGE_EVERY_MS = 60_000  # of the frontier's own time
_LAST, _FRONT, _WATCH, _TOLD = "last|", "front|", "watch|", "told|"


class SilenceJudge:
    """One table in one partition: signs, frontiers, when watches began, what was told."""

    def __init__(self, table: Any, types: EventTypes, say: Say, audit_partitions: int) -> None:
        self._table, self._types, self._say = table, types, say
        self._partitions = audit_partitions
        self._judged = 0
        self.silent: dict[tuple[str, str], int] = {}  # agencies by (area, rhythm), for the metric

    async def take(self, value: bytes | None, rules: SideRules) -> None:
        """A sign of an agency, or how far a partition of the audit is read. Raises ContractError."""
        said = _sighting(value)
        if "partition" in said:
            self._raise(f"{_FRONT}{said['partition']}", said["upTo"])
            await self._judge(rules)
        else:
            self._raise(f"{_LAST}{said['agency']}|{said['type']}", said["at"])

    async def _judge(self, rules: SideRules) -> None:
        kept = {key.decode(): int(value) for key, value in self._table.items()}
        reached = {int(key.removeprefix(_FRONT)): at for key, at in kept.items() if key.startswith(_FRONT)}
        frontier = frontier_of(reached, self._partitions)
        if frontier is None or frontier < self._judged + JUDGE_EVERY_MS:
            return
        self._judged = frontier
        for each in rules.watched:
            key = f"{_WATCH}{watch_key(each)}"
            if key not in kept:
                kept[key] = frontier
                self._raise(key, frontier)
        last = {_pair(key): at for key, at in kept.items() if key.startswith(_LAST)}
        since = {key.removeprefix(_WATCH): at for key, at in kept.items() if key.startswith(_WATCH)}
        found = silences(rules.watched, last, since, frontier)
        for each_silence in found:
            await self._tell(each_silence, kept, rules)
        self.silent = _by_rhythm(found, rules)

    async def _tell(self, found: Silence, kept: dict[str, int], rules: SideRules) -> None:
        """Once for one silence; the next one begins at another sign."""
        key = f"{_TOLD}{watch_key(found.watched)}"
        if kept.get(key) == found.since:
            return
        await self._say(NoticeKind.SILENT_AGENCY, silence_notice(found, rules.follow_up, self._types))
        self._raise(key, found.since)

    def _raise(self, key: str, at: int) -> None:
        """Never back: a record that is read again changes nothing."""
        name = key.encode()
        if int(self._table.get(name) or 0) < at:
            self._table[name] = str(at).encode()


def _pair(key: str) -> tuple[str, str]:
    agency, _, event_type = key.removeprefix(_LAST).partition("|")
    return agency, event_type


def _sighting(value: bytes | None) -> dict[str, Any]:
    try:
        said = json.loads(value or b"")
    except ValueError:
        said = None
    known = isinstance(said, dict) and ({"partition", "upTo"} <= set(said) or {"agency", "type", "at"} <= set(said))
    if not known:
        raise ContractError("a sighting that is none")
    return dict(said)


def _by_rhythm(found: list[Silence], rules: SideRules) -> dict[tuple[str, str], int]:
    counts = {(each.area, each.rhythm.id): 0 for each in rules.watched}
    for each in found:
        counts[each.watched.area, each.watched.rhythm.id] += 1
    return counts
