"""Calendar arithmetic on the contract's wire values: days and milliseconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

MILLIS_PER_DAY = 86_400_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def date_of_days(days: int) -> date:
    """Avro `date` (days since the epoch) as a date. Raises `ValueError` outside years 1 to 9999."""
    return date.fromordinal(days + _EPOCH_ORDINAL)


def days_of_date(day: date) -> int:
    """A date as Avro `date`."""
    return day.toordinal() - _EPOCH_ORDINAL


def completed_years(birth_days: int, at_millis: int) -> int:
    """Whole years of age at an instant; negative before birth."""
    born, at = date_of_days(birth_days), date_of_days(at_millis // MILLIS_PER_DAY)
    return at.year - born.year - ((at.month, at.day) < (born.month, born.day))


def iso_instant(millis: int) -> str:
    """RFC 3339 in UTC with milliseconds, e.g. `2026-10-01T08:30:00.000Z`, as CloudEvents wants times.

    Raises `ValueError` beyond years 1 to 9999.
    """
    day, rest = divmod(millis, MILLIS_PER_DAY)
    minute, rest = divmod(rest, 60_000)
    second, milli = divmod(rest, 1_000)
    return f"{_iso_day(day)}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}.{milli:03d}Z"


@lru_cache(10_000)
def _iso_day(days: int) -> str:
    return date_of_days(days).isoformat()
