"""Times of examples: relative to the moment the example is made, or Python dates as YAML gives them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas.json_values import beyond_calendar, write_day, write_instant

RELATIVE = re.compile(r"now(?:([+-])([0-9]{1,4})([mhdwy]))?")
TIMES = frozenset({"date", "timestamp-millis"})  # logical types
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def time_text(value: Any, logical: str | None, now_ms: int) -> Any:
    """Python dates and relative times as the ISO text of a time field; anything else as it is."""
    if logical not in TIMES:
        return value
    if isinstance(value, datetime):
        at = value if value.tzinfo else value.replace(tzinfo=UTC)
        return at.date().isoformat() if logical == "date" else write_instant((at - _EPOCH) // _MILLISECOND, "")
    if isinstance(value, date):
        return value.isoformat() + ("" if logical == "date" else "T00:00:00Z")
    match = RELATIVE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    try:
        wire = _instant(now_ms, match[1] or "+", int(match[2] or 0), match[3] or "m", logical)
    except (ValueError, OverflowError):
        raise beyond_calendar("") from None
    return write_day(wire, "") if logical == "date" else write_instant(wire, "")


def _instant(now_ms: int, sign: str, count: int, unit: str, logical: str) -> int:
    """A shifted moment as days or milliseconds since the epoch."""
    now = _EPOCH + timedelta(milliseconds=now_ms)
    steps = count if sign == "+" else -count
    if unit == "y":
        leap_day = now.month == 2 and now.day == 29
        at = now.replace(year=now.year + steps, day=28 if leap_day else now.day)
    else:
        at = now + timedelta(**{_UNITS[unit]: steps})
    return (at - _EPOCH).days if logical == "date" else (at - _EPOCH) // _MILLISECOND
