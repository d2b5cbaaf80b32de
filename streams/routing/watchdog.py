"""Ends the process when its loop stands still.

Every call the router makes is bounded, but librdkafka does not keep its own bounds everywhere: after a broker's sudden
death `send_offsets_to_transaction` may never return, whatever its timeout (librdkafka#5456, #5511). Nothing inside the
process can undo that, so the process ends and its supervisor starts the slot again, which settles the transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOKS_SECONDS = 1.0


class Watchdog:
    """Calls `stalled` once when `beat` has not been called for `limit_seconds`, or a bounded stretch did not end."""

    def __init__(self, limit_seconds: float, clock: Callable[[], float], stalled: Callable[[], object]) -> None:
        """`clock` gives seconds; `stalled` is called in a thread of its own and is not expected to return."""
        self._limit = limit_seconds
        self._clock = clock
        self._stalled = stalled
        self._last = clock()
        self._deadline: float | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._last = self._clock()
        self._thread.start()

    def beat(self) -> None:
        """The loop goes on."""
        self._last = self._clock()

    @contextmanager
    def bounded(self, seconds: float) -> Iterator[None]:
        """What is inside must end within `seconds`, however well the loop beats. One stretch at a time."""
        self._deadline = self._clock() + seconds
        try:
            yield
        finally:
            self._deadline = None

    def stop(self) -> None:
        """No more watching."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOKS_SECONDS):
            now, deadline = self._clock(), self._deadline
            if now - self._last > self._limit or (deadline is not None and now > deadline):
                self._stalled()
                return
