"""Instants and days as people in England say and type them. Milliseconds since the epoch in, London words out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_DAY_MS = 86_400_000


@cache
def london() -> ZoneInfo:
    """The zone of every time on a page."""
    return ZoneInfo("Europe/London")


def local(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, tz=london())


def clock_words(at: datetime) -> str:
    """`3pm`, `9:05am`, `midday`, `midnight` (GOV.UK style)."""
    if (at.hour, at.minute) in ((0, 0), (12, 0)):
        return "midday" if at.hour else "midnight"
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes}{'pm' if at.hour >= 12 else 'am'}"


def day_words(day: date) -> str:
    """`24 November 2026`."""
    return f"{day.day} {day:%B %Y}"


def instant_words(millis: int) -> str:
    """`Tuesday 24 November 2026 at 3:15pm`."""
    at = local(millis)
    return f"{at:%A} {day_words(at)} at {clock_words(at)}"


def near_words(millis: int, now: int) -> str:
    """The same, with `today`, `tomorrow`, `yesterday` or the weekday alone when the day is near."""
    at, today = local(millis), local(now).date()
    days = (at.date() - today).days
    named = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(days)
    if named is None:
        named = f"{at:%A}" if 1 < days < 7 else f"{at:%A} {at.day} {at:%B}"
    return f"{named} at {clock_words(at)}"


def due_words(ack_by: int | None, now: int) -> str:
    """When an answer is due: `by today at 3pm`, `was due yesterday at 3pm`; empty when none is asked for."""
    if ack_by is None:
        return ""
    return f"{'was due' if ack_by < now else 'by'} {end_words(ack_by, now)}"


def end_words(millis: int, now: int) -> str:
    """An instant at which time is up: a midnight is the end of the day before it."""
    at = local(millis)
    if (at.hour, at.minute) != (0, 0):
        return near_words(millis, now)
    return "the end of " + near_words(millis - 60_000, now).rsplit(" at ", 1)[0]


def iso_of(at: datetime) -> str:
    """An instant in the JSON form of events."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def iso_at(millis: int) -> str:
    return iso_of(datetime.fromtimestamp(millis / 1000, tz=UTC))


def from_local(day: date, hour: int, minute: int) -> datetime:
    """An instant from London's clock. An hour that the clocks skip is taken as the one after it."""
    at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=london())
    return at.astimezone(UTC).astimezone(london())


def spoken_iso(text: str) -> str:
    """A day or instant of an event's JSON form in words; the text as it is when it is neither."""
    try:
        if "T" not in text:
            return day_words(date.fromisoformat(text))
        return instant_words(round(datetime.fromisoformat(text).timestamp() * 1000))
    except (ValueError, OverflowError):
        return text


def age_words(born: str, now: int) -> str:
    """`9 years old`, `4 months old`; empty when the text is no day that has come."""
    try:
        day = date.fromisoformat(born)
    except ValueError:
        return ""
    today = local(now).date()
    months = (today.year - day.year) * 12 + today.month - day.month - (today.day < day.day)
    if months < 0:
        return ""
    if months >= 24:
        return f"{months // 12} years old"
    if months >= 2:
        return f"{months} months old"
    weeks = (today - day) // timedelta(weeks=1)
    return f"{weeks} {'week' if weeks == 1 else 'weeks'} old"


def in_days(now: int, days: int) -> date:
    """London's day `days` from now."""
    return local(now + days * _DAY_MS).date()
