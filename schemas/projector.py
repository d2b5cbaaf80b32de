"""Projections of cut events: the kept slices joined, with a null in the place of every withheld leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from schemas.cutter import Cuts, Unit


def compile_projector(units: Sequence[Unit], kept: frozenset[str], frame: bytes) -> Callable[[bytes, Cuts], bytes]:
    """A function `(data, cuts) -> bytes` that writes the event with every leaf outside `kept` null.

    `frame` goes in front. A nullable record of which nothing is kept becomes null itself, so that not even its
    presence shows.
    """
    pieces = list(pieces_of(units, kept))
    constants = {f"k{index}": piece.nulls for index, piece in enumerate(pieces)}
    terms = [piece.term(f"k{index}") for index, piece in enumerate(pieces)]
    source = f"def project(d, c): return b''.join((frame, {', '.join(terms)},))"
    scope: dict[str, Any] = {"frame": frame, **constants}
    exec(source, scope)  # noqa: S102  (as above: text made from the schema alone)
    projector: Callable[[bytes, Cuts], bytes] = scope["project"]
    return projector


class Piece(NamedTuple):
    """Units `start` to `end` (exclusive): copied, or replaced by `nulls` (only if present, inside a record)."""

    start: int
    end: int
    nulls: bytes | None
    conditional: bool = False

    def term(self, constant: str) -> str:
        if self.nulls is None:
            return f"d[c[{self.start}]:c[{self.end}]]"
        if self.conditional:
            return f"({constant} if c[{self.start}] != c[{self.end}] else b'')"
        return constant


def pieces_of(units: Sequence[Unit], kept: frozenset[str]) -> Iterator[Piece]:
    """Runs of units that are handled alike."""
    holder = [_nullable_holder(units, index) for index in range(len(units))]
    index = 0
    while index < len(units):
        unit = units[index]
        start = index
        if not unit.is_leaf and not _any_kept_below(units, unit.path, kept):
            index += 1
            while index < len(units) and units[index].path.startswith(unit.path + "."):
                index += 1
            yield Piece(start, index, b"\0")
        elif not unit.is_leaf or unit.path in kept:
            while index < len(units) and _copied(units, index, kept):
                index += 1
            yield Piece(start, index, None)
        else:
            here = holder[index]
            while (
                index < len(units) and units[index].is_leaf and units[index].path not in kept and holder[index] == here
            ):
                index += 1
            yield Piece(start, index, b"\0" * (index - start), conditional=here is not None)


def _copied(units: Sequence[Unit], index: int, kept: frozenset[str]) -> bool:
    unit = units[index]
    return unit.path in kept if unit.is_leaf else _any_kept_below(units, unit.path, kept)


def _any_kept_below(units: Sequence[Unit], path: str, kept: frozenset[str]) -> bool:
    return any(u.is_leaf and u.path in kept and u.path.startswith(path + ".") for u in units)


def _nullable_holder(units: Sequence[Unit], index: int) -> str | None:
    """Path of the nullable record a unit is inside, if any (records are nested one deep at most there)."""
    path = units[index].path
    holders = [u.path for u in units if not u.is_leaf and path.startswith(u.path + ".")]
    return holders[-1] if holders else None
