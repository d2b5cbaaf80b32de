"""Who is silent, and when that may be said."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from streams.followup.faust.silence import Watched, due_after, frontier_of, silences, watch_key
from streams.policy.calendar_days import Calendar
from streams.policy.follow_up import RhythmModel

LONDON = ZoneInfo("Europe/London")
# Autumn 2026: half term 26 to 30 October, clocks go back on 25 October; Christmas Day is a Friday.
CALENDAR = Calendar(
    bank_holidays=frozenset({date(2026, 12, 25), date(2026, 12, 28)}),
    terms=((date(2026, 9, 3), date(2026, 10, 23)), (date(2026, 11, 2), date(2026, 12, 18))),
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=LONDON).timestamp() * 1000)


def rhythm(days: int, count: str = "ALL_DAYS", events: tuple[str, ...] | None = None) -> RhythmModel:
    values = {"id": "weekly", "days": days, "count": count, "tell": "partnership", "reason": "x", "events": events}
    return RhythmModel.model_validate(values)


@pytest.mark.parametrize(
    ("since", "days", "count", "due"),
    [
        ("2026-10-19T10:00", 3, "ALL_DAYS", "2026-10-23T00:00"),
        ("2026-10-24T10:00", 1, "ALL_DAYS", "2026-10-26T00:00"),  # over the night the clocks change
        ("2026-10-23T10:00", 1, "WORKING_DAYS", "2026-10-27T00:00"),  # Friday: Monday may pass
        ("2026-12-24T10:00", 1, "WORKING_DAYS", "2026-12-30T00:00"),  # Christmas Day, weekend, the substitute day
        ("2026-10-22T10:00", 2, "SCHOOL_DAYS", "2026-11-03T00:00"),  # Friday, then half term, then Monday
    ],
)
def test_whole_days_that_count_may_pass_without_a_sign(since: str, days: int, count: str, due: str) -> None:
    """The day of the sign itself does not count."""
    assert due_after(ms(since), rhythm(days, count), CALENDAR) == ms(due)


def test_silence_is_judged_by_the_frontier_and_from_when_it_was_first_expected() -> None:
    """An agency that never published is not silent on the day that its rhythm is written down."""
    watch = Watched("northshire", rhythm(2), "north-school", CALENDAR)
    began = {watch_key(watch): ms("2026-10-19T09:00")}
    assert silences([watch], {}, began, ms("2026-10-21T23:59")) == []
    found = silences([watch], {}, began, ms("2026-10-22T00:00"))
    assert [(each.since, each.due) for each in found] == [(ms("2026-10-19T09:00"), ms("2026-10-22T00:00"))]
    signs = {("north-school", "education.absence-concern"): ms("2026-10-21T12:00")}
    assert silences([watch], signs, began, ms("2026-10-22T00:00")) == []
    assert silences([watch], {}, {}, ms("2027-01-01T00:00")) == []


def test_only_what_the_rhythm_waits_for_is_a_sign() -> None:
    """An acknowledgement says nothing about a child, and another type is not the one awaited."""
    began = {"northshire/weekly/a": ms("2026-10-19T09:00")}
    any_event = Watched("northshire", rhythm(2), "a", CALENDAR)
    named = Watched("northshire", rhythm(2, events=("send.status",)), "a", CALENDAR)
    later, frontier = ms("2026-10-22T00:30"), ms("2026-10-22T01:00")
    assert silences([any_event], {("a", "control.acknowledgement"): later}, began, frontier)
    assert silences([named], {("a", "education.absence-concern"): later}, began, frontier)
    assert not silences([named], {("a", "send.status"): later}, began, frontier)


def test_the_frontier_is_that_of_the_partition_furthest_behind() -> None:
    """Until each has spoken there is none."""
    assert frontier_of({0: 5, 2: 9}, 3) is None
    assert frontier_of({0: 5, 1: 7, 2: 9}, 3) == 5
