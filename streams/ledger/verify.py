"""Whether the ledger is still what it was: every row against the chain, the chain against what was signed. Pure.

What it proves, of every row of every audit partition:

CHANGED      the record in a row is the one that was chained, and the row's columns and outcomes are its record's
REMOVED      every chained record has its row
INSERTED     every row was chained, once
REORDERED    a record stands at the offset where it was chained
CHAIN        each stored link follows from the one before it and the leaves between
CHECKPOINT   every checkpoint is signed with a known key, follows its predecessor, and says what the chain says

Whoever can write to the database can make rows, leaves and links agree again; then the next checkpoint does not, and
names the stretch of offsets. `masa ledger reconcile` compares those rows with the audit stream itself, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple, TypeVar

from streams.ledger.chain import Digest, Entry, Head, extended, leaf_of, root_of, unpacked
from streams.ledger.checkpoint import FIRST, Signed, Stretch, Verify, genuine, start_of
from streams.ledger.rows import EventRow, OutcomeRow, RowReader
from streams.ledger.times import millis_of

_Row = TypeVar("_Row", EventRow, OutcomeRow)
DIFFERENCES_LISTED = 1_000
MOVES_LOOKED_FOR = 300  # of so many changed rows of a partition, each is looked for at the places of the others


class Kind(StrEnum):
    CHANGED = "CHANGED"
    REMOVED = "REMOVED"
    INSERTED = "INSERTED"
    REORDERED = "REORDERED"
    CHAIN = "CHAIN"
    CHECKPOINT = "CHECKPOINT"
    BEFORE = "BEFORE"  # signed, but from before this ledger's first record


class Difference(NamedTuple):
    kind: Kind
    partition: int | None
    offset: int | None  # of the audit record; the last one of a stretch or segment
    what: str

    def describe(self) -> str:
        where = "" if self.partition is None else f" at masa.audit [{self.partition}] offset {self.offset}"
        return f"{self.kind}{where}: {self.what}"


class SegmentSeen(NamedTuple):
    """A row of `ledger.chain`."""

    first: int
    last: int
    rows: int
    link: Digest
    entries: bytes


@dataclass(frozen=True, kw_only=True)
class View:
    """What is looked at. Per partition: segments by offset; event rows by offset; outcome rows by offset."""

    partitions: Sequence[int]
    segments: Callable[[int], Iterable[SegmentSeen]]
    events: Callable[[int], Iterable[EventRow]]
    outcomes: Callable[[int], Iterable[OutcomeRow]]
    checkpoints: Sequence[Signed | None]  # None for a record that cannot be read
    keys: Mapping[str, bytes]  # key id -> public key
    verify: Verify


@dataclass(kw_only=True)
class Report:
    """What was found. `signed` counts rows that a good checkpoint covers."""

    rows: int = 0
    signed: int = 0
    checkpoints: int = 0
    differences: list[Difference] = field(default_factory=list)
    unlisted: int = 0

    @property
    def ok(self) -> bool:
        return not self.differences

    def say(self, kind: Kind, partition: int | None, offset: int | None, what: str) -> None:
        if len(self.differences) < DIFFERENCES_LISTED:
            self.differences.append(Difference(kind, partition, offset, what))
        else:
            self.unlisted += 1


def verify_ledger(view: View, reader: RowReader, progress: Callable[[int], object] = lambda _: None) -> Report:
    """Check everything; memory is bounded by what lies between two checkpoints."""
    report = Report()
    stretches = _checked_checkpoints(view, report)
    for partition in sorted({*view.partitions, *stretches}):
        _Partition(view, reader, report, partition, stretches.get(partition, []), progress).check()
    return report


def _checked_checkpoints(view: View, report: Report) -> dict[int, list[Stretch]]:
    """Genuine stretches by partition, in order."""
    found: dict[int, list[Stretch]] = {}
    sequence, previous = 0, FIRST
    for number, signed in enumerate(view.checkpoints, 1):
        if signed is None or not genuine(signed, view.keys, view.verify):
            report.say(Kind.CHECKPOINT, None, None, f"number {number} was not signed with a known key, or was changed")
            continue
        checkpoint = signed.checkpoint
        if (checkpoint.sequence, checkpoint.previous) != (sequence + 1, previous):
            what = f"{checkpoint.sequence} does not follow {sequence}: some are missing, or were put in between"
            report.say(Kind.CHECKPOINT, None, None, what)
        sequence, previous = checkpoint.sequence, checkpoint.digest()
        report.checkpoints += 1
        for each in checkpoint.stretches:
            found.setdefault(each.partition, []).append(each)
    return found


class _Partition:
    """One partition's rows and chain, walked side by side."""

    def __init__(
        self,
        view: View,
        reader: RowReader,
        report: Report,
        partition: int,
        stretches: list[Stretch],
        progress: Callable[[int], object],
    ) -> None:
        self._view, self._reader, self._report, self._partition = view, reader, report, partition
        self._stretches = iter(stretches)
        self._progress = progress
        self._changed: list[tuple[EventRow, Digest]] = []

    def check(self) -> None:
        rows = _by_offset(self._view.events(self._partition))
        outcomes = _by_offset(self._view.outcomes(self._partition))
        row, outcome = next(rows, None), next(outcomes, None)
        for offset, leaf in self._chained():
            while row is not None and row[0] < offset:
                self._inserted(row)
                row = next(rows, None)
            while outcome is not None and outcome[0] < offset:
                self._say(Kind.INSERTED, outcome[0], "an outcome of no chained record")
                outcome = next(outcomes, None)
            if row is None or row[0] != offset:
                self._say(Kind.REMOVED, offset, "the record was chained and its row is not there")
                continue
            mine: list[OutcomeRow] = []
            if outcome is not None and outcome[0] == offset:
                mine, outcome = outcome[1], next(outcomes, None)
            self._compare(row[1], leaf, mine)
            row = next(rows, None)
        while row is not None:
            self._inserted(row)
            row = next(rows, None)
        for at, _ in [outcome] if outcome else []:
            self._say(Kind.INSERTED, at, "an outcome of no chained record")
        for at, _ in outcomes:
            self._say(Kind.INSERTED, at, "an outcome of no chained record")
        self._tell_changed()

    def _inserted(self, row: tuple[int, list[EventRow]]) -> None:
        for each in row[1]:
            self._say(Kind.INSERTED, each.audit_offset, "the row was never chained")

    def _compare(self, events: list[EventRow], leaf: Digest, outcomes: list[OutcomeRow]) -> None:
        event = events[0]
        self._report.rows += 1
        if self._report.rows % 10_000 == 0:
            self._progress(self._report.rows)
        for _ in events[1:]:
            self._say(Kind.INSERTED, event.audit_offset, "a second row for the same record")
        if leaf_of(self._partition, event.audit_offset, event.record) != leaf:
            self._changed.append((event, leaf))
            return
        wanted = self._reader.rows(self._partition, event.audit_offset, millis_of(event.decided_at), event.record)
        if wanted.event != event:
            names = [name for name, a, b in zip(event._fields, wanted.event, event, strict=True) if a != b]
            self._say(Kind.CHANGED, event.audit_offset, f"{', '.join(names)} is not what the record says")
        if sorted(map(repr, wanted.outcomes)) != sorted(map(repr, outcomes)):
            self._say(Kind.CHANGED, event.audit_offset, "the outcome rows are not what the record says")

    def _tell_changed(self) -> None:
        """A record that belongs to another changed row's place was moved; any other was changed."""
        places = {leaf: event.audit_offset for event, leaf in self._changed[:MOVES_LOOKED_FOR]}
        for event, _ in self._changed:
            homes = [
                offset
                for leaf, offset in places.items()
                if len(self._changed) <= MOVES_LOOKED_FOR and leaf_of(self._partition, offset, event.record) == leaf
            ]
            if homes:
                self._say(Kind.REORDERED, event.audit_offset, f"the record here belongs to offset {homes[0]}")
            else:
                self._say(Kind.CHANGED, event.audit_offset, "the record is not the one that was chained")

    def _chained(self) -> Iterator[Entry]:
        """Every entry of the chain, whose links and checkpoints are checked on the way."""
        signed = _SignedStretches(self._stretches, self._partition, self._report)
        head = Head()
        for each in self._view.segments(self._partition):
            try:
                entries = unpacked(each.entries)
            except ValueError as error:
                self._say(Kind.CHAIN, each.last, str(error))
                continue
            head = extended(head, entries)
            if head != Head(each.first, each.last, each.rows, each.link):
                self._say(
                    Kind.CHAIN, each.last, f"the link of the segment that ends here does not follow ({each.rows})"
                )
                head = Head(each.first, each.last, each.rows, each.link)
            for entry in entries:
                signed.take(entry)
                yield entry
        signed.end()

    def _say(self, kind: Kind, offset: int, what: str) -> None:
        self._report.say(kind, self._partition, offset, what)


class _SignedStretches:
    """Holds a partition's entries, as they go by, against what was signed about them."""

    def __init__(self, stretches: Iterator[Stretch], partition: int, report: Report) -> None:
        self._stretches, self._partition, self._report = stretches, partition, report
        self._stood: Stretch | None = None
        self._wanted = next(stretches, None)
        self._new: list[Entry] = []
        self._begins: int | None = None  # the first offset that this ledger has

    def take(self, entry: Entry) -> None:
        if self._begins is None:
            self._begins = entry.offset
        while self._wanted is not None and entry.offset > self._wanted.last:
            self._finish()
        self._new.append(entry)
        if self._wanted is None:
            self._new.clear()  # not signed yet
        elif entry.offset == self._wanted.last:
            self._finish()

    def end(self) -> None:
        while self._wanted is not None:
            self._finish()

    def _finish(self) -> None:
        wanted, new = self._wanted, self._new
        assert wanted is not None  # noqa: S101 - what both callers asked
        start = start_of(self._stood)
        same = wanted.after == start.last and _flat(extended(start, new)) == (
            wanted.first, wanted.last, wanted.rows, wanted.link,
        )  # fmt: skip
        if same and root_of([each.leaf for each in new]).hex() == wanted.root:
            self._report.signed += len(new)
        elif self._begins is not None and self._begins > max(wanted.after + 1, wanted.first):
            what = f"offsets {wanted.after + 1} to {wanted.last} are signed and from before this ledger's first record"
            self._report.say(Kind.BEFORE, self._partition, wanted.last, what)
        else:
            what = f"offsets {wanted.after + 1} to {wanted.last} are not what was signed: compare with the audit stream"
            self._report.say(Kind.CHECKPOINT, self._partition, wanted.last, what)
        self._stood, self._new = wanted, []
        self._wanted = next(self._stretches, None)


def _flat(head: Head) -> tuple[int, int, int, str]:
    return head.first, head.last, head.rows, head.link.hex()


def _by_offset(rows: Iterable[_Row]) -> Iterator[tuple[int, list[_Row]]]:
    return ((offset, list(group)) for offset, group in groupby(rows, lambda each: each.audit_offset))
