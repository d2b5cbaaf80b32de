"""A rehearsal's report for people: one line for each event type, recipient's role and change."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer

from streams.cli.runtime import say, table
from streams.rehearsal.cells import Kind

if TYPE_CHECKING:
    from streams.rehearsal.report import Report, Row

THEN = "then"  # decided as of each event's own time
_TITLES = {
    Kind.GAINED: ("New disclosures", "fields of class", "deliveries"),
    Kind.LOST: ("Lost disclosures", "fields of class", "deliveries"),
    Kind.OUTCOME: ("Outcomes of recipients", "change", "recipients"),
    Kind.CLOCK: ("Clocks", "change", "deliveries"),
    Kind.DISPOSITION: ("Events as a whole", "change", "events"),
}


def show(found: Report, about: dict[str, Any], below: int) -> None:
    """Print it. `about` has ruleSet, since, until and asOf; `below` is the threshold of suppression."""
    until = f" until {about['until']}" if about["until"] else ""
    own = about["asOf"] == THEN
    typer.echo(f"{found.decisions} decisions since {about['since']}{until}, made again under {about['ruleSet']}")
    typer.echo(f"as of {'their own time' if own else about['asOf']}: {_changed(found)}")
    if not found.complete:
        typer.echo(
            f"counts below {below} are hidden, and every other that would tell them; totals are of what is shown"
        )
    if found.tally.stopped and below <= 1:
        say(f"{found.tally.stopped} of these decisions were held back by a stop; they are made again without it")
    for kind, (title, what, count) in _TITLES.items():
        lines = list(_lines([row for row in found.rows if row.cell.kind is kind]))
        if lines:
            table(title, ("event type", "recipient's role", what, count, "latest event"), lines)


def _lines(rows: list[Row]) -> Iterator[tuple[str, ...]]:
    """Rows that differ in the class of field only become one."""

    def alike(row: Row) -> tuple[Any, ...]:
        changes = () if row.cell.kind in (Kind.GAINED, Kind.LOST) else row.cell.what
        return row.cell.event_type, row.cell.role, changes, str(row.number), row.examples

    for (event_type, role, changes, number, examples), group in groupby(rows, key=alike):
        what = " -> ".join(changes) or ", ".join(row.cell.what[0] for row in group)
        yield event_type, role or "-", what, number, examples[0] if examples else ""


def _changed(found: Report) -> str:
    if found.changed == 0:
        return "nothing would have been different"
    more = "" if found.complete else " or more"
    some = "some" if found.changed is None else str(found.changed)
    return (
        f"{some} would have been different, with {found.new_deliveries}{more} new deliveries "
        f"and {found.lost_deliveries}{more} lost"
    )
