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
_OFFSET_BITS = 48  # known to native.pyx, as is that eight bytes of the digest are kept
METADATA_MAX = 4_000  # characters; brokers accept 4,096 (offset.metadata.max.bytes)


class Seen(NamedTuple):
    """An earlier routed record with the same event id."""

    offset: int
    same_content: bool


class _Layer(NamedTuple):
    """What one batch adds."""

    routed: dict[str, int]  # event id -> packed digest and offset
    not_routed: list[int]


class Window:
    """The routed events of one outbox partition.

    What a batch adds is staged in a layer of its own, on top of those of earlier batches whose transactions are still
    under way; layers are kept in the order they were opened, or all dropped together.
    """

    __slots__ = ("_excluded", "_floor", "_generations", "_layers")

    def __init__(self, metadata: str = "") -> None:
        """`metadata` is what an earlier window's `metadata()` gave; broken or foreign text counts as none."""
        self._generations: list[dict[str, int]] = [{}]
        self._layers: list[_Layer] = []
        self._floor, self._excluded = _parse(metadata)

    def open_layer(self) -> None:
        """A new batch begins."""
        self._layers.append(_Layer({}, []))

    def find(self, event_id: str, digest: bytes) -> Seen | None:
        """The routed record with this event id, staged ones included."""
        packed = self._packed(event_id)
        if packed is None:
            return None
        same = packed >> _OFFSET_BITS == int.from_bytes(digest[:_DIGEST_BYTES])
        return Seen(packed & ((1 << _OFFSET_BITS) - 1), same)

    def stage_routed(self, event_id: str, digest: bytes, offset: int) -> None:
        self._layers[-1].routed[event_id] = int.from_bytes(digest[:_DIGEST_BYTES]) << _OFFSET_BITS | offset

    def lookups(self) -> list[dict[str, int]]:
        """What `find` looks into, event id to `packed`, for the compiled lane. Good until the window changes layers."""
        return [*(layer.routed for layer in self._layers), *self._generations]

    def staging(self) -> dict[str, int]:
        """Where `stage_routed` notes an event of the newest layer, for the compiled lane."""
        return self._layers[-1].routed

    def stage_not_routed(self, offset: int) -> None:
        """Rejected, or held as a whole: may be routed when it comes again."""
        self._layers[-1].not_routed.append(offset)

    def keep(self) -> None:
        """The oldest batch under way committed. Nothing to do where a rebuilt window has its events already."""
        if not self._layers:
            return
        layer = self._layers[0]
        self._floor, self._excluded = self._after([layer])
        del self._layers[0]
        newest = self._generations[0]
        newest.update(layer.routed)
        if len(newest) >= _GENERATION_EVENTS:
            self._generations.insert(0, {})
            del self._generations[_GENERATIONS + 1 :]

    def drop(self) -> None:
        """A transaction was aborted: nothing of it, nor of what was planned on top of it, happened."""
        self._layers = []

    def metadata(self) -> str:
        """To commit with the offset: which records of the tail were not routed, staged ones included."""
        return _format(*self._after(self._layers))

    def tail_start(self, next_offset: int) -> int:
        """Where reading back begins."""
        return max(self._floor, next_offset - WINDOW_EVENTS)

    def was_routed(self, offset: int) -> bool:
        """Whether a record of the tail counts, as far as the committed metadata tells."""
        return offset >= self._floor and offset not in self._excluded

    def __len__(self) -> int:
        return sum(map(len, self._generations))

    def _packed(self, event_id: str) -> int | None:
        for layer in self._layers:
            packed = layer.routed.get(event_id)
            if packed is not None:
                return packed
        for generation in self._generations:
            packed = generation.get(event_id)
            if packed is not None:
                return packed
        return None

    def _after(self, layers: list[_Layer]) -> tuple[int, dict[int, None]]:
        """Floor and exclusions once these layers' join, cut to what fits in the metadata."""
        staged = [offset for layer in layers for offset in layer.not_routed]
        if not staged:
            return self._floor, self._excluded
        floor, excluded = self._floor, {**self._excluded, **dict.fromkeys(staged)}
        horizon = staged[-1] - WINDOW_EVENTS
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
