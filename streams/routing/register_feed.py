"""Follows `masa.relationships` for one router slot: all of it before the first decision, then what comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from connectors.errors import RetryLater
from connectors.kafka.compacted import CompactedReader
from streams.policy.facts import EpochMillis
from streams.routing.register import Register

_DAY_SECONDS = 86_400
_WAIT_SECONDS = 0.2


class RegisterTelemetry(Protocol):
    def register_holds(self, *, relationships: int, refused: int) -> None: ...


class RegisterFeed:
    """Keeps a register in step with its topic. `clock` gives Unix time in seconds."""

    def __init__(
        self, reader: CompactedReader, register: Register, telemetry: RegisterTelemetry, clock: Callable[[], float]
    ) -> None:
        self._reader, self._register, self._telemetry, self._clock = reader, register, telemetry, clock
        self._swept = clock()

    def refresh(self, wait_seconds: float) -> int:
        """Take in what is new; how many records. Raises `RetryLater` while the topic cannot be read."""
        entries = self._reader.poll(wait_seconds)
        now = self._clock()
        if entries:
            self._register.take(((entry.key, entry.value) for entry in entries), EpochMillis(int(now * 1000)))
        if now - self._swept >= _DAY_SECONDS:
            self._register.sweep(EpochMillis(int(now * 1000)))
            self._swept = now
        if entries and self._reader.caught_up():
            self._tell()
        return len(entries)

    def read_to_end(self, patience_seconds: float, beat: Callable[[], None]) -> bool:
        """Block until the topic's end was reached once; false after so long without a record in all.

        `beat` is called before each wait.
        """
        idle = 0.0
        while idle < patience_seconds:
            beat()
            try:
                took = self.refresh(_WAIT_SECONDS)
            except RetryLater:
                took = 0
            if self._reader.caught_up():
                self._tell()
                return True
            idle += 0.0 if took else _WAIT_SECONDS
        return False

    def _tell(self) -> None:
        self._telemetry.register_holds(relationships=len(self._register), refused=self._register.refused)
