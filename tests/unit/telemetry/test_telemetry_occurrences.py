"""Each occurrence moves its metrics and writes its log line."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from connectors import metrics as defined
from connectors.json_log import JsonFormatter
from connectors.telemetry import RoutedBatch, Telemetry
from streams.cli.scrape import Totals, parse


class Observed:
    """A telemetry object, its clock, and what it has said so far."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.telemetry = Telemetry(process="router-0", clock=lambda: self.now)
        self.stream = io.StringIO()

    def totals(self) -> Totals:
        totals = Totals()
        totals.add("here", parse(self.telemetry.exposition()[1].decode()))
        return totals

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def observed() -> Iterator[Observed]:
    made = Observed()
    handler = logging.StreamHandler(made.stream)
    handler.setFormatter(JsonFormatter("router-0"))
    logger = logging.getLogger("masa")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield made
    logger.removeHandler(handler)


def a_batch(**changes: object) -> RoutedBatch:
    values: dict[str, object] = {
        "records": 3,
        "seconds": 0.02,
        "events": {("early-help.episode", "DECIDED"): 2, ("unknown", "REJECTED"): 1},
        "outcomes": {("DELIVERED", ""): 4, ("DENIED", "NO_RULE"): 1},
        "deliveries": {"early-help.episode": 4},
        "withheld_fields": {"NOT_IN_SHARE": 7},
        "rejected": {"FRAMING": 1},
        "latencies": (0.004, 0.3, 9_999.0),
    }
    return RoutedBatch(**{**values, **changes})  # type: ignore[arg-type]


def test_a_committed_batch_counts_events_outcomes_deliveries_and_rejects(observed: Observed) -> None:
    """Counters rise by exactly what the batch says."""
    observed.telemetry.batch_committed(a_batch())
    observed.telemetry.batch_committed(a_batch())
    totals = observed.totals()
    assert totals.total(defined.ROUTED.name) == 6
    assert totals.total(defined.ROUTED.name, disposition="DECIDED") == 4
    assert totals.total(defined.OUTCOMES.name, outcome="DENIED", reason="NO_RULE") == 2
    assert totals.total(defined.DELIVERIES.name) == 8
    assert totals.total(defined.WITHHELD_FIELDS.name) == 14
    assert totals.total(defined.REJECTED.name, reason="FRAMING") == 2
    assert totals.total(defined.TRANSACTIONS.name, result="committed") == 2


def test_latencies_fall_into_the_buckets_of_the_definition(observed: Observed) -> None:
    """A value counts in every bucket at or above it, and beyond the last bound in +Inf only."""
    observed.telemetry.batch_committed(a_batch(latencies=(0.005, 0.3, 9_999.0)))
    buckets = {
        dict(sample.labels)["le"]: sample.value
        for sample in parse(observed.telemetry.exposition()[1].decode())
        if sample.name == f"{defined.LATENCY.name}_bucket"
    }
    assert (buckets["0.005"], buckets["0.25"], buckets["0.5"], buckets["3600.0"], buckets["+Inf"]) == (1, 1, 2, 2, 3)


def test_an_unrouted_event_and_a_spoofed_source_are_said_aloud(observed: Observed) -> None:
    """Both are logged above info, once a batch, with their number."""
    observed.telemetry.batch_committed(
        a_batch(events={("early-help.episode", "UNROUTED"): 2}, rejected={"SPOOFED_SOURCE": 1})
    )
    said = {line["event"]: line for line in observed.lines()}
    assert (said["router.unrouted"]["level"], said["router.unrouted"]["records"]) == ("warning", 2)
    assert (said["router.spoofed-source"]["level"], said["router.spoofed-source"]["records"]) == ("error", 1)


def test_the_oldest_unrouted_record_ages_without_being_reported_again(observed: Observed) -> None:
    """The age is computed when it is read, so that it keeps growing while the router is stuck."""
    observed.telemetry.oldest_unrouted(int(observed.now * 1000) - 2_000)
    observed.now += 60
    assert observed.totals().largest(defined.OLDEST_UNROUTED.name) == pytest.approx(62.0)
    observed.telemetry.oldest_unrouted(None)
    assert observed.totals().largest(defined.OLDEST_UNROUTED.name) == 0.0


def test_a_failure_is_logged_by_class_and_place_only(observed: Observed) -> None:
    """An exception's message could quote a record, so no line holds it."""

    def fails() -> None:
        raise ValueError("9434765919 is a child's number")

    try:
        fails()
    except ValueError as error:
        observed.telemetry.process_failed(error)
    line = observed.lines()[-1]
    assert line["error"] == "ValueError"
    assert any("fails" in frame for frame in line["frames"])  # type: ignore[attr-defined]
    assert "9434765919" not in observed.stream.getvalue()


def test_two_objects_in_one_process_do_not_share_metrics() -> None:
    """Nothing is registered globally, so a second object starts from nothing."""
    first, second = Observed(), Observed()
    first.telemetry.batch_committed(a_batch())
    assert first.totals().total(defined.ROUTED.name) == 3
    assert second.totals().total(defined.ROUTED.name) == 0


def test_readiness_follows_what_the_process_says(observed: Observed) -> None:
    """A process starts unready, and says what it waits for."""
    telemetry = observed.telemetry
    assert telemetry.waiting_for() == "start"
    telemetry.process_ready()
    assert telemetry.waiting_for() is None
    telemetry.process_waiting("the rule set")
    assert telemetry.waiting_for() == "the rule set"
    assert observed.totals().largest(defined.READY.name) == 0.0
