"""One partition of one topic."""

from __future__ import annotations

from typing import NamedTuple


class Partition(NamedTuple):
    topic: str
    partition: int
