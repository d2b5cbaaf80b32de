"""Token buckets: how much an agency, or a peer that proves nothing, may ask for. Bounded in memory, thread-safe."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

MOST_BUCKETS = 50_000


class _Bucket(NamedTuple):
    level: float  # tokens left when last looked at; negative: in debt
    at: float


class Buckets:
    """One bucket a key, filled at `rate` a second up to `burst`.

    A request that costs more than the burst is let through when the bucket is full, and leaves it in debt: otherwise
    a large batch could never be sent.
    """

    def __init__(self, *, rate: float, burst: float, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, cost: float = 1.0) -> float:
        """0 when `cost` was taken; else the seconds until it could be, and nothing was taken."""
        with self._lock:
            level, now = self._level(key), self._monotonic()
            needed = min(cost, self._burst)
            if level < needed:
                return (needed - level) / self._rate
            self._buckets[key] = _Bucket(level - cost, now)
            self._buckets.move_to_end(key)
            while len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)  # the one that was quiet for longest, most likely full again
            return 0.0

    def _level(self, key: str) -> float:
        bucket = self._buckets.get(key)
        if bucket is None:
            return self._burst
        return min(self._burst, bucket.level + (self._monotonic() - bucket.at) * self._rate)
