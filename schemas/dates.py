"""Calendar arithmetic on the contract's wire values: days and milliseconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import date

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
