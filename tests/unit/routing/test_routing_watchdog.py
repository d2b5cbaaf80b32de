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


def test_a_bounded_stretch_that_does_not_end_is_ended_although_the_loop_beats() -> None:
    """A commit stuck in the client library is noticed while an idle loop goes on around it."""
    now, told = [0.0], threading.Event()
    watchdog = Watchdog(60, lambda: now[0], told.set)
    watchdog.start()
    with watchdog.bounded(15):
        now[0] = 16.0
        watchdog.beat()
        assert told.wait(30)


def test_a_bounded_stretch_that_ended_is_forgotten() -> None:
    """Time that passes after it counts for nothing."""
    now, told, looked = [0.0], threading.Event(), threading.Event()

    def clock() -> float:
        looked.set()
        return now[0]

    watchdog = Watchdog(60, clock, told.set)
    with watchdog.bounded(15):
        now[0] = 10.0
    watchdog.start()
    now[0] = 50.0
    for _ in range(2):
        looked.clear()
        assert looked.wait(30)
    watchdog.stop()
    assert not told.is_set()
