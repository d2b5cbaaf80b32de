"""The checker's working memory: one compact row an audit record, an audited delivery and a ledger position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from schemas.limits import kept_headers, kept_key, kept_value
from streams.ledger.compact import Names, Table, digest64, packed, unpacked
from streams.ledger.reconcile_view import Headers, Place, Report, View

T = TypeVar("T")
_PROGRESS_EVERY = 10_000

DISPOSITIONS = ("DECIDED", "UNROUTED", "HELD", "REJECTED", "REPEATED")
NONE = (1 << 64) - 1

# Columns of `Books.audits`, whose key is the source position.
AUDIT, KIND, FLAGS, FIRST, VALUE, WHOLE, WAITERS, COPIES = range(8)
# Bits of FLAGS; the number of deliveries is above them.
SETTLED, IN_OUTBOX, SOME_HELD = 1, 2, 4
DELIVERIES_SHIFT = 8
# Columns of `Books.deliveries`, whose key is a digest of the delivery id.
SOURCE, RECIPIENT, TOPIC, DEMANDED, FOUND = range(5)
MAYBE, DUE, OLD = range(3)  # DEMANDED: may not be visible yet; must be there; retention may have taken it
# Columns of `Books.rows`, whose key is the audit position.
EVENT, OUTCOMES, OUTCOME_COUNT, EVENT_FOUND, OUTCOMES_FOUND, OUTCOME_COUNT_FOUND = range(6)


class Books:
    """Filled from the audits, then ticked off against everything else."""

    def __init__(self, view: View, report: Report, progress: Callable[[str, int], object]) -> None:
        self.view = view
        self.report = report
        self._progress = progress
        self.names = Names()  # places, agencies, topics
        self.audits = Table(8)
        self.deliveries = Table(5)
        self.rows = Table(6)
        self.points: dict[Place, int] = dict(view.passed)  # place -> offset after the audited point

    def read(self, what: str, items: Iterable[T]) -> Iterator[T]:
        """The same items, telling how many went by."""
        count = 0
        for count, item in enumerate(items, start=1):
            yield item
            if count % _PROGRESS_EVERY == 0:
                self._progress(what, count)
        self._progress(what, count)

    def digest(self, *parts: bytes) -> int:
        return digest64(self.view.salt, *parts)

    def key(self, topic: str, partition: int, offset: int) -> int:
        return packed(self.names.number(Place(topic, partition)), offset)

    def position(self, key: int) -> tuple[str, int, int]:
        """Topic, partition and offset of a key."""
        number, offset = unpacked(key)
        place = self.names.value(number)
        assert isinstance(place, Place)  # noqa: S101 - keys are made by `key` alone
        return place.topic, place.partition, offset

    def source_json(self, key: int) -> dict[str, object]:
        topic, partition, offset = self.position(key)
        return {"topic": topic, "partition": partition, "offset": offset}

    def whole_digest(self, key: bytes | None, value: bytes | None, headers: Headers) -> int:
        """Of everything that a kept record must have in common with the outbox record (`schemas.limits`)."""
        parts = [_told(kept_key(key)), _told(kept_value(value))]
        for name, content in kept_headers(headers):
            parts += [name.encode(), _told(content)]
        return self.digest(*parts)


def _told(value: bytes | None) -> bytes:
    """Tells null from empty."""
    return b"\0" if value is None else b"\1" + value
