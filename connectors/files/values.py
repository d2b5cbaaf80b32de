"""What is wrong with one value of a file, and texts turned into the contract's values.

Nothing here repeats a value: it may be a child's name, and what is said ends up in reports and logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

SEVERAL = "\x1e"  # between the values of a list that the file itself keeps apart (JSON, repeated XML elements)
_SHOWN = 12  # alternatives named in a message

Convert = Callable[[str], Any]  # raises Wrong


class Wrong(Exception):  # noqa: N818 - it names what is the matter, as `EventInvalid` does
    """One value cannot be taken. `expected` says what would be right."""

    def __init__(self, message: str, expected: str) -> None:
        self.message, self.expected = message, expected
        super().__init__(f"{message}: {expected}")


class ColumnProblem(NamedTuple):
    """One thing wrong with one record: in which columns, on its way to which field."""

    columns: tuple[str, ...]  # empty when it is no column's fault
    field: str
    message: str
    expected: str

    def __str__(self) -> str:
        where = " and ".join(f"`{name}`" for name in self.columns)
        return f"{where or 'the record'} {self.message}: {self.expected}" + (f" ({self.field})" if self.field else "")


class Memo(dict[Any, Any]):
    """What `make` gave for a key, remembered. Bounded: forgetting costs time only."""

    most = 8_192

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Any:
        made = self._make(key)
        if len(self) >= self.most:
            self.clear()
        self[key] = made
        return made


def one_of(words: Iterable[str]) -> str:
    """`one of A, B, C and 4 more`."""
    listed = list(words)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return "one of " + ", ".join(listed[:_SHOWN]) + more


def folded(text: str) -> str:
    """As codes are compared: without regard to capitals and to how many spaces stand between words."""
    return " ".join(text.split()).casefold()


def coded(codes: Mapping[str, str | None], otherwise: str | None) -> Convert:
    """Texts looked up in a table; None means "deliberately not passed on"."""
    table = {folded(text): word for text, word in codes.items()}
    expected = one_of(codes) + " (the mapping's `codes`)"

    def convert(text: str) -> str | None:
        try:
            return table[folded(text)]
        except KeyError:
            if otherwise is not None:
                return otherwise
            raise Wrong("is not in the list of codes", expected) from None

    return convert


def symbol(symbols: Iterable[str]) -> Convert:
    """Texts that are words of the contract already."""
    known = {folded(word): word for word in symbols}
    expected = one_of(known.values())

    def convert(text: str) -> str:
        try:
            return known[folded(text)]
        except KeyError:
            raise Wrong("is not a word of its list", expected) from None

    return convert


def truth(yes: Iterable[str], no: Iterable[str]) -> Convert:
    """Texts for true and for false."""
    known = {folded(text): True for text in yes} | {folded(text): False for text in no}
    expected = one_of([*yes, *no])

    def convert(text: str) -> bool:
        try:
            return known[folded(text)]
        except KeyError:
            raise Wrong("says neither yes nor no", expected) from None

    return convert


def whole_number(text: str) -> int:
    """A whole number, thousands not set apart."""
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19):
        raise Wrong("is not a whole number", "digits only")
    return int(text)


def cleaned(remove: str, upper: bool) -> Convert:
    """A text without the characters of `remove`, in capitals if `upper`."""
    table = str.maketrans("", "", remove)

    def convert(text: str) -> str | None:
        text = text.translate(table).strip()
        return (text.upper() if upper else text) or None

    return convert


def listed(separator: str | None, item: Convert) -> Convert:
    """A list of values, each converted; repeated ones once, none as None."""

    def convert(text: str) -> list[Any] | None:
        parts = text.split(SEVERAL)
        if separator is not None:
            parts = [part for each in parts for part in each.split(separator)]
        found = (item(part) for each in parts if (part := each.strip()))
        return list(dict.fromkeys(value for value in found if value is not None)) or None

    return convert
