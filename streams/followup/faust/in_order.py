"""Which offset may be committed: everything before it was delivered and acknowledged. Pure.

Offsets are kept in the order of delivery and nothing is assumed about their distance: a transaction's marker, an
aborted record and what compaction took away leave holes that no record will ever fill. (Stock faust 0.15.3 looks for
consecutive numbers, counts a record beside such a hole twice, and advances by about one transaction a commit.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class _Partition:
    __slots__ = ("delivered", "safe", "unacked")

    def __init__(self) -> None:
        self.delivered: deque[int] = deque()  # in order; what is done is taken off its head by `settle`
        self.unacked: set[int] = set()
        self.safe: int | None = None  # everything before it is done

    def settle(self) -> int | None:
        while self.delivered and self.delivered[0] not in self.unacked:
            self.safe = self.delivered.popleft() + 1
        return self.safe


class InOrder(Generic[K]):
    """Deliveries and acknowledgements of several partitions. Not thread-safe."""

    def __init__(self) -> None:
        self._partitions: dict[K, _Partition] = {}

    def delivered(self, partition: K, offset: int) -> None:
        """An offset at or below an earlier one: the reader went back, what came from there on counts no more."""
        kept = self._partitions.setdefault(partition, _Partition())
        if kept.delivered and offset <= kept.delivered[-1]:
            kept.delivered = deque(each for each in kept.delivered if each < offset)
            kept.unacked = {each for each in kept.unacked if each < offset}
        if kept.safe is not None and offset < kept.safe:
            kept.safe = None
        kept.delivered.append(offset)
        kept.unacked.add(offset)

    def acked(self, partition: K, offset: int) -> bool:
        """False when it was not waited for: delivered before the reader went back, or acknowledged already."""
        kept = self._partitions.get(partition)
        if kept is None or offset not in kept.unacked:
            return False
        kept.unacked.remove(offset)
        return True

    def committable(self, partition: K) -> int | None:
        """The next offset to read after a restart; None when nothing was acknowledged since the last `forget`."""
        kept = self._partitions.get(partition)
        return None if kept is None else kept.settle()

    def done_before(self, partition: K, offset: int) -> bool:
        """Whether everything delivered so far before `offset` was acknowledged."""
        kept = self._partitions.get(partition)
        return kept is None or all(each >= offset for each in kept.unacked)

    def partitions(self) -> Iterator[K]:
        """Those of which something was delivered."""
        return iter(list(self._partitions))

    def forget(self, partition: K) -> None:
        """The partition is another's now, or is read anew from what is committed."""
        self._partitions.pop(partition, None)
