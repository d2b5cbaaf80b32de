"""What `masa up --demo` shows while it runs: the key figures, from the processes' own metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors import metrics as defined
from streams.cli.scrape import Totals

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Totals since the processes of this run started."""

    events: int
    deliveries: int
    withheld: int
    denied: int
    held: int
    rejected: int
    unrouted: int
    in_ledger: int
    oldest_seconds: float  # age of the oldest event that is read but not yet delivered
    down: tuple[str, ...]  # processes that do not run now


def summarise(totals: Totals, down: tuple[str, ...]) -> Summary:
    """The figures of one moment."""
    return Summary(
        events=totals.total(defined.ROUTED.name),
        deliveries=totals.total(defined.DELIVERIES.name),
        withheld=totals.total(defined.OUTCOMES.name, outcome="WITHHELD"),
        denied=totals.total(defined.OUTCOMES.name, outcome="DENIED"),
        held=totals.total(defined.HELD.name),
        rejected=totals.total(defined.REJECTED.name),
        unrouted=totals.total(defined.ROUTED.name, disposition="UNROUTED"),
        in_ledger=totals.total(defined.LEDGER_EVENTS.name),
        oldest_seconds=totals.largest(defined.OLDEST_UNROUTED.name),
        down=down,
    )


def as_line(summary: Summary) -> str:
    """One plain line, for logs and pipes."""
    parts = [f"{label} {value}" for label, value in _figures(summary)]
    if summary.down:
        parts.append(f"not running: {', '.join(summary.down)}")
    return "  ".join(parts)


def as_table(summary: Summary, area: str) -> Table:
    """The same as a table, for a terminal."""
    from rich import box
    from rich.table import Table

    table = Table(title=f"{area}: ctrl-C stops", box=box.SIMPLE_HEAD, title_justify="left")
    for label, _ in _figures(summary):
        table.add_column(label, justify="right")
    table.add_row(*(value for _, value in _figures(summary)))
    if summary.down:
        table.caption = f"not running: {', '.join(summary.down)}"
    return table


def _figures(summary: Summary) -> tuple[tuple[str, str], ...]:
    return (
        ("events", f"{summary.events}"),
        ("deliveries", f"{summary.deliveries}"),
        ("withheld", f"{summary.withheld}"),
        ("denied", f"{summary.denied}"),
        ("held", f"{summary.held}"),
        ("rejected", f"{summary.rejected}"),
        ("unrouted", f"{summary.unrouted}"),
        ("in ledger", f"{summary.in_ledger}"),
        ("oldest undelivered", f"{summary.oldest_seconds:.1f} s"),
    )
