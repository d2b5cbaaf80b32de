"""Errors of the contract."""

from __future__ import annotations

from schemas.errors import EventInvalid, FieldProblem
from schemas.vocabulary import RejectReason


def problem(path: str) -> FieldProblem:
    return FieldProblem(path, RejectReason.TIME, "is an impossible time", "a time between 1900 and 2100")


def test_a_problem_reads_as_a_sentence() -> None:
    """Path in backticks, what is wrong, what would be right; no path when the whole event is at fault."""
    assert str(problem("note")) == "`note` is an impossible time: a time between 1900 and 2100"
    assert str(problem("")) == "is an impossible time: a time between 1900 and 2100"


def test_an_invalid_event_keeps_all_problems_and_shows_some() -> None:
    """A hostile event with thousands of mistakes does not make a log line of megabytes."""
    invalid = EventInvalid(problem(f"x{n}") for n in range(1000))
    assert len(invalid.problems) == 1000
    assert invalid.reason is RejectReason.TIME
    assert str(invalid).endswith("; and 990 more")
