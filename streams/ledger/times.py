"""Instants as PostgreSQL's binary form counts them, and the months that the ledger's tables are divided by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

# PostgreSQL counts microseconds from 2000-01-01 UTC, everyone else milliseconds from 1970-01-01 UTC.
_PG_EPOCH_MS = 946_684_800_000
_EARLIEST_MS = _PG_EPOCH_MS
_LATEST_MS = 7_258_118_400_000  # 2200-01-01: beyond it a time is a fault, and would make a partition of its own
_PG_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Month(NamedTuple):
    """A calendar month, UTC."""

    year: int
    month: int

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def next(self) -> Month:
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}_{self.month:02d}"


def in_range(millis: int) -> bool:
    """Whether an instant lies in the years 2000 to 2199."""
    return _EARLIEST_MS <= millis < _LATEST_MS


def pg_micros(millis: int) -> int:
    """Milliseconds since 1970 as PostgreSQL's binary timestamptz."""
    return (millis - _PG_EPOCH_MS) * 1000


def millis_of(micros: int) -> int:
    """PostgreSQL's binary timestamptz as milliseconds since 1970."""
    return micros // 1000 + _PG_EPOCH_MS


def month_of(micros: int) -> Month:
    """The month of a PostgreSQL timestamp, microseconds since 2000."""
    at = _PG_EPOCH + timedelta(microseconds=micros)
    return Month(at.year, at.month)


def iso(at: datetime | None) -> str | None:
    """`2026-10-01T08:30:00.000Z`, as the contract's JSON form writes instants."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_of_millis(millis: int | None) -> str | None:
    """As `iso`, from milliseconds since 1970. Out of range values are None."""
    if millis is None or not in_range(millis):
        return None
    return iso(datetime.fromtimestamp(millis / 1000, tz=UTC))


def millis_of_iso(text: str | None) -> int | None:
    """Milliseconds since 1970 of what `iso` wrote."""
    return None if text is None else round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
