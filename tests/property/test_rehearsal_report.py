"""Small numbers that are suppressed cannot be worked out from what is shown."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from streams.rehearsal.cells import Cell, Change, Example, Kind, Tally
from streams.rehearsal.report import Report, Row, as_json, report

BELOW = 5
CELLS = [
    Cell(kind, event_type, "" if kind is Kind.DISPOSITION else role, what)
    for event_type in ("police.incident", "health.concern")
    for role in ("dsl", "front-door")
    for kind, what in (
        (Kind.GAINED, ("IDENTITY",)),
        (Kind.GAINED, ("LOCATING",)),
        (Kind.LOST, ("HEALTH",)),
        (Kind.OUTCOME, ("ABSENT", "DELIVERED")),
        (Kind.OUTCOME, ("DELIVERED", "HELD")),
        (Kind.DISPOSITION, ("UNROUTED", "DECIDED")),
    )
]
COUNTS = st.dictionaries(st.sampled_from(CELLS), st.sampled_from([1, 2, 4, 5, 6, 10, 12, 400]), max_size=9)


def tally_of(counts: dict[Cell, int], changed: int = 500, decisions: int = 1_000) -> Tally:
    tally = Tally()
    tally.changed = changed
    tally.rule_sets["a" * 64] = decisions
    for number, (cell, count) in enumerate(counts.items()):
        tally.add([Change(cell, count, frozenset({"note"}))], Example(number, f"event-{number}"))
    return tally


def told(found: Report) -> str:
    return str(as_json(found, below=BELOW))


def hidden(row: Row) -> bool:
    return not isinstance(row.number, int)


@given(COUNTS, st.data())
def test_what_is_hidden_has_no_influence_on_what_is_shown(counts: dict[Cell, int], data: st.DataObject) -> None:
    """Change the counts below the threshold, and how many events changed with them: the report is the same."""
    small = sorted(cell for cell, count in counts.items() if count < BELOW)
    others = {cell: data.draw(st.integers(1, BELOW - 1)) for cell in small}
    changed = 500 + sum(others[cell] - counts[cell] for cell in small)
    assert told(report(tally_of(counts | others, changed), below=BELOW)) == told(report(tally_of(counts), below=BELOW))


@given(COUNTS)
def test_no_shown_number_and_no_difference_of_two_is_small(counts: dict[Cell, int]) -> None:
    """Within one event type and recipient role no subtraction gives a count below the threshold."""
    found = report(tally_of(counts), below=BELOW)
    for cell in counts:
        row = next(row for row in found.rows if row.cell == cell)
        assert hidden(row) or counts[cell] >= BELOW
        assert not (hidden(row) and row.examples), "an example is an event, and an event is a child"
    shown = [row for row in found.rows if not hidden(row)]
    for one, other in combinations(shown, 2):
        if one.cell[1:3] == other.cell[1:3] and Kind.DISPOSITION not in (one.cell.kind, other.cell.kind):
            assert one.number == other.number or abs(int(one.number) - int(other.number)) >= BELOW


@given(COUNTS)
def test_totals_are_those_of_the_rows_shown(counts: dict[Cell, int]) -> None:
    """Whoever adds up the rows gets the total, and learns nothing by subtracting them from it."""
    found = report(tally_of(counts), below=BELOW)
    new = sum(int(r.number) for r in found.rows if not hidden(r) and r.cell.what == ("ABSENT", "DELIVERED"))
    assert found.new_deliveries == new
    assert (found.changed is None) == any(map(hidden, found.rows))


def test_a_small_difference_hides_the_whole_group() -> None:
    """400 new deliveries, 397 of them with LOCATING fields, would tell of three protected children."""
    role = {Cell(Kind.GAINED, "t", "dsl", ("IDENTITY",)): 400, Cell(Kind.GAINED, "t", "dsl", ("LOCATING",)): 397}
    elsewhere = {Cell(Kind.GAINED, "t", "front-door", ("IDENTITY",)): 400}
    found = report(tally_of(role | elsewhere), below=BELOW)
    assert [(row.cell.role, row.number) for row in found.rows] == [
        ("dsl", "hidden"), ("dsl", "hidden"), ("front-door", 400),
    ]  # fmt: skip


def test_without_suppression_every_count_is_shown() -> None:
    """A count of one has its event as an example."""
    found = report(tally_of({CELLS[0]: 1}, changed=1))
    assert [(row.number, row.examples) for row in found.rows] == [(1, ("event-0",))]
    assert (found.changed, found.complete) == (1, True)
