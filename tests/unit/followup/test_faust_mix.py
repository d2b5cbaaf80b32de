"""Counts that a repeat does not raise."""

from __future__ import annotations

from streams.followup.faust.mix import HOUR_MS, Mix, counted, from_bytes, of_last_day, to_bytes
from tests.unit.followup.test_faust_patterns import T0, seen


def test_a_record_read_again_is_not_counted_again() -> None:
    """The offset of the last one counted is kept with the counts."""
    once = counted(Mix(category="POLICE"), seen(1), 7)
    assert counted(once, seen(1), 7) is once
    assert counted(once, seen(0), 5) is once
    assert from_bytes(to_bytes(counted(once, seen(2), 9))).offset == 9


def test_the_last_day_is_what_was_decided_in_it() -> None:
    """Older hours fall out, also while nothing new comes."""
    mix = Mix(category="POLICE")
    for hour in range(30):
        event = seen(hour)._replace(decided_at=T0 + hour * HOUR_MS, occurred_at=T0 + hour * HOUR_MS - 60_000)
        mix = from_bytes(to_bytes(counted(mix, event, hour)))
    now = T0 + 29 * HOUR_MS
    assert of_last_day([mix], now) == (24, 24, 24 * 60_000)
    assert of_last_day([mix], now + 12 * HOUR_MS).events == 12
    assert of_last_day([mix], now + 24 * HOUR_MS).events == 0
