"""Comma-separated files: rows with the exact bytes they came from, from any row on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from operator import itemgetter
from typing import Any, BinaryIO

from connectors.files.records import MAX_RECORD_BYTES, FileInvalid, Position, Row, Unreadable
from connectors.files.values import folded

_BOM = b"\xef\xbb\xbf"
_MAX_LINE = MAX_RECORD_BYTES


class CsvReader:
    """Reads from `start` on; None: from the first row."""

    tail = b""
    between = b""

    def __init__(
        self,
        file: BinaryIO,
        sources: Sequence[str],
        *,
        encoding: str,
        delimiter: str,
        optional: Collection[str] = (),
        ignored: Collection[str] = (),
        start: Position | None = None,
    ) -> None:
        self._file, self._encoding = file, encoding
        self._pending: list[bytes] = []  # lines taken since the last row
        self._undecodable = False
        self._rows = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        header = self._header()
        self.head = b"".join(self._pending)
        self._pending.clear()
        self._width = len(header)
        self._take, self.unknown = _columns(header, sources, optional, ignored)
        self.position = start or Position(len(self.head), 2, 0)
        if start is not None:
            file.seek(start.offset)

    def records(self) -> Iterator[Row | Unreadable]:
        """Every row. Empty lines are no rows."""
        pending, width, take = self._pending, self._width, self._take
        offset, line, number = self.position
        while True:
            wrong = None
            try:
                row = next(self._rows)
            except StopIteration:
                break
            except csv.Error as error:
                row, wrong = [], _quoting(error)
            raw = b"".join(pending)
            count = len(pending)
            pending.clear()
            if row or wrong:
                number += 1
            offset += len(raw)
            self.position = Position(offset, line + count, number)
            if self._undecodable:
                self._undecodable = False
                wrong = (f"is not {self._encoding}", f"text in {self._encoding}, which the mapping names")
            elif not wrong and row and len(row) != width:
                wrong = (f"has {len(row)} columns", f"{width}, as the header has")
            if wrong:
                yield Unreadable(number, line, raw, *wrong)
            elif row:
                yield Row(number, line, raw, take(row))
            line += count

    def _lines(self) -> Iterator[str]:
        """Lines as the csv module wants them, remembered as bytes."""
        readline, pending, encoding = self._file.readline, self._pending, self._encoding
        for raw in iter(lambda: readline(_MAX_LINE), b""):
            pending.append(raw)
            try:
                yield raw.decode(encoding)
            except UnicodeDecodeError:
                self._undecodable = True
                yield raw.decode("latin-1")

    def _header(self) -> list[str]:
        try:
            names = next(self._rows)
        except StopIteration:
            raise FileInvalid("is empty", "a header and rows") from None
        except csv.Error as error:
            raise FileInvalid(*_quoting(error), line=1) from None
        if self._undecodable:
            raise FileInvalid(f"is not {self._encoding}", "a header in the encoding that the mapping names", line=1)
        return [name.removeprefix("\ufeff").removeprefix("ï»¿").strip() for name in names]


def _columns(
    header: Sequence[str], sources: Sequence[str], optional: Collection[str], ignored: Collection[str]
) -> tuple[Callable[[list[str]], list[str]], tuple[str, ...]]:
    """How to take the sources' texts from a row, and the columns that nobody named."""
    known = {folded(name): name for name in (*sources, *ignored)}
    at: dict[str, int] = {}
    for index, name in enumerate(header):
        source = known.get(folded(name))
        if source is not None and source in at and source in sources:
            raise FileInvalid("stands twice in the header", "each column once", line=1, column=source)
        if source is not None:
            at.setdefault(source, index)
    missing = [source for source in sources if source not in at and source not in optional]
    if missing:
        named = ", ".join(f"`{name}`" for name in missing)
        raise FileInvalid(f"has no column {named}", "the columns that the mapping reads", line=1, column=missing[0])
    unknown = tuple(name for name in header if folded(name) not in known)
    absent = len(header)  # one empty text is put behind each row for what the file lacks
    places = [at.get(source, absent) for source in sources]
    pick: Any = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)

    def take(row: list[str]) -> list[str]:
        row.append("")
        return list(map(str.strip, pick(row)))

    return take, unknown


def _quoting(error: csv.Error) -> tuple[str, str]:
    if "field larger" in str(error) or "unexpected end" in str(error):
        return "has a quotation mark that is not closed", "two quotation marks around a text"
    return "is not well-formed CSV", 'texts with commas or quotation marks in "…", inner quotation marks doubled'


def csv_bytes(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as UTF-8 CSV, for reports."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
