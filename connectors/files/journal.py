"""What was published from files: which version of which record, and how far each file was read.

One SQLite file an agency, beside the exchange's other state and not in the drop folder, which may be a network share.
It holds keyed pseudonyms, digests and counts; nobody can read a child out of it. What a batch adds is one
transaction, made after the batch is durably published: after a crash the batch is published again, with the same
event ids and bytes, and the exchange recognises it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from connectors.errors import ChangeSettings, RetryLater
from connectors.files.records import Position

_WAIT_SECONDS = 30.0  # for another importer of the same agency
_TABLES = """
CREATE TABLE IF NOT EXISTS record (
    key BLOB PRIMARY KEY,        -- keyed pseudonym of the record, and the event type
    content BLOB NOT NULL,       -- digest of the texts that were read
    sequence INTEGER NOT NULL,   -- version published last, from 1
    recorded_at INTEGER NOT NULL -- when the supplier wrote that version, epoch milliseconds; 0 when it does not say
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
    id BLOB PRIMARY KEY,         -- digest of the file's bytes, the mapping and its version
    taken_at INTEGER NOT NULL,   -- `publishedAt` of all its events
    done INTEGER NOT NULL DEFAULT 0,
    offset INTEGER NOT NULL DEFAULT 0, line INTEGER NOT NULL DEFAULT 0, records INTEGER NOT NULL DEFAULT 0,
    published INTEGER NOT NULL DEFAULT 0, unchanged INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0,
    refused_bytes INTEGER NOT NULL DEFAULT 0, reason_bytes INTEGER NOT NULL DEFAULT 0,
    report_bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""
_FILE = (
    "SELECT taken_at, done, offset, line, records, published, unchanged, skipped, refused, "
    "refused_bytes, reason_bytes, report_bytes FROM file WHERE id = ?"
)
_ADVANCE = (
    "UPDATE file SET done = ?, offset = ?, line = ?, records = ?, published = ?, unchanged = ?, skipped = ?, "
    "refused = ?, refused_bytes = ?, reason_bytes = ?, report_bytes = ? WHERE id = ?"
)


class Version(NamedTuple):
    """What was published last of a record."""

    content: bytes
    sequence: int
    recorded_at: int


class Counts(NamedTuple):
    """What became of the records of a file."""

    published: int = 0
    unchanged: int = 0  # this version of the record was published before
    skipped: int = 0  # deliberately no event
    refused: int = 0  # in quarantine

    def plus(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def records(self) -> int:
        return sum(self)


class Written(NamedTuple):
    """How long the files beside the import were when this was noted; what is beyond is a dead batch's."""

    refused: int = 0
    reasons: int = 0
    report: int = 0


class Progress(NamedTuple):
    """How far a file was read. `position` None: not begun."""

    taken_at: int
    done: bool
    position: Position | None
    counts: Counts
    written: Written


class Journal:
    """Not for several threads. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises ChangeSettings when the file is no journal or cannot be written."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        try:
            self._db = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            # A power cut after a commit must not lose it: the next batch would get a version number twice.
            self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + _TABLES)
        except sqlite3.Error as error:
            raise ChangeSettings(f"`{path}` cannot be used as a journal of files ({error})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def versions(self, keys: Iterable[bytes]) -> dict[bytes, Version]:
        """What was published last of those records that were published."""
        execute = self._db.execute
        query = "SELECT content, sequence, recorded_at FROM record WHERE key = ?"
        found = {}
        for key in keys:
            row = execute(query, (key,)).fetchone()
            if row is not None:
                found[key] = Version(*row)
        return found

    def progress(self, file: bytes) -> Progress | None:
        """How far a file was read; None for one never seen."""
        row = self._db.execute(_FILE, (file,)).fetchone()
        if row is None:
            return None
        taken_at, done, offset, line, records, *rest = row
        position = Position(offset, line, records) if line else None
        return Progress(taken_at, bool(done), position, Counts(*rest[:4]), Written(*rest[4:]))

    def begin(self, file: bytes, taken_at: int) -> Progress:
        """Note a file, once and for ever with that moment; how far it was read already."""
        self._do("INSERT INTO file (id, taken_at) VALUES (?, ?) ON CONFLICT DO NOTHING", (file, taken_at))
        progress = self.progress(file)
        assert progress is not None  # noqa: S101 - it has just been noted
        return progress

    def advance(
        self,
        file: bytes,
        versions: Mapping[bytes, Version],
        position: Position,
        counts: Counts,
        written: Written,
        *,
        done: bool = False,
    ) -> None:
        """One batch is published: its versions and how far the file is read, all or nothing. Raises RetryLater."""
        rows = [(key, *version) for key, version in versions.items()]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", rows)
            self._db.execute(_ADVANCE, (done, *position, *counts, *written, file))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise RetryLater(f"the journal of files cannot be written ({error})") from None

    def forget(self, file: bytes) -> None:
        """Read this file anew from its start; versions of records stay."""
        self._do("DELETE FROM file WHERE id = ?", (file,))

    def _do(self, statement: str, values: tuple[object, ...]) -> None:
        try:
            self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise RetryLater(f"the journal of files cannot be written ({error})") from None
