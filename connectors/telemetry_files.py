"""What the import of files says about itself: its part of `connectors.telemetry.Telemetry`. No name of a file, which
may be a child's."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from connectors import metrics_files as defined
from connectors.telemetry_base import Occurrences


class FileOccurrences(Occurrences):
    """One method an occurrence."""

    def file_imported(self, counts: Mapping[str, int], *, unknown_columns: int) -> None:
        """A file was read to its end; `counts` of its records by what became of them."""
        self._add(defined.FILES_IMPORTED, {("imported",): 1})
        self._add(defined.FILE_RECORDS, {(result,): count for result, count in counts.items() if count})
        self._set(defined.FILES_UNKNOWN_COLUMNS, unknown_columns)
        level = logging.WARNING if counts["refused"] or unknown_columns else logging.INFO
        self._say(level, "files.imported", unknownColumns=unknown_columns, **counts)

    def file_refused(self) -> None:
        """A whole file went into quarantine."""
        self._add(defined.FILES_IMPORTED, {("refused",): 1})
        self._say(logging.WARNING, "files.refused")

    def files_waiting(self, error: Exception) -> None:
        """The door failed; the file is gone on with after a pause."""
        self._add(defined.FILES_WAITING, {(type(error).__name__,): 1})
        self._say(logging.WARNING, "files.waiting", error=type(error).__name__)
