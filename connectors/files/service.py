"""Takes one file in, from opening it to the last line of its report; for a drop folder and for a file given by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from connectors.files.folder import alone
from connectors.files.importer import Import, Sink, Tell, rehearsed
from connectors.files.journal import Counts, Journal, Progress, Version, Written
from connectors.files.mapping import FileAgency, SupplierMapping
from connectors.files.open_file import open_reader
from connectors.files.outputs import OutputPaths, Outputs
from connectors.files.prepare import Batch, Check, Preparer, Vouch
from connectors.files.program import Program
from connectors.files.records import Reader
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventTypes

JOURNAL, LOCK = "journal.db", "lock"


class Checks(NamedTuple):
    """What the exchange will say of an event that arrives at a moment."""

    vouch: Vouch
    check: Check


class Taken(NamedTuple):
    """What became of a file. `counts` None: told to stop before its end."""

    counts: Counts | None
    unknown: tuple[str, ...]  # columns that the mapping does not name
    before: bool = False  # this very file was imported before, without a record refused


@dataclass(frozen=True, kw_only=True)
class FileService:
    """Imports files of one agency by one mapping. `state` is the agency's folder for the journal and the lock."""

    mapping: SupplierMapping
    agency: FileAgency
    types: EventTypes
    pseudonymiser: Pseudonymiser
    checks: Callable[[int], Checks]  # for events received at a moment, epoch milliseconds
    state: Path

    def take(
        self,
        path: Path,
        outputs: OutputPaths,
        sink: Sink,
        *,
        now_ms: int,
        tell: Tell = lambda counts, offset: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Taken:
        """Import a file, or what is left of it.

        Raises FileInvalid when it cannot be read at all, ConnectorFailure when the door or the journal fails; the
        same call again goes on where it was.
        """
        with alone(self.state / LOCK), Journal(self.state / JOURNAL) as journal, path.open("rb") as file:
            identity = self._identity(file)
            progress = journal.begin(identity, now_ms)
            if progress.done and not progress.counts.refused:
                return Taken(progress.counts, (), before=True)
            if progress.done:  # refused records may be acceptable now: the rule set or the agency's entry changed
                journal.forget(identity)
                progress = journal.begin(identity, now_ms)
            reader, preparer = self._prepared(file, progress, now_ms)
            with Outputs(outputs, reader, progress.written) as written:
                job = Import(preparer=preparer, journal=journal, sink=sink)
                counts = job.run(identity, reader, written, progress, tell=tell, stopped=stopped)
            return Taken(counts, reader.unknown)

    def rehearse(self, path: Path, on_batch: Callable[[Batch, int], None], *, now_ms: int) -> Taken:
        """What importing the file would do; publishes and notes nothing. Raises FileInvalid."""
        journal_file = self.state / JOURNAL
        with path.open("rb") as file, ExitStack() as stack:
            reader, preparer = self._prepared(file, Progress(now_ms, False, None, Counts(), Written()), now_ms)
            known = stack.enter_context(Journal(journal_file)).versions if journal_file.exists() else _none_known
            counts = Counts()
            for batch in rehearsed(preparer, reader, known):
                counts = counts.plus(batch.counts)
                on_batch(batch, reader.position.offset)
            return Taken(counts, reader.unknown)

    def _prepared(self, file: BufferedReader, progress: Progress, now_ms: int) -> tuple[Reader, Preparer]:
        program = Program(self.mapping, self.agency, self.types, published_at=progress.taken_at)
        reader = open_reader(file, self.mapping, program.sources, start=progress.position)
        checks = self.checks(now_ms)
        preparer = Preparer(program=program, pseudonymiser=self.pseudonymiser, vouch=checks.vouch, check=checks.check)
        return reader, preparer

    def _identity(self, file: BufferedReader) -> bytes:
        """What makes it this file under this mapping; keyed, so that it tells nothing of the content."""
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
        return self.pseudonymiser.digest(digest + self.mapping.model_dump_json().encode() + self.agency.id.encode())


def _none_known(keys: Sequence[bytes]) -> Mapping[bytes, Version]:
    """The journal of an agency that never imported a file."""
    del keys
    return {}
