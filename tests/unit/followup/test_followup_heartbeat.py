"""Beats that come back, come late, or do not."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.errors import RetryLater
from streams.followup.heartbeat import MINUTE_MS, Heart
from streams.followup.voice import Door, heartbeat_id
from streams.policy.follow_up import HeartbeatModel

MODEL = HeartbeatModel.model_validate({"everyMinutes": 15, "doors": ["kafka"], "lateAfterSeconds": 120})
QUARTER = 15 * MINUTE_MS
START = 100 * QUARTER + 5_000


class FakeProbe:
    """A door whose inbox the test fills."""

    door, area = Door.KAFKA, "northshire"

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.arrived: list[str] = []
        self.shut = False

    def send(self, at: int) -> None:
        if self.shut:
            raise RetryLater("away")
        self.sent.append(at)

    def returned(self) -> Iterable[str]:
        found, self.arrived = self.arrived, []
        return found

    def close(self) -> None: ...


class Told:
    """What was told, in order."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []

    def heartbeat_returned(self, *, door: str, seconds: float, at: float, late: bool) -> None:
        self.lines.append(("late" if late else "returned", door, seconds))

    def heartbeat_failed(self, *, door: str, error: str) -> None:
        self.lines.append(("failed", door, error))


def test_a_beat_is_sent_once_an_interval_and_its_round_trip_told() -> None:
    """Not in the interval in which the process started: that one may have been sent already."""
    probe, told = FakeProbe(), Told()
    heart = Heart([probe], told, START)
    heart.tick(MODEL, lambda: START + 1_000)
    assert probe.sent == []
    due = 101 * QUARTER
    heart.tick(MODEL, lambda: due + 200)
    heart.tick(MODEL, lambda: due + 900)
    assert probe.sent == [due]
    probe.arrived = ["another", heartbeat_id("northshire", Door.KAFKA, due)]
    heart.tick(MODEL, lambda: due + 2_200)
    heart.tick(MODEL, lambda: due + 3_000)
    assert told.lines == [("returned", "KAFKA", 2.0)]


def test_what_comes_late_or_never_or_cannot_be_sent_is_told() -> None:
    """Each is a door that does not let through what it should."""
    probe, told = FakeProbe(), Told()
    heart = Heart([probe], told, START)
    first, second, third, fourth = (n * QUARTER for n in (101, 102, 103, 104))
    heart.tick(MODEL, lambda: first)
    probe.arrived = [heartbeat_id("northshire", Door.KAFKA, first)]
    heart.tick(MODEL, lambda: first + 121_000)
    heart.tick(MODEL, lambda: second)
    heart.tick(MODEL, lambda: third)
    probe.shut = True
    heart.tick(MODEL, lambda: fourth)
    expected = [("late", "KAFKA", 121.0), ("failed", "KAFKA", "lost"), ("failed", "KAFKA", "lost")]
    assert told.lines == [*expected, ("failed", "KAFKA", "RetryLater")]
