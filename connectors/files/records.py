"""Records of a file as every reader gives them: the texts that the mapping asks for, and the bytes they came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

MAX_RECORD_BYTES = 1 << 20  # the exchange takes 256 KiB encoded; a file is wordier
MAX_WHOLE_FILE_BYTES = 64 << 20  # of formats that are read as a whole: XML and a JSON array


class Position(NamedTuple):
    """Where the next record starts: offset in bytes, line from 1, and how many records come before it."""

    offset: int
    line: int
    records: int


class Row(NamedTuple):
    """One record. `texts` are in the order of the mapping's sources, without white space around them."""

    number: int  # from 1
    line: int
    raw: bytes
    texts: list[str]


class Unreadable(NamedTuple):
    """A record that cannot be taken apart. Its bytes are kept."""

    number: int
    line: int
    raw: bytes
    message: str
    expected: str


class FileInvalid(Exception):  # noqa: N818 - it names what is the matter, as `EventInvalid` does
    """No record of the file can be read. `line` is where it is wrong, 0 when it is no line's fault."""

    def __init__(self, message: str, expected: str, *, line: int = 0, column: str = "") -> None:
        self.message, self.expected, self.line, self.column = message, expected, line, column
        super().__init__(f"{message}: {expected}")


class Reader(Protocol):
    """Reads one file once. Raises FileInvalid when made, or from `records`, when the file as a whole cannot be read."""

    @property
    def head(self) -> bytes:
        """What stands before the first record: with it, records and `tail` make a file that can be read again."""

    @property
    def tail(self) -> bytes: ...

    @property
    def between(self) -> bytes:
        """What must stand between two records."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns that the file has and the mapping does not name."""

    @property
    def position(self) -> Position:
        """After the record given last."""

    def records(self) -> Iterator[Row | Unreadable]: ...
