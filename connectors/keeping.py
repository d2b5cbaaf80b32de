"""Keeps a piece of work going that stores where it is: sessions that begin, step and end, for ever.

Whatever fails, the session is closed and a new one begins from what the store says: that settles a commit whose outcome
is unknown, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from connectors.errors import RetryLater

_LONGEST_PAUSE_S = 5.0
_FIRST_PAUSE_S = 0.1
_DOUBLINGS = 6


class Session(Protocol):
    """One stretch of work, from what the store said when it began."""

    def step(self) -> None: ...
    def close(self) -> None: ...


class Loop(NamedTuple):
    """What the loop may not fetch for itself."""

    pause: Callable[[float], object]  # waits so many seconds, less when asked to stop
    stopping: Callable[[], bool]
    failed: Callable[[str], object]  # told the class of a passing failure


def keep(begin: Callable[[], Session], loop: Loop) -> None:
    """Step through sessions until told to stop. Passing failures are retried for ever, with growing pauses.

    Raises every failure but `RetryLater`: a supervisor or an operator must act.
    """
    failures = 0
    while not loop.stopping():
        session: Session | None = None
        try:
            session = begin()
            while not loop.stopping():
                session.step()
                failures = 0
        except RetryLater as failure:
            loop.failed(type(failure).__name__)
            loop.pause(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**failures))
            failures = min(failures + 1, _DOUBLINGS)
        finally:
            if session is not None:
                session.close()
