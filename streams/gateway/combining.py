"""Many callers' small pieces of work done as one: what comes while one round is under way makes up the next.

A commit costs the same for one row as for a hundred. A caller alone is served at once; a hundred at once share a round.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

_I = TypeVar("_I")
_O = TypeVar("_O")


class Combiner(Generic[_I, _O]):
    """Safe from any thread. `together` gets what all of a round want and gives an answer for each, in order."""

    def __init__(self, together: Callable[[Sequence[_I]], Sequence[_O]], *, most: int = 500) -> None:
        self._together, self._most = together, most
        self._waiting: list[_Piece[_I, _O]] = []
        self._lock = threading.Lock()
        self._round = threading.Lock()

    def do(self, wanted: _I) -> _O:
        """The answer to this piece. Raises what the round it was in raised: every one of it then does."""
        piece: _Piece[_I, _O] = _Piece(wanted)
        with self._lock:
            self._waiting.append(piece)
        while not piece.done:
            with self._round:  # whoever gets in does the round for all that wait; the others find themselves served
                if not piece.done:
                    self._serve()
        return piece.answer()

    def _serve(self) -> None:
        with self._lock:
            served, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            answers = self._together([each.wanted for each in served])
            for piece, answer in zip(served, answers, strict=True):
                piece.answers = [answer]
        except BaseException as failure:  # noqa: BLE001 - told to everybody in the round, this caller included
            for piece in served:
                piece.failure = failure
        for piece in served:
            piece.done = True


class _Piece(Generic[_I, _O]):
    """One caller's work and what became of it."""

    def __init__(self, wanted: _I) -> None:
        self.wanted = wanted
        self.answers: list[_O] = []
        self.failure: BaseException | None = None
        self.done = False

    def answer(self) -> _O:
        if self.failure is not None:
            raise self.failure
        return self.answers[0]
