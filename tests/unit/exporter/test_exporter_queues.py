"""What waits for a person is counted until somebody dealt with it."""

from __future__ import annotations

from typing import Any

from streams.exporter.queues import Queues

DAY_MS = 86_400_000
NOW = 100 * DAY_MS


def position(offset: int) -> dict[str, Any]:
    return {"sourceTopic": "agency.a.outbox", "sourcePartition": 0, "sourceOffset": offset}


def held(offset: int, *, at: int = NOW - 10, agencies: tuple[str, ...] = (), reason: str = "POLICY_ABSENT") -> Any:
    return {**position(offset), "heldAt": at, "reasons": [reason], "whole": not agencies, "agencies": list(agencies)}


def rejected(offset: int, *, at: int = NOW - 10, reason: str = "IDENTIFIER") -> Any:
    return {**position(offset), "rejectedAt": at, "reason": reason}


def operation(kind: str, detail: str, value: str, at: int = NOW) -> Any:
    return {"kind": kind, "at": at, "details": [{"name": detail, "value": value}]}


def test_a_record_waits_until_the_last_who_waits_is_released() -> None:
    """Two agencies wait for one record; it is one record, and stays one until both are let go."""
    queues = Queues()
    queues.held(held(1, agencies=("school", "gp"), reason="LOW_MATCH_STATUS"))
    assert queues.figures(NOW).records == {("held", "LOW_MATCH_STATUS"): 1}
    queues.operation(operation("held.release", "released", "agency.a.outbox:0:1>school"))
    assert queues.figures(NOW).records == {("held", "LOW_MATCH_STATUS"): 1}
    queues.operation(operation("held.release", "released", "agency.a.outbox:0:1>gp"))
    assert queues.figures(NOW).records == {}


def test_an_operation_read_before_its_record_counts() -> None:
    """Topics are read side by side, so what was done may come before what it was done to."""
    queues = Queues()
    queues.operation(operation("rejected.replay", "replayed", "agency.a.outbox:0:1 agency.a.outbox:0:2"))
    queues.rejected(rejected(1))
    queues.rejected(rejected(3))
    figures = queues.figures(NOW)
    assert figures.records == {("rejected", "IDENTIFIER"): 1}
    assert figures.oldest_at == {"held": None, "rejected": NOW - 10}


def test_other_operations_release_nothing() -> None:
    """A kind that is not a release is ignored, whatever its details are called."""
    queues = Queues()
    queues.held(held(1))
    queues.operation(operation("rules.stop", "released", "agency.a.outbox:0:1>*"))
    assert queues.figures(NOW).records == {("held", "POLICY_ABSENT"): 1}


def test_what_the_broker_forgot_is_forgotten_and_the_oldest_that_is_left_counts() -> None:
    """Nobody can release what is not there any more."""
    queues = Queues()
    queues.held(held(1, at=NOW - 31 * DAY_MS))
    queues.held(held(2, at=NOW - 3 * DAY_MS))
    queues.held(held(3))
    figures = queues.figures(NOW)
    assert figures.records == {("held", "POLICY_ABSENT"): 2}
    assert figures.oldest_at["held"] == NOW - 3 * DAY_MS
