"""Which events were already routed: the publisher's retries, recognised across restarts and rebalances.

One window an outbox partition holds the last 100,000 routed events (up to 125,000). It is rebuilt on assignment by
reading back the partition's own tail. Only routed records count: one that was rejected or held as a whole may come
again, after a fix, and must then be routed. The tail alone does not tell those apart from the routed ones, so their
offsets travel in the metadata of the committed offset (`Window.metadata`), which commits with them.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

WINDOW_EVENTS = 100_000
_GENERATIONS = 4
_GENERATION_EVENTS = WINDOW_EVENTS // _GENERATIONS
_DIGEST_BYTES = 8
_OFFSET_BITS = 48
METADATA_MAX = 4_000  # characters; brokers accept 4,096 (offset.metadata.max.bytes)


class Seen(NamedTuple):
    """An earlier routed record with the same event id."""

    offset: int
    same_content: bool


class Window:
    """The routed events of one outbox partition. Changes are staged and kept or dropped with their transaction."""

    __slots__ = ("_excluded", "_floor", "_generations", "_staged", "_staged_excluded")

    def __init__(self, metadata: str = "") -> None:
        """`metadata` is what an earlier window's `metadata()` gave; broken or foreign text counts as none."""
        self._generations: list[dict[str, int]] = [{}]
        self._staged: dict[str, int] = {}
        self._floor, self._excluded = _parse(metadata)
        self._staged_excluded: list[int] = []

    def find(self, event_id: str, digest: bytes) -> Seen | None:
        """The routed record with this event id, staged ones included."""
        packed = self._staged.get(event_id)
        if packed is None:
            for generation in self._generations:
                packed = generation.get(event_id)
                if packed is not None:
                    break
            else:
                return None
        same = packed >> _OFFSET_BITS == int.from_bytes(digest[:_DIGEST_BYTES])
        return Seen(packed & ((1 << _OFFSET_BITS) - 1), same)

    def stage_routed(self, event_id: str, digest: bytes, offset: int) -> None:
        self._staged[event_id] = int.from_bytes(digest[:_DIGEST_BYTES]) << _OFFSET_BITS | offset

    def stage_not_routed(self, offset: int) -> None:
        """Rejected, or held as a whole: may be routed when it comes again."""
        self._staged_excluded.append(offset)

    def keep(self) -> None:
        """The transaction committed."""
        newest = self._generations[0]
        newest.update(self._staged)
        self._staged = {}
        if len(newest) >= _GENERATION_EVENTS:
            self._generations.insert(0, {})
            del self._generations[_GENERATIONS + 1 :]
        self._floor, self._excluded = self._next_exclusions()
        self._staged_excluded = []

    def drop(self) -> None:
        """The transaction was aborted."""
        self._staged = {}
        self._staged_excluded = []

    def metadata(self) -> str:
        """To commit with the offset: which records of the tail were not routed, staged ones included."""
        return _format(*self._next_exclusions())

    def tail_start(self, next_offset: int) -> int:
        """Where reading back begins."""
        return max(self._floor, next_offset - WINDOW_EVENTS)

    def was_routed(self, offset: int) -> bool:
        """Whether a record of the tail counts, as far as the committed metadata tells."""
        return offset >= self._floor and offset not in self._excluded

    def __len__(self) -> int:
        return sum(map(len, self._generations))

    def _next_exclusions(self) -> tuple[int, dict[int, None]]:
        """Floor and exclusions once the staged ones join, cut to what fits in the metadata."""
        if not self._staged_excluded:
            return self._floor, self._excluded
        floor, excluded = self._floor, {**self._excluded, **dict.fromkeys(self._staged_excluded)}
        horizon = self._staged_excluded[-1] - WINDOW_EVENTS
        excluded = {offset: None for offset in excluded if offset > horizon}
        while len(_format(floor, excluded)) > METADATA_MAX:
            # Too many to name: forget the older half, and everything routed before its end with it.
            offsets = list(excluded)
            half = max(1, len(offsets) // 2)
            floor, excluded = offsets[half - 1] + 1, dict.fromkeys(offsets[half:])
        return floor, excluded


def _format(floor: int, excluded: dict[int, None]) -> str:
    """`floor:` then the excluded offsets as differences, each a base-128 number, in base 64."""
    raw = bytearray()
    last = floor
    for offset in excluded:
        step, last = offset - last, offset
        while step > 127:
            raw.append(step & 127 | 128)
            step >>= 7
        raw.append(step)
    return f"{floor}:{base64.b64encode(bytes(raw)).decode()}"


def _parse(metadata: str) -> tuple[int, dict[int, None]]:
    head, colon, body = metadata.partition(":")
    if not colon or not head.isdigit():
        return 0, {}
    try:
        steps = base64.b64decode(body, validate=True)
    except ValueError:
        return 0, {}
    excluded: dict[int, None] = {}
    last, step, shift = int(head), 0, 0
    for byte in steps:
        step |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            last += step
            excluded[last] = None
            step, shift = 0, 0
    return int(head), excluded
