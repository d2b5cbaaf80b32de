"""What a rehearsal says to people, small numbers suppressed on request. Pure.

A count below the threshold could point at a child: "two deliveries to this refuge's worker would be new". Hiding the
small count alone is no help when another number tells it: 400 deliveries of which 397 carry LOCATING fields tell of 3
protected children. So the counts of one event type and recipient role are shown together or not at all: only when each
of them, and each difference between two of them, is none or reaches the threshold. Totals add up what is shown.
What is hidden has no influence on anything that is shown, which a property test proves.

Not guarded against: what a reader knows from elsewhere, and differences between two reports about nearly the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

from streams.rehearsal.cells import Cell, Counted, Kind, Tally

_Group = tuple[str, str, bool]  # event type, role, whether it is about events as a whole


class Row(NamedTuple):
    """One cell as it is shown. `number` is the count, or `<5`, or `hidden`."""

    cell: Cell
    number: int | str
    fields: tuple[str, ...]
    examples: tuple[str, ...]  # event ids, the latest first
    order: int  # for sorting: the count where it is shown, else 0


class Report(NamedTuple):
    """`None` stands for a number that would give away another."""

    rows: tuple[Row, ...]  # the largest first within an event type and role
    decisions: int
    changed: int | None
    new_deliveries: int  # of the rows shown
    lost_deliveries: int
    complete: bool  # nothing is hidden
    tally: Tally


def report(tally: Tally, *, below: int = 0) -> Report:
    """Counts under `below` are hidden, with everything that would tell them; 0 or 1 shows everything."""
    shown = _shown_groups(tally.cells, below)
    rows = [_row(cell, counted, below, shown=_group(cell) in shown) for cell, counted in tally.cells.items()]
    complete = all(isinstance(row.number, int) for row in rows)
    sizes = (tally.changed, tally.decisions - tally.changed)
    outcomes = [row for row in rows if row.cell.kind is Kind.OUTCOME]
    return Report(
        rows=tuple(sorted(rows, key=lambda row: (*_group(row.cell), row.cell.kind, -row.order, row.cell.what))),
        decisions=tally.decisions,
        changed=tally.changed if complete and _apart((0, *sizes), below) else None,
        new_deliveries=sum(row.order for row in outcomes if row.cell.what[1] == "DELIVERED"),
        lost_deliveries=sum(row.order for row in outcomes if row.cell.what[0] == "DELIVERED"),
        complete=complete,
        tally=tally,
    )


def _shown_groups(cells: dict[Cell, Counted], below: int) -> set[_Group]:
    counts: dict[_Group, list[int]] = {}
    for cell, counted in cells.items():
        counts.setdefault(_group(cell), [0]).append(counted.count)
    shown = {group for group, found in counts.items() if _apart(found, below)}
    partly = {event_type for event_type, _, _ in counts.keys() - shown}
    # Events as a whole are made of their recipients' outcomes: shown only when none of those is hidden.
    return {group for group in shown if not (group[2] and group[0] in partly)}


def _apart(counts: Iterable[int], below: int) -> bool:
    """Whether any two of these numbers are equal or far enough from each other. With 0 among them, none is small."""
    return all(b - a >= below for a, b in pairwise(sorted(set(counts))))


def _group(cell: Cell) -> _Group:
    return cell.event_type, cell.role, cell.kind is Kind.DISPOSITION


def _row(cell: Cell, counted: Counted, below: int, *, shown: bool) -> Row:
    if not shown:
        return Row(cell, f"<{below}" if counted.count < below else "hidden", (), (), 0)
    examples = tuple(each.event_id for each in reversed(counted.examples))
    return Row(cell, counted.count, tuple(sorted(counted.fields)), examples, counted.count)


def as_json(found: Report, *, below: int = 0) -> dict[str, Any]:
    """The report as `--json` prints it, without what only the caller knows (rule set, time)."""
    tally = found.tally
    undecided = dict(sorted(tally.undecided.items()))
    told: dict[str, Any] = {
        "records": tally.records,
        "outside": tally.outside,
        "undecided": undecided,
        "decisions": found.decisions,
        "changed": found.changed,
        "newDeliveries": found.new_deliveries,
        "lostDeliveries": found.lost_deliveries,
        "complete": found.complete,
        "suppressedBelow": below if below > 1 else None,
        "decidedUnder": sorted(tally.rule_sets) if below > 1 else dict(sorted(tally.rule_sets.items())),
    }
    for kind in Kind:
        told[kind.value] = [_row_json(row) for row in found.rows if row.cell.kind is kind]
    return told


def _row_json(row: Row) -> dict[str, Any]:
    kind, event_type, role, what = row.cell
    told: dict[str, Any] = {"eventType": event_type}
    if kind is not Kind.DISPOSITION:
        told["role"] = role
    if kind in (Kind.GAINED, Kind.LOST):
        told |= {"fieldClass": what[0], "count": row.number, "fields": list(row.fields)}
    else:
        told |= {"before": what[0], "after": what[1], "count": row.number}
    return told | {"examples": list(row.examples)}
