"""Days, instants and bytes between their wire values and their JSON text.

Readers take (value, path, problems), add what is wrong and return the wire value; writers take (value, path).
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas.dates import date_of_days, days_of_date
from schemas.errors import EventInvalid, FieldProblem
from schemas.shape import mismatch
from schemas.vocabulary import RejectReason

Problems = list[FieldProblem]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_RIGHT_DAY = "a day such as `2026-10-01`"
_RIGHT_INSTANT = "an instant with its zone such as `2026-10-01T08:30:00.000Z`"


def write_day(days: int, path: str) -> str:
    """Days since the epoch as `2026-10-01`. Raises `EventInvalid` beyond the years 1 to 9999."""
    try:
        return date_of_days(days).isoformat()
    except (ValueError, OverflowError):
        raise beyond_calendar(path) from None


def write_instant(millis: int, path: str) -> str:
    """Milliseconds since the epoch as `2026-10-01T08:30:00.000Z`. Raises `EventInvalid` beyond years 1 to 9999."""
    try:
        at = _EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        raise beyond_calendar(path) from None
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def read_day(value: Any, path: str, problems: Problems) -> int | None:
    """A day's text as days since the epoch."""
    if not isinstance(value, str):
        problems.append(mismatch(path, value, _RIGHT_DAY))
    elif not _DAY.fullmatch(value):
        problems.append(_time(path, "is not a day", _RIGHT_DAY))
    else:
        try:
            return days_of_date(date.fromisoformat(value))
        except ValueError:
            problems.append(_time(path, "is a day that does not exist", _RIGHT_DAY))
    return None


def read_instant(value: Any, path: str, problems: Problems) -> int | None:
    """An instant's text, in any zone that it states, as milliseconds since the epoch."""
    if not isinstance(value, str):
        problems.append(mismatch(path, value, _RIGHT_INSTANT))
    elif not _INSTANT.fullmatch(value):
        problems.append(_time(path, "is not an instant with its zone", _RIGHT_INSTANT))
    else:
        try:
            return (datetime.fromisoformat(value).astimezone(UTC) - _EPOCH) // _MILLISECOND
        except (ValueError, OverflowError):
            problems.append(_time(path, "is an instant that does not exist", _RIGHT_INSTANT))
    return None


def write_bytes(value: bytes, path: str) -> str:
    """Bytes as Base64."""
    del path
    return base64.b64encode(value).decode("ascii")


def read_bytes(value: Any, path: str, problems: Problems) -> bytes | None:
    """Base64 as bytes."""
    if not isinstance(value, str):
        problems.append(mismatch(path, value, "Base64 text"))
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        problems.append(FieldProblem(path, RejectReason.TYPE_MISMATCH, "is not Base64", "Base64 text"))
        return None


def _time(path: str, message: str, expected: str) -> FieldProblem:
    return FieldProblem(path, RejectReason.TIME, message, expected)


def beyond_calendar(path: str) -> EventInvalid:
    """A time that no calendar has."""
    return EventInvalid([_time(path, "is beyond the calendar", "a time in the years 1 to 9999")])
