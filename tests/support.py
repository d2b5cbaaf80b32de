"""What integration and fault tests share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from connectors.waiting import POLL_SECONDS

T = TypeVar("T")

DEADLINE_SECONDS = 30.0


def wait_for(
    condition: Callable[[], T | None], deadline: float = DEADLINE_SECONDS, *, what: str = "the condition"
) -> T:
    """The first truthy answer of `condition()`; fails the test when there is none within `deadline` seconds.

    The only place where a test waits: no test sleeps.
    """
    until = time.monotonic() + deadline
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= until:
            raise AssertionError(f"{what} did not come true within {deadline:g} s; last answer: {answer!r}")
        time.sleep(POLL_SECONDS)
