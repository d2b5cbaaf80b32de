"""Large tables of integers in little memory: 8 bytes a cell, found by bisection.

A million Python tuples in a dict take some 250 MB, a million rows here 8 MB a column (and about 45 MB while sorting).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from hashlib import blake2b

_OFFSET_BITS = 44  # 17,000 billion records a partition
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1


class Table:
    """Rows of unsigned 64-bit cells. Fill it, `sort()` it, then find rows by key; cells may then be changed."""

    def __init__(self, columns: int) -> None:
        self.keys = array("Q")
        self.columns = tuple(array("Q") for _ in range(columns))

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, key: int, *cells: int) -> None:
        self.keys.append(key)
        for column, cell in zip(self.columns, cells, strict=True):
            column.append(cell)

    def sort(self) -> None:
        order = sorted(range(len(self.keys)), key=self.keys.__getitem__)
        self.keys = array("Q", map(self.keys.__getitem__, order))
        self.columns = tuple(array("Q", map(column.__getitem__, order)) for column in self.columns)

    def find(self, key: int) -> int | None:
        """The first row with this key."""
        row = bisect_left(self.keys, key)
        return row if row < len(self.keys) and self.keys[row] == key else None

    def rows(self, key: int) -> Iterator[int]:
        """Every row with this key."""
        row = bisect_left(self.keys, key)
        while row < len(self.keys) and self.keys[row] == key:
            yield row
            row += 1

    def repeated(self) -> Iterator[int]:
        """Every row whose key the row before it has too."""
        keys = self.keys
        return (row for row in range(1, len(keys)) if keys[row] == keys[row - 1])


class Names:
    """Numbers for values that occur again and again: topics, agencies, partitions."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._values: list[object] = []

    def number(self, value: object) -> int:
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self._values)
            self._values.append(value)
        return found

    def known(self, value: object) -> int | None:
        return self._numbers.get(value)

    def value(self, number: int) -> object:
        return self._values[number]


def fits(offset: int) -> bool:
    """Whether an offset can be part of a key."""
    return 0 <= offset <= _OFFSET_MASK


def packed(place: int, offset: int) -> int:
    """A numbered partition and an offset in it, as one key. Raises `OverflowError` for an offset beyond 44 bits."""
    if not fits(offset):
        raise OverflowError(f"offset {offset} does not fit")
    return place << _OFFSET_BITS | offset


def unpacked(key: int) -> tuple[int, int]:
    """The numbered partition and the offset."""
    return key >> _OFFSET_BITS, key & _OFFSET_MASK


def digest64(salt: bytes, *parts: bytes) -> int:
    """A keyed 64-bit digest of some byte strings (their borders count).

    With a salt that changes from run to run, two of a million different values meet once in 37 million runs.
    """
    state = blake2b(digest_size=8, key=salt)
    for part in parts:
        state.update(len(part).to_bytes(4, "big"))
        state.update(part)
    return int.from_bytes(state.digest(), "big")
