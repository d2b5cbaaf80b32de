"""What a rehearsal counts: cells, each a sentence such as "so many deliveries to this role would have new HEALTH
fields", with a few events as examples."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

EXAMPLES = 3  # event ids kept with a cell: the latest decided


class Kind(StrEnum):
    GAINED = "gained"  # (field class,): deliveries with at least one field of it that was not given
    LOST = "lost"  # (field class,): deliveries that were given at least one field of it and would not be
    OUTCOME = "outcome"  # (before, after): candidates whose outcome would be another; ABSENT is no candidate
    CLOCK = "clock"  # (before, after): deliveries to be acknowledged by another clock
    DISPOSITION = "disposition"  # (before, after): events; of no role


class Cell(NamedTuple):
    """Equal cells count together."""

    kind: Kind
    event_type: str
    role: str  # the addressed role inside the recipient, several joined by a comma, "" for none
    what: tuple[str, ...]  # see Kind


class Change(NamedTuple):
    """What one event adds to one cell."""

    cell: Cell
    times: int  # deliveries, candidates or, of DISPOSITION, events
    fields: frozenset[str]  # of GAINED and LOST: which


class Example(NamedTuple):
    decided_at: int  # milliseconds, UTC
    event_id: str


class Counted:
    """A cell's count, the fields concerned and its examples, the latest last."""

    __slots__ = ("count", "examples", "fields")

    def __init__(self) -> None:
        self.count = 0
        self.fields: set[str] = set()
        self.examples: list[Example] = []

    def add(self, count: int, fields: Iterable[str], example: Example) -> None:
        self.count += count
        self.fields.update(fields)
        self._keep(example)

    def merge(self, other: Counted) -> None:
        self.count += other.count
        self.fields |= other.fields
        for example in other.examples:
            self._keep(example)

    def _keep(self, example: Example) -> None:
        kept = self.examples
        if len(kept) < EXAMPLES:
            if example not in kept:
                insort(kept, example)
        elif example > kept[0] and example not in kept:
            del kept[0]
            insort(kept, example)


class Tally:
    """What a rehearsal found, of some of the records or of all. Merging is in any order the same."""

    def __init__(self) -> None:
        self.records = 0  # read
        self.outside = 0  # of these, decided before or after the wanted time
        self.undecided: Counter[str] = Counter()  # of these, by kind: nothing was decided, so nothing is again
        self.changed = 0  # decisions with at least one difference
        self.rule_sets: Counter[str] = Counter()  # decisions by the rule set that made them; "" for none
        self.stopped = 0  # decisions that a stop changed; the rehearsal knows no stops
        self.cells: dict[Cell, Counted] = {}

    @property
    def decisions(self) -> int:
        return self.rule_sets.total()

    def add(self, changes: Iterable[Change], example: Example) -> None:
        for cell, count, fields in changes:
            counted = self.cells.get(cell)
            if counted is None:
                counted = self.cells[cell] = Counted()
            counted.add(count, fields, example)

    def merge(self, other: Tally) -> None:
        self.records += other.records
        self.outside += other.outside
        self.undecided += other.undecided
        self.changed += other.changed
        self.rule_sets += other.rule_sets
        self.stopped += other.stopped
        for cell, counted in other.cells.items():
            self.cells.setdefault(cell, Counted()).merge(counted)
