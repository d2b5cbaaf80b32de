"""Days and instants in the forms that suppliers write them in, turned into the contract's numbers.

A form is written as `strptime` knows it, from a closed set of directives. Forms are compiled once: `strptime` itself
takes ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from connectors.files.values import Convert, Memo, Wrong
from schemas.dates import MILLIS_PER_DAY, days_of_date

Zone = Literal["Europe/London", "UTC"]  # both change their clocks on the hour, which the memory below relies on

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DIRECTIVES = {
    "%d": r"(?P<d>[0-9]{1,2})",
    "%m": r"(?P<m>[0-9]{1,2})",
    "%b": r"(?P<b>[A-Za-z]{3})",
    "%B": r"(?P<b>[A-Za-z]{3,9})",
    "%Y": r"(?P<Y>[0-9]{4})",
    "%H": r"(?P<H>[0-9]{1,2})",
    "%M": r"(?P<M>[0-9]{2})",
    "%S": r"(?P<S>[0-9]{2})",
    "%f": r"(?P<f>[0-9]{1,6})",
    "%z": r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
    "%%": "%",
}
_DAY_PARTS = frozenset("dmbY")
_SAMPLE = datetime(2026, 12, 31, 23, 45, 30, tzinfo=UTC)


def form_problem(form: str, *, instant: bool) -> str | None:
    """What is wrong with a form, None when nothing is. `%y` is refused: it makes a grandmother of a baby."""
    unknown = [found for found in re.findall(r"%.?", form) if found not in _DIRECTIVES]
    if unknown:
        return f"`{unknown[0]}` is not known here: use {', '.join(_DIRECTIVES)}"
    named = re.findall(r"\(\?P<(.)>", _pattern(form))
    if len(set(named)) != len(named):
        return "has a part twice"
    if not {"d", "Y"} <= set(named) or not {"m", "b"} & set(named):
        return "needs a day, a month and a year of four digits, such as `%d/%m/%Y`"
    if not instant and set(named) - _DAY_PARTS:
        return "has a time of day: a day has none, such as `%d/%m/%Y`"
    return None


def day_reader(forms: Sequence[str]) -> Convert:
    """Texts of one of the forms as days since 1970-01-01."""
    patterns = [re.compile(_pattern(form)) for form in forms]
    expected = "a day such as " + " or ".join(f"`{_SAMPLE.strftime(form)}`" for form in forms)

    def convert(text: str) -> int:
        for pattern in patterns:
            if match := pattern.fullmatch(text):
                return days_of_date(_date(match, expected))
        raise Wrong("is not a day of the form expected", expected)

    return convert


def instant_reader(forms: Sequence[str], zone: Zone) -> Convert:
    """Texts of one of the forms as milliseconds since the epoch; without a time of day, the start of the day.

    Without an offset in the text the clock is `zone`'s. An hour that clocks skip is refused; of an hour that comes
    twice the first is meant.
    """
    patterns = [re.compile(_pattern(form)) for form in forms]
    expected = "a time such as " + " or ".join(f"`{_SAMPLE.strftime(form)}`" for form in forms)
    offsets = Memo(_offset_in(ZoneInfo(zone)))

    def convert(text: str) -> int:
        for pattern in patterns:
            if match := pattern.fullmatch(text):
                return _instant(match, offsets, expected)
        raise Wrong("is not a time of the form expected", expected)

    return convert


def _instant(match: re.Match[str], offsets: Memo, expected: str) -> int:
    parts = match.groupdict()
    days = days_of_date(_date(match, expected))
    hour, minute, second = (int(parts.get(name) or 0) for name in "HMS")
    if hour > 23 or minute > 59 or second > 59:
        raise Wrong("is a time of day that does not exist", expected)
    fraction = int((parts.get("f") or "0").ljust(6, "0")[:3])
    millis = days * MILLIS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 1_000 + fraction
    zone = parts.get("z")
    offset = offsets[days, hour] if zone is None else _stated(zone)
    if offset is None:
        raise Wrong("is an hour that the clocks skip", "a time that the clock on the wall showed")
    return millis - int(offset)


def _stated(zone: str) -> int:
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return (-minutes if zone[0] == "-" else minutes) * 60_000


def _offset_in(zone: ZoneInfo) -> Convert:
    """Milliseconds ahead of UTC at an hour, given as (days since the epoch, hour); None when clocks skip it."""

    def offset(key: tuple[int, int]) -> int | None:
        moment = datetime.fromtimestamp(key[0] * 86_400 + key[1] * 3_600, UTC).replace(tzinfo=zone)
        ahead = moment.utcoffset()
        assert ahead is not None  # noqa: S101 - a zone always has one
        back = moment.astimezone(UTC).astimezone(zone)
        return None if back.replace(tzinfo=None) != moment.replace(tzinfo=None) else int(ahead.total_seconds()) * 1_000

    return offset  # type: ignore[return-value]  # a Convert of pairs


def _date(match: re.Match[str], expected: str) -> date:
    parts = match.groupdict()
    month = parts.get("m")
    if month is None:
        name = parts["b"][:3].lower()
        if name not in _MONTHS:
            raise Wrong("has a month that does not exist", expected)
        month = str(_MONTHS.index(name) + 1)
    try:
        return date(int(parts["Y"]), int(month), int(parts["d"]))
    except ValueError:
        raise Wrong("is a day that does not exist", expected) from None


def _pattern(form: str) -> str:
    pieces = re.split(r"(%.)", form)
    return "".join(_DIRECTIVES.get(piece) or re.escape(piece) for piece in pieces)
