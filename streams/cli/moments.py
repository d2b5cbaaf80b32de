"""Times as people write them: a day, an instant with its offset, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from streams.cli.runtime import BadUsage

_AGO = re.compile(r"([1-9][0-9]{0,5})([mhdw])", re.ASCII)
_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def moment(text: str, option: str) -> int:
    """Milliseconds since the epoch of an ISO 8601 instant with its offset, or of the beginning (UTC) of a day.

    Raises BadUsage that names `option`.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadUsage(
            f"{option} `{text}` is neither a day such as 2026-10-05 nor an instant such as 2026-10-05T18:00:00Z"
        ) from None
    if _DAY.fullmatch(text):
        at = at.replace(tzinfo=UTC)
    if at.tzinfo is None:
        raise BadUsage(f"{option} `{text}` lacks its offset from UTC: write 2026-10-05T18:00:00Z")
    return round(at.timestamp() * 1000)


def moment_or_ago(text: str, option: str, now: int) -> int:
    """As `moment`; `90m`, `24h`, `7d` or `4w` is so long before `now` (milliseconds)."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _MS[ago[2]]
    if text[:1].isdigit() and text[-1:].isalpha() and not text.endswith("Z"):
        raise BadUsage(f"{option} `{text}` is no length of time: write 90m, 24h, 7d or 4w, or a day such as 2026-10-05")
    return moment(text, option)
