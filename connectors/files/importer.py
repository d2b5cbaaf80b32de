"""One file imported: read, decided, published and noted, batch by batch.

The order is what makes it safe to be killed at any moment: a batch is durably published first, then what it wrote
beside is made durable, then the journal notes all of it in one transaction. Whatever was not noted is done again with
the same event ids and the same bytes, which the exchange recognises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from connectors.files.journal import Counts, Journal, Progress, Version
from connectors.files.outputs import Outputs
from connectors.files.prepare import Batch, Preparer, Ready
from connectors.files.records import Reader, Row, Unreadable
from connectors.files.values import ColumnProblem

BATCH_RECORDS = 4_000


Refusals = Mapping[str, tuple[ColumnProblem, ...]]  # event id -> what the door says is wrong with it


class Sink(Protocol):
    """Where events go: a door of the exchange."""

    def publish(self, events: Sequence[Ready], /) -> Refusals:
        """Returns when all are durable, in order for each source record, but for those that the door itself refused.

        Raises `ConnectorFailure`; publishing the same events again is safe.
        """
        ...


Tell = Callable[[Counts, int], None]  # counts until now, bytes read


@dataclass(frozen=True, kw_only=True)
class Import:
    """Imports one file."""

    preparer: Preparer
    journal: Journal
    sink: Sink

    def run(
        self,
        file: bytes,
        reader: Reader,
        outputs: Outputs,
        progress: Progress,
        *,
        tell: Tell = lambda counts, offset: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Counts | None:
        """Import what is left of a file; everything that became of it. None when told to stop: it can be resumed.

        Raises ConnectorFailure when the door fails and FileInvalid when the file does; both leave it resumable.
        """
        counts = progress.counts
        for records in batches(reader):
            if stopped():
                return None
            batch = self.preparer.batch(records, self.journal.versions, {})
            batch = batch.without(self.sink.publish(batch.events))
            outputs.add(batch)
            counts = counts.plus(batch.counts)
            self.journal.advance(file, batch.versions, reader.position, counts, outputs.flush())
            tell(counts, reader.position.offset)
        outputs.finish()
        self.journal.advance(file, {}, reader.position, counts, outputs.flush(), done=True)
        return counts


def rehearsed(
    preparer: Preparer, reader: Reader, versions: Callable[[Sequence[bytes]], Mapping[bytes, Version]]
) -> Iterator[Batch]:
    """What an import would do, batch by batch; nothing is published or noted."""
    held: dict[bytes, Version] = {}
    for records in batches(reader):
        batch = preparer.batch(records, versions, held)
        held.update(batch.versions)
        yield batch


def batches(reader: Reader) -> Iterator[list[Row | Unreadable]]:
    """The records of a file, some at a time. The reader's position is then after the batch."""
    records = reader.records()
    while batch := list(islice(records, BATCH_RECORDS)):
        yield batch
