"""How long a client keeps trying, and how it waits in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import SystemRandom
from typing import NamedTuple, TypeVar

from connectors.errors import RetryLater
from connectors.waiting import Deadline

T = TypeVar("T")

_FIRST_SECONDS = 0.2
_LONGEST_SECONDS = 10.0
_DOUBLINGS = 10


class ComeBack(RetryLater):
    """As RetryLater, from somebody who said when: `seconds` from now, None when it was left open."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


class Patience(NamedTuple):
    """Tries again for `seconds` in all, with growing pauses, at random lest many clients come back at once."""

    seconds: float = 60.0
    pause: Callable[[float], object] = time.sleep
    chance: Callable[[], float] = SystemRandom().random

    def until_done(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns. Raises its last RetryLater when patience ends, and everything else at once."""
        deadline, failures = Deadline(self.seconds), 0
        while True:
            try:
                return attempt()
            except RetryLater as failure:
                wait = self._wait(failures, failure)
                if wait > deadline.remaining():
                    raise
                self.pause(wait)
                failures += 1

    def _wait(self, failures: int, failure: RetryLater) -> float:
        """What was asked for, and a little by chance; else the next of the growing pauses."""
        asked = failure.seconds if isinstance(failure, ComeBack) else None
        if asked is not None:
            return asked + self.chance() * _FIRST_SECONDS
        longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(failures, _DOUBLINGS))
        return longest * (0.5 + self.chance() / 2)
