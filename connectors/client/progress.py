"""How far an inbox is finished with, when deliveries are finished out of order. Pure."""

from __future__ import annotations

from connectors.kafka.partition import Partition


class Progress:
    """Of each partition: which offsets are in hand, and up to where all are finished."""

    def __init__(self) -> None:
        self._in_hand: dict[Partition, dict[int, None]] = {}  # offsets in the order they came, which is ascending
        self._next: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}

    def taken(self, partition: Partition, offset: int) -> None:
        self._in_hand.setdefault(partition, {})[offset] = None
        self._next[partition] = offset + 1

    def finished(self, partition: Partition, offset: int) -> None:
        """Fine for one that is not in hand: its partition was lost meanwhile."""
        self._in_hand.get(partition, {}).pop(offset, None)

    def lost(self, partition: Partition) -> None:
        """Somebody else reads on from what was committed."""
        for each in (self._in_hand, self._next, self._committed):
            each.pop(partition, None)

    def to_commit(self) -> dict[Partition, int]:
        """The next offset to read of each partition where that has moved since `committed`."""
        points = {each: next(iter(self._in_hand.get(each, ())), end) for each, end in self._next.items()}
        return {each: point for each, point in points.items() if self._committed.get(each) != point}

    def committed(self, offsets: dict[Partition, int]) -> None:
        self._committed.update(offsets)
