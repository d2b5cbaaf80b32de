"""Runs of leaves whose bytes come again: remembered, so that one look-up stands for walking them."""

from __future__ import annotations

from typing import Any


class RunMemory:
    """The bytes of a run that were seen, and what they hold. Bounded; forgetting costs time only."""

    __slots__ = ("known", "lengths")
    most = 4_096
    most_lengths = 6  # a run that varies more than that in length is not worth looking up

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[Any, ...]] = {}
        self.lengths: list[int] = []

    def remember(self, data: bytes, found: tuple[Any, ...]) -> None:
        if len(data) not in self.lengths:
            if len(self.lengths) >= self.most_lengths:
                return
            self.lengths.append(len(data))
        if len(self.known) >= self.most:
            self.known.clear()
        self.known[data] = found
