"""Days and instants in the forms that suppliers write them in, turned into the contract's numbers.

A form is written as `strptime` knows it, from a closed set of directives. Forms are compiled once: `strptime` itself
takes ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from connectors.files.values import Convert, Memo, Wrong
from schemas.dates import MILLIS_PER_DAY, date_of_days, days_of_date

Zone = Literal["Europe/London", "UTC"]  # both change their clocks on the hour, which is relied on below

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
_YEARS = (1900, 2100)  # as `schemas.field_rules`
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
    patterns = [(re.compile(_pattern(form)), _parts(form)[0]) for form in forms]
    expected = "a day such as " + " or ".join(f"`{_SAMPLE.strftime(form)}`" for form in forms)

    def convert(text: str) -> int:
        for pattern, days in patterns:
            if match := pattern.fullmatch(text):
                return days_of_date(_date(*match.group(*days), expected=expected))
        raise Wrong("is not a day of the form expected", expected)

    return convert


def instant_reader(forms: Sequence[str], zone: Zone) -> Convert:
    """Texts of one of the forms as milliseconds since the epoch; without a time of day, the start of the day.

    Without an offset in the text the clock is `zone`'s. An hour that clocks skip is refused; of an hour that comes
    twice the first is meant.
    """
    expected = "a time such as " + " or ".join(f"`{_SAMPLE.strftime(form)}`" for form in forms)
    midnights = Memo(_midnight_in(ZoneInfo(zone), expected))
    patterns = [(re.compile(_pattern(form)), _parts(form)) for form in forms]

    def convert(text: str) -> int:
        for pattern, (days, times) in patterns:
            if match := pattern.fullmatch(text):
                return _instant(match, midnights[match.group(*days)], times, expected)
        raise Wrong("is not a time of the form expected", expected)

    return convert


class _Day(NamedTuple):
    """A day of a zone: when it begins in UTC if its clocks do not change, and where they do what each hour is ahead."""

    utc: int  # milliseconds since the epoch of its midnight, the offset not counted
    ahead: int | None  # milliseconds, when the same all day
    hours: tuple[int | None, ...]  # of each hour otherwise; None for one that clocks skip


def _parts(form: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of a form's groups: of the day (year, month, day) and of the time of day."""
    named = re.findall(r"\(\?P<(.)>", _pattern(form))
    month = "b" if "b" in named else "m"
    return ("Y", month, "d"), tuple(name for name in "HMSfz" if name in named)


def _instant(match: re.Match[str], day: _Day, times: tuple[str, ...], expected: str) -> int:
    hour = minute = second = fraction = 0
    zone = None
    for name in times:
        found = match[name]
        if name == "H":
            hour = int(found)
        elif name == "M":
            minute = int(found)
        elif name == "S":
            second = int(found)
        elif name == "f":
            fraction = int(found.ljust(6, "0")[:3])
        else:
            zone = found
    if hour > 23 or minute > 59 or second > 59:
        raise Wrong("is a time of day that does not exist", expected)
    millis = day.utc + ((hour * 60 + minute) * 60 + second) * 1_000 + fraction
    if zone is not None:
        return millis - _stated(zone)
    ahead = day.ahead if day.ahead is not None else day.hours[hour]
    if ahead is None:
        raise Wrong("is an hour that the clocks skip", "a time that the clock on the wall showed")
    return millis - ahead


def _midnight_in(zone: ZoneInfo, expected: str) -> Callable[[tuple[str, str, str]], _Day]:
    """A day given as the texts of year, month and day."""

    def day(parts: tuple[str, str, str]) -> _Day:
        days = days_of_date(_date(*parts, expected=expected))
        hours = tuple(_ahead(zone, days, hour) for hour in range(24))
        return _Day(days * MILLIS_PER_DAY, hours[0] if len(set(hours)) == 1 else None, hours)

    return day


def _ahead(zone: ZoneInfo, days: int, hour: int) -> int | None:
    """Milliseconds that a zone's clocks are ahead of UTC at an hour; None when they skip it."""
    moment = datetime.combine(date_of_days(days), time(hour), zone)
    back = moment.astimezone(UTC).astimezone(zone)
    if back.replace(tzinfo=None) != moment.replace(tzinfo=None):
        return None
    offset = moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) * 1_000


def _stated(zone: str) -> int:
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return (-minutes if zone[0] == "-" else minutes) * 60_000


def _date(year: str, month: str, day: str, *, expected: str) -> date:
    if not month.isdigit():
        name = month[:3].lower()
        if name not in _MONTHS:
            raise Wrong("has a month that does not exist", expected)
        month = str(_MONTHS.index(name) + 1)
    if not _YEARS[0] <= int(year) <= _YEARS[1]:
        raise Wrong("is in an impossible year", expected)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise Wrong("is a day that does not exist", expected) from None


def _pattern(form: str) -> str:
    pieces = re.split(r"(%.)", form)
    return "".join(_DIRECTIVES.get(piece) or re.escape(piece) for piece in pieces)
