"""Small pieces of work of many threads, done in rounds."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from streams.gateway.combining import Combiner


def test_everyone_gets_their_own_answer_and_nothing_is_done_twice() -> None:
    """Whatever the rounds are."""
    rounds: list[list[int]] = []

    def together(wanted: Sequence[int]) -> list[int]:
        rounds.append(list(wanted))
        return [number * 2 for number in wanted]

    combiner = Combiner(together, most=7)
    with ThreadPoolExecutor(30) as threads:
        answers = list(threads.map(combiner.do, range(500)))
    assert answers == [number * 2 for number in range(500)]
    assert sorted(number for each in rounds for number in each) == list(range(500))
    assert max(map(len, rounds)) <= 7


def test_what_comes_while_a_round_is_under_way_shares_the_next() -> None:
    """The cost of a round is paid once for all of them."""
    entered, let_go, sizes = threading.Event(), threading.Event(), list[int]()

    def together(wanted: Sequence[str]) -> Sequence[str]:
        sizes.append(len(wanted))
        if wanted == ["first"]:
            entered.set()
            let_go.wait(30)
        return wanted

    combiner = Combiner(together)
    with ThreadPoolExecutor(10) as threads:
        first = threads.submit(combiner.do, "first")
        entered.wait(30)
        others = [threads.submit(combiner.do, f"{n}") for n in range(9)]
        while len(combiner._waiting) < len(others):
            threading.Event().wait(0.001)
        let_go.set()
        assert [each.result(30) for each in (first, *others)] == ["first", *(f"{n}" for n in range(9))]
    assert sizes == [1, 9]


def test_a_failure_is_everybodys_in_the_round_and_nobodys_after_it() -> None:
    """The next round starts afresh."""
    failing = [True]

    def together(wanted: Sequence[int]) -> Sequence[int]:
        if failing.pop() if failing else False:
            raise RuntimeError("round")
        return wanted

    combiner = Combiner(together)
    with pytest.raises(RuntimeError, match="round"):
        combiner.do(1)
    assert combiner.do(2) == 2
