"""The metric definitions keep Prometheus' and our own naming rules."""

from __future__ import annotations

import re

import pytest

from connectors.metrics import Metric, all_metrics
from connectors.telemetry import Telemetry

PERSONAL = re.compile(r"child|nhs|upn|subject|name|address|postcode|event_id")


@pytest.mark.parametrize("metric", list(all_metrics()), ids=lambda metric: metric.name)
def test_a_metric_is_named_by_kind_and_unit(metric: Metric) -> None:
    """Counters end in _total and nothing else does; times are in seconds; the help says what to make of it."""
    assert metric.name.startswith("masa_")
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert not re.search(r"_(ms|millis|milliseconds|minutes|kb|mb)\b", metric.name)
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert len(metric.help) > 30


@pytest.mark.parametrize("metric", list(all_metrics()), ids=lambda metric: metric.name)
def test_a_label_is_bounded_and_about_no_person(metric: Metric) -> None:
    """Each label says which closed list bounds it, and none can hold a person or a place."""
    for label, bound in metric.labels.items():
        assert bound
        assert not PERSONAL.search(label) or label == "child"  # a supervised child process, not a person
    if "child" in metric.labels:
        assert metric.labels["child"].startswith("process name")


def test_every_defined_metric_is_exposed() -> None:
    """A definition that no object creates would be a promise that nothing keeps."""
    text = Telemetry(process="test", clock=lambda: 0.0).exposition()[1].decode()
    missing = [m.name for m in all_metrics() if f"# HELP {m.name.removesuffix('_total')}" not in text]
    assert missing == []
