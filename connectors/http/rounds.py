"""Requests that come at about the same time, handed to a worker thread together.

The way to a thread and back costs more than most of what is done there, and a database commit costs the same for one
row as for a hundred. A request alone is served at once; what comes while rounds are under way makes up the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

MOST_ROUNDS = 2  # under way at once: one waits for Kafka or the disk while the other works
MOST_IN_ROUND = 64

_I = TypeVar("_I")
_O = TypeVar("_O")


class Rounds(Generic[_I, _O]):
    """For use inside one event loop."""

    def __init__(self, together: Callable[[Sequence[_I]], Awaitable[Sequence[_O | Exception]]]) -> None:
        """`together` gives an answer for each, in order: what it fails with, all of a round fail with."""
        self._together = together
        self._waiting: list[tuple[_I, asyncio.Future[_O]]] = []
        self._serving: set[asyncio.Task[None]] = set()

    async def do(self, wanted: _I) -> _O:
        """The answer to this one. Raises what stands in its place, or what the round raised."""
        answer: asyncio.Future[_O] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, answer))
        if len(self._serving) < MOST_ROUNDS:
            task = asyncio.create_task(self._serve())
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        return await answer

    async def _serve(self) -> None:
        """Rounds until nobody waits."""
        while self._waiting:
            served, self._waiting = self._waiting[:MOST_IN_ROUND], self._waiting[MOST_IN_ROUND:]
            try:
                answers = await self._together([wanted for wanted, _ in served])
                for (_, future), answer in zip(served, answers, strict=True):
                    _tell(future, answer)
            except Exception as failure:  # noqa: BLE001 - told to everybody in the round
                for _, future in served:
                    _tell(future, failure)


def _tell(future: asyncio.Future[_O], answer: _O | Exception) -> None:
    if future.done():  # the caller hung up
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
