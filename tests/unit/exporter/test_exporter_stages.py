"""Stages of an event in seconds."""

from __future__ import annotations

from streams.exporter.stages import stage_seconds


def test_each_stage_is_measured_and_what_is_missing_or_runs_backwards_is_left_out() -> None:
    """Clocks of agencies differ; a negative time would spoil the mean."""
    whole = {"inputs": {"occurredAt": 1_000, "publishedAt": 61_000}, "receivedAt": 62_000, "decidedAt": 62_020}
    ahead = {"inputs": {"occurredAt": None, "publishedAt": 99_000}, "receivedAt": 62_000, "decidedAt": 62_040}
    rejected = {"inputs": None, "receivedAt": 5, "decidedAt": 10}
    found = stage_seconds([whole, ahead, rejected, {}])
    assert found == {"published": [60.0], "arrived": [1.0], "available": [0.02, 0.04, 0.005]}
