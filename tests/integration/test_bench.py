"""`masa bench` at its smallest: every figure comes out, and none without complete outputs. No figure is judged here."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from streams.bench.stage import Incomplete, Stage

pytestmark = pytest.mark.integration

EXPECTED = {
    "raw",
    "router-1",
    "router-2",
    "ledger",
    "latency-p50",
    "latency-p99",
    "decide-100",
    "decide-1000",
    "compile-1000",
    "plan",
    "plan-new",
    "plan-plain",
    "register-0",
    "register-10000",
}


@pytest.mark.timeout(400)
def test_every_measure_is_printed_with_its_unit_and_ratio() -> None:
    """The JSON rows have the documented shape, and throughput rows a ratio to raw."""
    command = [sys.executable, "-m", "streams.cli", "bench", "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = {row["measure"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert set(rows) >= EXPECTED
    for row in rows.values():
        assert set(row) == {"measure", "value", "unit", "ratio_to_raw"}
        assert row["value"] > 0
    assert rows["raw"]["ratio_to_raw"] == 1.0
    assert all(rows[name]["ratio_to_raw"] > 0 for name in ("router-1", "router-2", "ledger"))


def test_a_router_that_does_less_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """When outputs are missing, the run is refused instead of being reported as fast."""
    stage = Stage.__new__(Stage)
    stage.inboxes = []
    monkeypatch.setattr("streams.bench.stage.end_offsets", lambda *_: {})
    monkeypatch.setattr("streams.bench.stage.read_topic", lambda *_, **__: iter(()))
    monkeypatch.setattr(stage, "settings", None, raising=False)
    monkeypatch.setattr(stage, "run", lambda *_: None, raising=False)
    with pytest.raises(Incomplete, match="0 audit records of 10, 0 deliveries of 30"):
        stage.router(10)
