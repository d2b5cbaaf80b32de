"""Conditions on a record's columns, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from connectors.files.mapping import Condition, Test
from connectors.files.values import Memo, Wrong, folded, whole_number

Holds = Callable[[Sequence[str]], bool]  # texts of a record; raises Undecidable


class Undecidable(Wrong):
    """A condition cannot be answered, so nobody may assume either answer: the record is refused."""

    def __init__(self, column: str, wrong: Wrong) -> None:
        super().__init__(wrong.message, wrong.expected)
        self.column = column


def compiled(condition: Condition | None, place: Mapping[str, int]) -> Holds:
    """A test of a record's texts; `place` says where each column's text stands."""
    if not condition:
        return lambda texts: True
    tests = [(place[column], _test(test, column)) for column, test in condition.items()]
    if len(tests) == 1:
        index, only = tests[0]
        return lambda texts: only(texts[index])
    return lambda texts: all(test(texts[index]) for index, test in tests)


def _test(test: Test, column: str) -> Callable[[str], bool]:
    allowed = frozenset(map(folded, test.is_))
    refused = frozenset(map(folded, test.is_not))

    def holds(text: str) -> bool:
        if allowed and folded(text) not in allowed:
            return False
        if refused and folded(text) in refused:
            return False
        if test.empty is not None and (not text) is not test.empty:
            return False
        if test.at_least is None and test.below is None:
            return True
        number = _number(text, column)
        return (test.at_least is None or number >= test.at_least) and (test.below is None or number < test.below)

    return Memo(holds).__getitem__  # the same few words come again and again


def _number(text: str, column: str) -> float:
    """Nothing is less than any number; a text that is none decides nothing."""
    try:
        return whole_number(text) if text else float("-inf")
    except Wrong as wrong:
        raise Undecidable(column, wrong) from None
