"""The watchdog, with a clock in the test's hand."""

from __future__ import annotations

import threading

from streams.routing.watchdog import Watchdog


def test_a_loop_that_stands_still_is_ended() -> None:
    """Past the limit without a beat, the process is told once."""
    now, told = [0.0], threading.Event()
    watchdog = Watchdog(60, lambda: now[0], told.set)
    watchdog.start()
    now[0] = 61.0
    assert told.wait(30)


def test_a_beat_starts_the_limit_anew() -> None:
    """A loop that goes on is left alone, however late it is on the clock."""
    now, told, looked = [0.0], threading.Event(), threading.Event()

    def clock() -> float:
        looked.set()
        return now[0]

    watchdog = Watchdog(60, clock, told.set)
    watchdog.start()
    for instant in (50.0, 100.0, 150.0):
        now[0] = instant
        watchdog.beat()
        looked.clear()
        assert looked.wait(30)
    watchdog.stop()
    assert not told.is_set()
