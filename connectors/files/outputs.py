"""What an import writes beside the exchange: the quarantine file with its reasons, and the report of each record.

All are appended to and flushed batch by batch, and cut back to what the journal knows when a dead import is resumed.
None of them repeats a value but the quarantine file, which is the supplier's own bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from connectors.files.journal import Written
from connectors.files.prepare import Batch, Outcome, Ready, Refused, Unchanged
from connectors.files.program import Skipped
from connectors.files.read_csv import csv_bytes
from connectors.files.records import FileInvalid, Reader, Row, Unreadable

REASONS = ("line", "record", "columns", "field", "problem", "what would be right")
REPORT = ("line", "record", "result", "event type", "event id", "said")


class OutputPaths(NamedTuple):
    """Where things go. The first can be mended and dropped again."""

    refused: Path
    reasons: Path
    report: Path


class Outputs:
    """Appends. Made when the reader is, since a quarantine file starts as the file itself does."""

    def __init__(self, paths: OutputPaths, reader: Reader, written: Written) -> None:
        self._paths, self._reader = paths, reader
        self._stack = ExitStack()
        self._report = _Appended(paths.report, written.report, csv_bytes([REPORT]))
        self._reasons = _Appended(paths.reasons, written.reasons, csv_bytes([REASONS]))
        self._refused = _Appended(paths.refused, written.refused, reader.head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._report, self._reasons, self._refused):
            each.close()

    def add(self, batch: Batch) -> None:
        """Add what became of some records."""
        self._report.add(csv_bytes([line for record, outcome in batch.outcomes for line in _told(record, outcome)]))
        for record, outcome in batch.outcomes:
            if isinstance(outcome, Refused):
                between = self._reader.between if self._refused.begun else b""
                self._refused.add(between + record.raw)
                self._reasons.add(csv_bytes(list(reasons(record, outcome))))

    def finish(self) -> None:
        """The file is read to its end."""
        if self._refused.begun:
            self._refused.add(self._reader.tail)

    def flush(self) -> Written:
        """Make everything durable; how long each file is now."""
        return Written(self._refused.flush(), self._reasons.flush(), self._report.flush())


class _Appended:
    """A file that is made when something is to be written; what is beyond `length` bytes is cut off."""

    def __init__(self, path: Path, length: int, first: bytes) -> None:
        self._path, self._first = path, first
        self._file: BinaryIO | None = None
        if length == 0:
            path.unlink(missing_ok=True)
        else:
            self._file = path.open("r+b")
            self._file.truncate(length)
            self._file.seek(length)

    @property
    def begun(self) -> bool:
        return self._file is not None

    def add(self, data: bytes) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
            self._file.write(self._first)
        self._file.write(data)

    def flush(self) -> int:
        if self._file is None:
            return 0
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def reasons(record: Row | Unreadable, refused: Refused) -> Iterator[Sequence[object]]:
    """A line for each thing that is wrong."""
    for each in refused.problems:
        yield record.line, record.number, " + ".join(each.columns), each.field, each.message, each.expected


def _told(record: Row | Unreadable, outcome: Outcome) -> Iterator[Sequence[object]]:
    match outcome:
        case Ready():
            yield record.line, record.number, "published", outcome.event_type.name, outcome.event_id, ""
        case Unchanged():
            yield record.line, record.number, "unchanged", "", "", f"published before, as version {outcome.sequence}"
        case Skipped():
            yield record.line, record.number, "skipped", "", "", outcome.reason
        case Refused():
            for problem in outcome.problems:
                yield record.line, record.number, "refused", "", "", str(problem)


def write_reason(path: Path, invalid: FileInvalid) -> None:
    """Why a whole file is in quarantine."""
    with path.open("wb") as file:
        file.write(csv_bytes([REASONS, (invalid.line, "", invalid.column, "", invalid.message, invalid.expected)]))
