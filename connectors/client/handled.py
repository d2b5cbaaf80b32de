"""Which deliveries this agency's software has answered, so that it is not given one twice.

Noted before the answer is sent: if the process dies in between, the delivery comes again, is not handed out, and the
answer that was noted is given. Delivery ids and outcome codes only; nobody can read a child out of it.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

from connectors.client.interface import AckOutcome
from connectors.errors import ChangeSettings, RetryLater

MOST = 100_000  # deliveries remembered; older ones were settled long ago
_WAIT_SECONDS = 10.0
_TABLE = "CREATE TABLE IF NOT EXISTS handled (seq INTEGER PRIMARY KEY, delivery TEXT NOT NULL UNIQUE, outcome TEXT)"
_FIND = "SELECT outcome FROM handled WHERE delivery = ?"
_NOTE = "INSERT INTO handled (delivery, outcome) VALUES (?, ?) ON CONFLICT (delivery) DO NOTHING"
_FORGET = "DELETE FROM handled WHERE seq <= (SELECT max(seq) FROM handled) - ?"


class Handled(Protocol):
    """Remembers at least the last so many."""

    def outcome(self, delivery_id: str, /) -> AckOutcome | None: ...
    def remember(self, delivery_id: str, outcome: AckOutcome, /) -> None: ...
    def close(self) -> None: ...


class InMemory:
    """For as long as the process lives."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._outcomes: OrderedDict[str, AckOutcome] = OrderedDict()

    def outcome(self, delivery_id: str) -> AckOutcome | None:
        return self._outcomes.get(delivery_id)

    def remember(self, delivery_id: str, outcome: AckOutcome) -> None:
        """The first answer stands."""
        self._outcomes.setdefault(delivery_id, outcome)
        while len(self._outcomes) > self._most:
            self._outcomes.popitem(last=False)

    def close(self) -> None:
        """Nothing to let go of."""


class OnDisk:
    """In a file (SQLite) on a local disk; on disk when `remember` returns. Several processes may share it."""

    def __init__(self, file: Path, most: int = MOST) -> None:
        """Raises ChangeSettings when the file is no such file, or cannot be written."""
        self._most, self._file = most, file
        with self._failures():
            self._connection = sqlite3.connect(file, timeout=_WAIT_SECONDS, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(_TABLE)

    def outcome(self, delivery_id: str) -> AckOutcome | None:
        with self._failures():
            row = self._connection.execute(_FIND, (delivery_id,)).fetchone()
        return None if row is None else cast(AckOutcome, row[0])

    def remember(self, delivery_id: str, outcome: AckOutcome) -> None:
        """The first answer stands. Raises RetryLater when another process holds the file."""
        with self._failures():
            self._connection.execute(_NOTE, (delivery_id, outcome))
            self._connection.execute(_FORGET, (self._most,))

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise RetryLater(f"`{self._file}` is in use by another process") from error
            raise ChangeSettings(f"`{self._file}` cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise ChangeSettings(f"`{self._file}` is not a file of handled deliveries: {error}") from error
