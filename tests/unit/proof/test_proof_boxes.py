"""Decision diagrams and the boxes their regions are written as, against plain enumeration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from random import Random

import pytest

from streams.proof.boxes import Box, Diagrams

SIZES = {"grade": 3, "urgent": 2, "age": 4, "school": 3}


def points() -> Iterator[dict[str, int]]:
    for numbers in product(*(range(size) for size in SIZES.values())):
        yield dict(zip(SIZES, numbers, strict=True))


def random_region(made: Diagrams, rnd: Random) -> tuple[int, frozenset[tuple[int, ...]]]:
    chosen = frozenset(tuple(point.values()) for point in points() if rnd.random() < 0.4)
    return made.table(list(SIZES), lambda *numbers: numbers in chosen), chosen


def inside(box: Box, point: Mapping[str, int]) -> bool:
    return all(point[name] in allowed for name, allowed in box.items())


def test_equal_functions_are_one_diagram() -> None:
    """However a function is put together, it is the same number in the end."""
    made = Diagrams(SIZES)
    high = made.table(["grade"], lambda grade: grade > 0)
    urgent = made.table(["urgent"], lambda urgent: urgent == 1)
    together = made.table(["urgent", "grade"], lambda urgent, grade: grade > 0 and urgent == 1)
    assert made.both(high, urgent) == together == made.combine(lambda a, b: a and b, urgent, high)
    assert made.either(high, made.combine(lambda a: not a, high)) == made.leaf(True)


def test_true_and_one_are_different_values() -> None:
    """Python's equality of the two must not make two functions one."""
    made = Diagrams(SIZES)
    assert made.leaf(True) != made.leaf(1)


@pytest.mark.parametrize("seed", range(20))
def test_boxes_are_exactly_the_region(seed: int) -> None:
    """Every point of the region is in a box and no point of a box is outside it."""
    made, rnd = Diagrams(SIZES), Random(seed)
    region, chosen = random_region(made, rnd)
    boxes = list(made.boxes(region))
    for point in points():
        assert any(inside(box, point) for box in boxes) is (tuple(point.values()) in chosen)


@pytest.mark.parametrize("seed", range(20))
def test_a_box_cannot_be_wider(seed: int) -> None:
    """One more choice in any dimension, and a box would leave the region: conditions are as short as can be."""
    made, rnd = Diagrams(SIZES), Random(seed)
    region, _ = random_region(made, rnd)
    for box in made.boxes(region):
        for name, allowed in box.items():
            for extra in set(range(SIZES[name])) - allowed:
                wider = made.region({**box, name: frozenset({extra})})
                assert made.both(region, wider) != wider


@pytest.mark.parametrize("seed", range(10))
def test_combining_is_pointwise(seed: int) -> None:
    """The value of a combination at a point is the combination of the values there."""
    made, rnd = Diagrams(SIZES), Random(seed)
    (one, _), (two, _) = random_region(made, rnd), random_region(made, rnd)
    both = made.combine(lambda a, b: (a, b), one, two)
    for point in points():
        assert made.at(both, point) == (made.at(one, point), made.at(two, point))


def test_a_region_in_two_parts_is_written_in_two_boxes() -> None:
    """`graded high, or urgent` reads as that, not as three cases that exclude each other."""
    made = Diagrams(SIZES)
    high, urgent = made.table(["grade"], lambda g: g == 2), made.table(["urgent"], lambda u: u == 1)
    boxes = list(made.boxes(made.either(high, urgent)))
    assert sorted(map(sorted, boxes)) == [["grade"], ["urgent"]]
