"""Several events about one child that say little alone."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.vocabulary import AgencyGrade
from streams.followup.faust.patterns import DAY_MS, Child, from_bytes, met, noted, to_bytes, told
from streams.followup.faust.seen import Seen
from streams.policy.follow_up import PatternModel

T0 = 1_790_000_000_000


def seen(number: int, *, day: float = 0.0, source: str = "north-police", **values: Any) -> Seen:
    """One low-level event, `day` days after the first."""
    at = T0 + int(day * DAY_MS)
    plain: dict[str, Any] = {
        "event_id": f"e{number}", "event_type": "police.public-protection-notice", "source": source,
        "category": "POLICE", "area": "northshire", "gss": None, "decided_at": at, "occurred_at": at,
        "published_at": at, "deliveries": 1, "subject": "s", "matched": True, "grade": "LOW", "urgency": "ROUTINE",
        "protection": "NONE", "restricted": False, "do_not_disclose": False, "supersedes": None,
    }  # fmt: skip
    return Seen(**{**plain, **values})


def pattern(**values: Any) -> PatternModel:
    """Three low ones from two agencies in 28 days."""
    plain: dict[str, Any] = {
        "id": "low-level", "grade": (AgencyGrade.LOW,), "at_least": 3, "agencies": 2, "days": 28,
        "tell": "front-door", "reason": "Three small things are one large thing.",
    }  # fmt: skip
    return PatternModel(**{**plain, **values})


def played(events: list[Seen], rule: PatternModel) -> list[tuple[str, ...]]:
    """Which notices come of them: the events each names."""
    child, notices = Child(), []
    for each in events:
        child = from_bytes(to_bytes(noted(child, each, 28)))
        found = met(child, each, [rule])
        notices += [tuple(one.event_id for one in every.events) for every in found]
        child = told(child, found)
    return notices


THREE = [seen(1), seen(2, day=3, source="north-school"), seen(3, day=9)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (THREE, [("e1", "e2", "e3")]),
        (THREE[:2], []),
        ([THREE[0], THREE[1], THREE[1], THREE[1]], []),
        ([*THREE, THREE[2], THREE[0]], [("e1", "e2", "e3")]),
        ([seen(1), seen(2, day=3), seen(3, day=9)], []),
        ([seen(1), seen(2, day=3, source="b"), seen(3, day=30)], []),
        ([*THREE, seen(4, day=10)], [("e1", "e2", "e3")]),
        (
            [*THREE, seen(4, day=10), seen(5, day=11), seen(6, day=12, source="c")],
            [("e1", "e2", "e3"), ("e4", "e5", "e6")],
        ),
        ([seen(1), seen(2, day=3, source="b", grade="HIGH"), seen(3, day=9)], []),
        ([seen(1), seen(2, day=3, source="b", protection="REFUGE"), seen(3, day=9), seen(4, day=10, source="b")], []),
        ([seen(1), seen(2, day=3, source="b", restricted=True), seen(3, day=9), seen(4, day=10, source="b")], []),
        ([*THREE[:2], seen(9, day=4, event_type="control.retraction", supersedes="e2"), THREE[2]], []),
        ([*THREE[:2], seen(9, day=4, event_type="identity.severed"), THREE[2]], []),
    ],
    ids=[
        "three of two agencies", "two", "one event read again and again", "read again after the notice",
        "one agency alone", "too far apart", "one more says nothing new", "three new ones do", "another grade",
        "protected by one of them", "restricted by one of them", "one was retracted", "identity severed",
    ],
)  # fmt: skip
def test_a_pattern_is_met_by_exactly_these(events: list[Seen], expected: list[tuple[str, ...]]) -> None:
    """Events count once, and in one notice of a pattern."""
    assert played(events, pattern()) == expected


def test_nothing_is_left_of_a_severed_identity() -> None:
    """Not even that there was one."""
    child = noted(noted(Child(), seen(1), 28), seen(2, event_type="identity.severed", protection="PROTECTED"), 28)
    assert child == Child()
    assert child.newest == 0


def test_protection_that_is_lifted_by_name_no_longer_shields() -> None:
    """An event that merely does not mention it is not believed."""
    lifted = seen(8, day=5, event_type="identity.protection-changed")
    events = [
        seen(0, protection="PROTECTED"),
        *(each._replace(decided_at=each.decided_at + 6 * DAY_MS) for each in THREE),
    ]
    assert played(events, pattern()) == []
    assert played([events[0], lifted, *events[1:]], pattern()) == [("e1", "e2", "e3")]
