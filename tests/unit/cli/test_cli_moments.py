"""Times as people write them."""

from __future__ import annotations

import pytest

from streams.cli.moments import moment, moment_or_ago
from streams.cli.runtime import BadUsage

NOW = 1_791_000_000_000
DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", NOW - 90 * 60_000),
        ("24h", NOW - DAY),
        ("7d", NOW - 7 * DAY),
        ("4w", NOW - 28 * DAY),
        ("1970-01-03", 2 * DAY),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.250Z", 250),
    ],
)
def test_a_time_is_a_day_an_instant_or_how_long_ago(text: str, expected: int) -> None:
    """Days begin at midnight UTC."""
    assert moment_or_ago(text, "--since", NOW) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "--since `soon` is neither a day such as 2026-10-05 nor an instant"),
        ("7days", "--since `7days` is no length of time: write 90m, 24h, 7d or 4w"),
        ("0d", "is no length of time"),
        ("2026-10-05T18:00", "lacks its offset from UTC: write 2026-10-05T18:00:00Z"),
        ("2026-02-30", "is neither a day"),
        ("20261005", "lacks its offset"),
    ],
)
def test_anything_else_is_refused_with_what_would_be_right(text: str, said: str) -> None:
    """The option is named."""
    with pytest.raises(BadUsage, match=r"--since") as refused:
        moment_or_ago(text, "--since", NOW)
    assert said in str(refused.value)


def test_an_instant_to_decide_as_of_is_never_relative() -> None:
    """`--at 7d` could be meant either way."""
    with pytest.raises(BadUsage, match="neither a day"):
        moment("7d", "--at")
