"""Keeps what patterns need of each child in a table, and says when one is met."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable
from typing import Any

from connectors.kafka.publisher import Outgoing
from schemas.registry import EventTypes
from streams.followup.faust.patterns import DAY_MS, from_bytes, met, noted, to_bytes, told
from streams.followup.faust.rules import SideRules
from streams.followup.faust.saying import area_for, pattern_notice
from streams.followup.faust.seen import Seen
from streams.followup.voice import NoticeKind

Say = Callable[[str, Outgoing], Awaitable[None]]
MOST_REMOVED = 10  # children forgotten with one record


class PatternKeeper:
    """The table's keys are `<audit partition>|<pseudonym>`, so that each partition's can be told apart."""

    def __init__(self, table: Any, types: EventTypes, say: Say) -> None:
        self._table, self._types, self._say = table, types, say
        self._expiry: dict[int, list[tuple[int, bytes]]] | None = None  # (newest, key) by partition
        table.on_recover(self._recovered)

    async def take(self, seen: Seen, partition: int, rules: SideRules) -> None:
        """One event. A notice is out before it is written down that it is."""
        area = area_for(seen, rules.follow_up, rules.areas)
        keep_days = rules.longest_pattern_days
        self._forget_old(partition, seen.decided_at - keep_days * DAY_MS)
        if area is None or seen.subject is None or not seen.matched or not keep_days:
            return
        key = f"{partition}|{seen.subject}".encode()
        child = noted(from_bytes(self._table.get(key)), seen, keep_days)
        found = met(child, seen, area.file.patterns)
        for each in found:
            await self._say(NoticeKind.PATTERN, pattern_notice(each, seen, area, self._types))
        if child.newest:
            self._table[key] = to_bytes(told(child, found))
            heapq.heappush(self._heap(partition), (child.newest, key))
        elif key in self._table:
            del self._table[key]  # its identity was severed: nothing of it stays

    def _forget_old(self, partition: int, before: int) -> None:
        """Nobody is kept for longer than the longest pattern looks back, by the records' own time."""
        heap = self._heap(partition)
        for _ in range(MOST_REMOVED):
            if not heap or heap[0][0] >= before:
                return
            _, key = heapq.heappop(heap)
            value = self._table.get(key)
            if value is not None and from_bytes(value).newest < before:
                del self._table[key]

    def _heap(self, partition: int) -> list[tuple[int, bytes]]:
        if self._expiry is None:
            self._expiry = {}
            for key, value in self._table.items():
                of = int(key.partition(b"|")[0])
                self._expiry.setdefault(of, []).append((from_bytes(value).newest, key))
            for heap in self._expiry.values():
                heapq.heapify(heap)
        return self._expiry.setdefault(partition, [])

    async def _recovered(self, *_: Any) -> None:
        self._expiry = None
