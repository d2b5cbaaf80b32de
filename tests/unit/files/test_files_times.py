"""Days and times of suppliers' files."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.files.times import day_reader, form_problem, instant_reader
from connectors.files.values import Wrong


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%d/%m/%Y %H:%M", "14/09/2025 23:40", "2025-09-14T23:40:00+01:00"),
        ("%d/%m/%Y %H:%M", "4/1/2025 7:05", "2025-01-04T07:05:00+00:00"),
        ("%d-%b-%Y %H:%M:%S", "26-Oct-2025 01:30:00", "2025-10-26T01:30:00+01:00"),  # comes twice: the first is meant
        ("%d %B %Y", "30 March 2025", "2025-03-30T00:00:00+00:00"),  # the day that the clocks change
        ("%Y-%m-%dT%H:%M:%S%z", "2025-07-01T12:00:00Z", "2025-07-01T12:00:00+00:00"),
        ("%Y-%m-%dT%H:%M:%S%z", "2025-07-01T12:00:00-05:30", "2025-07-01T12:00:00-05:30"),
        ("%Y-%m-%dT%H:%M:%S.%f", "2025-12-01T00:00:00.25", "2025-12-01T00:00:00.250+00:00"),
    ],
)
def test_a_time_means_what_the_clock_on_the_wall_showed(form: str, text: str, expected: str) -> None:
    """Times without an offset are London's, summer and winter; a stated offset wins."""
    assert instant_reader((form,), "Europe/London")(text) == at(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30/03/2025 01:30", "is an hour that the clocks skip"),
        ("31/02/2025 10:00", "is a day that does not exist"),
        ("01/01/2025 24:00", "is a time of day that does not exist"),
        ("01/01/0025 10:00", "is in an impossible year"),
        ("2025-01-01 10:00", "is not a time of the form expected"),
    ],
)
def test_a_time_that_never_was_is_refused_without_being_repeated(text: str, message: str) -> None:
    """The problem says what would be right, and not what was given."""
    with pytest.raises(Wrong) as caught:
        instant_reader(("%d/%m/%Y %H:%M",), "Europe/London")(text)
    assert caught.value.message == message
    assert text not in str(caught.value)


def test_the_first_form_that_fits_counts() -> None:
    """Suppliers mix forms; a day is the same whichever it is written in."""
    read = day_reader(("%d/%m/%Y", "%Y-%m-%d"))
    assert read("01/02/2020") == read("2020-02-01") == 18_293


@pytest.mark.parametrize(
    ("form", "instant", "problem"),
    [
        ("%d/%m/%y", False, "`%y`"),
        ("%d/%m", False, "needs a day, a month and a year"),
        ("%d/%m/%Y %H:%M", False, "has a time of day"),
        ("%d/%d/%Y", False, "has a part twice"),
        ("%d/%m/%Y %H:%M", True, None),
        ("%d/%m/%Y", False, None),
    ],
)
def test_a_form_that_cannot_be_meant_is_a_problem_of_the_mapping(form: str, instant: bool, problem: str | None) -> None:
    """Two-digit years make a grandmother of a baby; a day has no time."""
    found = form_problem(form, instant=instant)
    assert found is None if problem is None else problem in (found or "")
