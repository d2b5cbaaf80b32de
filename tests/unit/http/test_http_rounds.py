"""Requests handed on together, inside one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from connectors.errors import RetryLater
from connectors.http.rounds import MOST_IN_ROUND, MOST_ROUNDS, Rounds


class Behind:
    """Doubles numbers when it is let go, refuses negative ones, and fails wholly at 13."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.let_go = asyncio.Event()

    async def together(self, asked: Sequence[int]) -> list[int | Exception]:
        self.rounds.append(list(asked))
        await self.let_go.wait()
        if 13 in asked:
            raise ZeroDivisionError
        return [RetryLater("not now") if each < 0 else each * 2 for each in asked]


def test_everyone_gets_their_own_answer_and_nothing_is_asked_twice() -> None:
    """One failure is that of one alone; what comes while rounds are under way shares the next, within bounds."""

    async def run() -> None:
        behind = Behind()
        rounds = Rounds[int, int](behind.together)
        asking = []
        for number in range(-5, 200):
            if number != 13:
                asking.append(asyncio.create_task(rounds.do(number)))
            if number < 0:
                await asyncio.sleep(0)
        behind.let_go.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(each) for each in answers[:5]] == [RetryLater] * 5
        assert answers[5:] == [number * 2 for number in range(200) if number != 13]
        assert sorted(each for asked in behind.rounds for each in asked) == [n for n in range(-5, 200) if n != 13]
        assert len(behind.rounds[0]) == 1
        assert max(map(len, behind.rounds)) == MOST_IN_ROUND

    asyncio.run(run())


def test_no_more_rounds_than_bounded_are_under_way() -> None:
    """However many ask."""

    async def run() -> None:
        behind = Behind()
        rounds = Rounds[int, int](behind.together)
        asking = []
        for number in range(10):
            asking.append(asyncio.create_task(rounds.do(number)))
            await asyncio.sleep(0.001)
        assert len(behind.rounds) == MOST_ROUNDS
        behind.let_go.set()
        assert await asyncio.gather(*asking) == [number * 2 for number in range(10)]

    asyncio.run(run())


def test_a_round_that_fails_fails_everyone_in_it_and_nobody_after_it() -> None:
    """Who hung up in between is no trouble."""

    async def run() -> None:
        behind = Behind()
        rounds = Rounds[int, int](behind.together)
        gone, failing = asyncio.create_task(rounds.do(1)), asyncio.create_task(rounds.do(13))
        await asyncio.sleep(0.001)
        gone.cancel()
        behind.let_go.set()
        with pytest.raises(ZeroDivisionError):
            await failing
        assert await rounds.do(4) == 8

    asyncio.run(run())
