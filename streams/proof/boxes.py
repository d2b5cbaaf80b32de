"""Functions over finite dimensions, held as decision diagrams, and their regions written as boxes.

A *dimension* is one thing an event can say, with finitely many choices; a *diagram* is a function from one choice of
each dimension to any hashable value. Diagrams are canonical: equal functions are the same number, so equality of two
rule sets' answers over all possible events is one comparison. A *box* names some dimensions with the choices allowed
there, all others are free; a *region* (a diagram of booleans) is written as few and wide boxes, for people to read.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

Diagram = int  # a number of the `Diagrams` that made it
Box = Mapping[str, frozenset[int]]  # dimension -> indices of the choices allowed; a dimension not named is free
Point = Mapping[str, int]  # dimension -> index of its choice

_LEAF = 1 << 30  # level of a leaf: below every dimension


class Diagrams:
    """Makes diagrams over the dimensions `sizes` (name -> number of choices), tested in that order."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.names = tuple(sizes)
        self.sizes = dict(sizes)
        self._level_of = {name: level for level, name in enumerate(self.names)}
        self._levels: list[int] = []
        self._children: list[tuple[Diagram, ...]] = []
        self._values: list[Any] = []
        self._leaves: dict[Hashable, Diagram] = {}
        self._nodes: dict[tuple[int, tuple[Diagram, ...]], Diagram] = {}

    def leaf(self, value: Hashable) -> Diagram:
        """The function that is `value` everywhere. `True` and `1` are different values."""
        key = (type(value), value)
        found = self._leaves.get(key)
        if found is None:
            found = self._leaves[key] = self._add(_LEAF, (), value)
        return found

    def node(self, name: str, children: Sequence[Diagram]) -> Diagram:
        """The function that looks at `name` first; `children` must look at later dimensions only."""
        first = children[0]
        if all(child == first for child in children):
            return first
        key = (self._level_of[name], tuple(children))
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = self._add(*key, None)
        return found

    def _add(self, level: int, children: tuple[Diagram, ...], value: Any) -> Diagram:
        self._levels.append(level)
        self._children.append(children)
        self._values.append(value)
        return len(self._levels) - 1

    def table(self, names: Sequence[str], function: Callable[..., Hashable]) -> Diagram:
        """The function of a few dimensions, by asking `function` for every combination of their choices."""
        ordered = sorted(set(names), key=self._level_of.__getitem__)
        where = [ordered.index(name) for name in names]
        combinations = product(*(range(self.sizes[name]) for name in ordered))
        row = [self.leaf(function(*(choice[place] for place in where))) for choice in combinations]
        for name in reversed(ordered):
            size = self.sizes[name]
            row = [self.node(name, row[start : start + size]) for start in range(0, len(row), size)]
        return row[0]

    def combine(self, function: Callable[..., Hashable], *given: Diagram) -> Diagram:
        """The function whose value is `function` of the values of `given`."""
        memo: dict[tuple[Diagram, ...], Diagram] = {}
        levels, children, values = self._levels, self._children, self._values

        def run(parts: tuple[Diagram, ...]) -> Diagram:
            found = memo.get(parts)
            if found is not None:
                return found
            top = min(levels[part] for part in parts)
            if top == _LEAF:
                made = self.leaf(function(*(values[part] for part in parts)))
            else:
                name = self.names[top]
                split = [children[p] if levels[p] == top else (p,) * self.sizes[name] for p in parts]
                made = self.node(name, [run(parts) for parts in zip(*split, strict=True)])
            memo[parts] = made
            return made

        return run(given)

    def either(self, *given: Diagram) -> Diagram:
        """Of regions, the region that at least one covers."""
        return self._fold(given, _or, stop=True)

    def both(self, *given: Diagram) -> Diagram:
        """Of regions, the region that all of them cover."""
        return self._fold(given, _and, stop=False)

    def _fold(self, given: Sequence[Diagram], function: Callable[..., bool], *, stop: bool) -> Diagram:
        total, end = self.leaf(not stop), self.leaf(stop)
        for each in given:
            if total == end:
                break
            total = self.combine(function, total, each)
        return total

    def at(self, diagram: Diagram, point: Point) -> Any:
        """The value at one point; a dimension that the point does not name has its first choice."""
        while self._levels[diagram] != _LEAF:
            diagram = self._children[diagram][point.get(self.names[self._levels[diagram]], 0)]
        return self._values[diagram]

    def values(self, diagram: Diagram) -> frozenset[Any]:
        """Every value that the function takes."""
        seen, open_, found = {diagram}, [diagram], set()
        while open_:
            each = open_.pop()
            if self._levels[each] == _LEAF:
                found.add(self._values[each])
            for child in self._children[each]:
                if child not in seen:
                    seen.add(child)
                    open_.append(child)
        return frozenset(found)

    def boxes(self, region: Diagram, part: Diagram | None = None) -> Iterator[Box]:
        """Boxes that together are exactly the region. Each is as wide as can be, so they may overlap.

        With `part`, a region inside it, only as many boxes as cover the part.
        """
        nowhere, left = self.leaf(False), region if part is None else part
        while left != nowhere:
            box = self._widened(region, self._first(left))
            yield box
            inside = self.region(box)
            left = self.combine(_without, left, inside)

    def region(self, box: Box) -> Diagram:
        """The region that a box covers."""
        made = self.leaf(True)
        nowhere = self.leaf(False)
        for name in reversed(self.names):
            if name in box:
                made = self.node(name, [made if n in box[name] else nowhere for n in range(self.sizes[name])])
        return made

    def point(self, box: Box) -> Point:
        """One point of a box, with the first choice wherever that is allowed."""
        return {name: min(choices) for name, choices in box.items()}

    def _first(self, region: Diagram) -> dict[str, frozenset[int]]:
        """One path to `True`, as a box."""
        box: dict[str, frozenset[int]] = {}
        nowhere = self.leaf(False)
        while self._levels[region] != _LEAF:
            children = self._children[region]
            child = next(each for each in children if each != nowhere)
            box[self.names[self._levels[region]]] = frozenset(n for n, each in enumerate(children) if each == child)
            region = child
        return box

    def _widened(self, region: Diagram, box: dict[str, frozenset[int]]) -> Box:
        """The box made as wide as the region allows, the last dimension first."""
        for name in sorted(box, key=self._level_of.__getitem__, reverse=True):
            free = {other: choices for other, choices in box.items() if other != name}
            allowed = self._allowed(region, free, name)
            box = free if len(allowed) == self.sizes[name] else {**free, name: allowed}
        return box

    def _allowed(self, region: Diagram, box: Box, name: str) -> frozenset[int]:
        """The choices of one dimension with which the rest of the box lies in the region."""
        level = self._level_of[name]
        everything = frozenset(range(self.sizes[name]))
        memo: dict[Diagram, frozenset[int]] = {}

        def run(part: Diagram) -> frozenset[int]:
            found = memo.get(part)
            if found is None:
                found = memo[part] = reach(part)
            return found

        def reach(part: Diagram) -> frozenset[int]:
            here = self._levels[part]
            if here == _LEAF:
                return everything if self._values[part] else frozenset()
            children = self._children[part]
            if here == level:
                return frozenset(n for n in everything if run(children[n]))
            common = everything
            for n in box.get(self.names[here], range(len(children))):
                common &= run(children[n])
                if not common:
                    break
            return common

        return run(region)


def _or(one: bool, other: bool) -> bool:
    return one or other


def _and(one: bool, other: bool) -> bool:
    return one and other


def _without(one: bool, other: bool) -> bool:
    return one and not other
