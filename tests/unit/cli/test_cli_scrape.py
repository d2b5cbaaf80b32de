"""Reading `/metrics`, and totals over processes and their restarts."""

from __future__ import annotations

from streams.cli.scrape import Sample, Totals, parse
from streams.cli.summary import as_line, summarise

BODY = """\
# HELP masa_router_events_total Records read.
# TYPE masa_router_events_total counter
masa_router_events_total{event_type="early-help.episode",disposition="DECIDED"} 7.0
masa_router_events_total{event_type="a \\"b\\"",disposition="UNROUTED"} 1.0
masa_policy_version 1.0
"""


def counted(value: float) -> tuple[Sample, ...]:
    return (Sample("masa_router_events_total", (("disposition", "DECIDED"),), value),)


def test_samples_are_read_with_their_labels() -> None:
    """Comments are left out, quoted labels understood."""
    samples = parse(BODY)
    assert samples[0] == Sample(
        "masa_router_events_total", (("event_type", "early-help.episode"), ("disposition", "DECIDED")), 7.0
    )
    assert [sample.value for sample in samples] == [7.0, 1.0, 1.0]


def test_a_total_sums_over_processes() -> None:
    """Two slots count together."""
    totals = Totals()
    totals.add("one", counted(3))
    totals.add("two", counted(4))
    assert totals.total("masa_router_events_total") == 7


def test_a_restart_loses_nothing() -> None:
    """A counter that starts anew is added to what it had reached."""
    totals = Totals()
    for value in (10, 2, 3, 1):
        totals.add("one", counted(value))
    assert totals.total("masa_router_events_total") == 10 + 3 + 1


def test_labels_narrow_a_total() -> None:
    """Only series that have them count."""
    totals = Totals()
    totals.add("one", parse(BODY))
    assert totals.total("masa_router_events_total", disposition="UNROUTED") == 1
    assert totals.total("masa_router_events_total", disposition="HELD") == 0


def test_the_summary_names_what_does_not_run() -> None:
    """A reader of the plain lines sees a dead process without looking elsewhere."""
    totals = Totals()
    totals.add("one", parse(BODY))
    line = as_line(summarise(totals, ("router-1",)))
    assert line.startswith("events 8  deliveries 0")
    assert line.endswith("not running: router-1")
