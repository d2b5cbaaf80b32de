"""What `masa held release` puts back, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.operations import operation_record
from schemas.codec import decode_record
from streams.cli.releasing import By, Going, Wish, operation_of, released_by, sorted_out

NOT_FOUND = "unresolved:child.school"
POSITION = "agency.p.outbox:0:7"


def held(*agencies: str, reasons: tuple[str, ...] = ("SHARING_STOPPED",), offset: int = 7) -> dict[str, Any]:
    place = {"sourceTopic": "agency.p.outbox", "sourcePartition": 0, "sourceOffset": offset}
    return {**place, "eventId": "e", "whole": not agencies, "agencies": list(agencies), "reasons": list(reasons)}


def went(
    *records: dict[str, Any], done: frozenset[tuple[str, str]] = frozenset(), **wish: Any
) -> list[tuple[Any, ...]]:
    going, _ = sorted_out(records, Wish(**wish), done)
    return [(each.position[-1], *each[1:]) for each in going]


@pytest.mark.parametrize(
    ("record", "wish", "expected"),
    [
        (held("a", "b"), {"everything": True}, [("7", "a", (), None), ("7", "b", (), None)]),
        (held("a", "b"), {"everything": False, "agencies": ["b"]}, [("7", "b", (), None)]),
        (held(reasons=("POLICY_ABSENT",)), {"everything": True}, [("7", "*", (), None)]),
        (held("a", reasons=("LOW_MATCH_STATUS",)), {"everything": True}, []),
        (
            held("a", reasons=("LOW_MATCH_STATUS", "CONDITION_UNKNOWN")),
            {"everything": True, "reason": "LOW_MATCH_STATUS"},
            [("7", "a", ("LOW_MATCH_STATUS",), None)],
        ),
        (
            held("a", reasons=("SHARING_STOPPED", "LOW_MATCH_STATUS")),
            {"everything": True, "reason": "SHARING_STOPPED"},
            [("7", "a", (), None)],
        ),
        (
            held("a", reasons=("SHARING_STOPPED", "LOW_MATCH_STATUS")),
            {"everything": False},
            [("7", "a", ("LOW_MATCH_STATUS",), None)],
        ),
        (held(NOT_FOUND), {"everything": False}, []),
        (held(NOT_FOUND), {"everything": False, "to": {"child.school": "s"}}, [("7", NOT_FOUND, (), "child.school=s")]),
    ],
)
def test_a_doubt_is_set_aside_only_where_it_was_seen(
    record: dict[str, Any], wish: dict[str, Any], expected: Any
) -> None:
    """Records named one by one show theirs; `--all` sets nothing aside but the reason given; nobody goes to nobody."""
    assert went(record, **wish) == expected


def test_of_one_that_was_held_again_the_newest_goes_and_nothing_goes_twice_by_all() -> None:
    """`--all` repeated neither doubles what still waits nor repeats what went; a position named goes whenever asked."""
    twice = [held("a"), held("a", offset=8)]
    assert went(*twice, everything=True) == [("8", "a", (), None)]
    assert went(held("a"), everything=True, done=frozenset({(POSITION, "a")})) == []
    assert went(held("a"), everything=False, done=frozenset({(POSITION, "a")})) == [("7", "a", (), None)]


def test_the_operation_says_who_was_released_and_is_read_back() -> None:
    """Position and candidate of each, who did it and why; no id of an event."""
    going = [Going(held("a", "b"), "a", ("LOW_MATCH_STATUS",)), Going(held(NOT_FOUND, offset=9), NOT_FOUND, (), "x=s")]
    made = operation_record(operation_of(going, By(name="ann", because="looked"), 1, "o"))
    operation = decode_record("operation", made.value or b"")
    assert (operation["kind"], operation["actor"], operation["reason"]) == ("held.release", "ann", "looked")
    assert list(released_by(operation)) == [(POSITION, "a"), ("agency.p.outbox:0:9", NOT_FOUND)]
    assert list(released_by({**operation, "kind": "rules.stop"})) == []
