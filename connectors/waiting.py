"""Waiting for something outside the process, always with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.errors import NotReady

POLL_SECONDS = 0.05


def wait_until(condition: Callable[[], object], *, timeout: float, what: str) -> None:
    """Return as soon as `condition()` is true; `NotReady` naming `what` after `timeout` seconds.

    Errors of `condition` are the caller's: it returns false for "not yet" and raises to give up at once.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            raise NotReady(f"{what} did not happen within {timeout:g} s")
        time.sleep(POLL_SECONDS)


class Deadline:
    """A point in time that several calls share: `remaining()` is what each may still take."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._at - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.remaining() == 0.0
