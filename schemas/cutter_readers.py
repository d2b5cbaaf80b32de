"""Readers of single Avro values, for the cutter: each takes (data, position) and returns (value, next position)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schemas.field_classes import NamedTypes, Schema, kind_of, string_rules, without_null
from schemas.field_rules import FIRST_DAY, FIRST_MS, LAST_DAY, LAST_MS

Check = Callable[[str], bool]
Reader = Callable[[bytes, int], tuple[Any, int]]

INTEGER_BYTES = {"int": 5, "long": 9}  # longest varint; five bytes may hold more than an int
_INT = (-(2**31), 2**31 - 1)


class CutError(ValueError):
    """Not surely well-formed: take the slow path, which decides and explains."""


def read_long(data: bytes, p: int, limit: int = 9) -> tuple[int, int]:
    """A zigzag varint of at most `limit` bytes."""
    byte = data[p]
    value = byte & 127
    shift = 7
    start = p
    p += 1
    while byte > 127:
        if p - start >= limit:
            raise CutError("long number")
        byte = data[p]
        value |= (byte & 127) << shift
        shift += 7
        p += 1
    return (value >> 1) ^ -(value & 1), p


def skip_long(data: bytes, p: int, limit: int = 9) -> int:
    """The position after a varint of at most `limit` bytes."""
    start = p
    while data[p] > 127:
        p += 1
    p += 1
    if p - start > limit:
        raise CutError("long number")
    return p


def skip_string(data: bytes, p: int, limit: int) -> tuple[int, int]:
    """Start and end of a string of at most `limit` bytes."""
    length, start = read_long(data, p)
    if not 0 <= length <= limit or start + length > len(data):
        raise CutError("long text, or one that runs past the end")
    return start, start + length


def integer_range(node: Any) -> tuple[int, int] | None:
    """Bounds of a date, a time or an int on the wire; None for a plain long, all of whose sure varints fit."""
    if kind_of(node) == "int" and not (isinstance(node, dict) and node.get("logicalType")):
        return _INT
    logical = node.get("logicalType") if isinstance(node, dict) else None
    return {"date": (FIRST_DAY, LAST_DAY), "timestamp-millis": (FIRST_MS, LAST_MS)}.get(logical or "")


class Readers:
    """Makes readers of arrays and of everything that may stand in them."""

    def __init__(self, names: NamedTypes, checks: Mapping[str, Check]) -> None:
        self._names = names
        self._checks = checks

    def array(self, node: Any, holder: Schema) -> Reader:
        """A reader of an array; `holder` is the field that has it, whose string rules hold for its items."""
        return _array(self._item(node["items"], holder))

    def _item(self, node: Any, holder: Schema) -> Reader:
        inner, nullable = without_null(node)
        if nullable:
            return _nullable(self._item(inner, holder))
        node = self._names.resolve(inner)
        kind = kind_of(node)
        if kind == "array":
            return self.array(node, holder)
        if kind == "record":
            return _record([(each["name"], self._item(each["type"], each)) for each in node["fields"]])
        if kind == "enum":
            return _enum(tuple(node["symbols"]))
        if kind == "string":
            fmt, limit = string_rules(holder, node)
            return _string(limit, self._checks[fmt] if fmt else None)
        if kind in INTEGER_BYTES:
            return _integer(INTEGER_BYTES[kind], integer_range(node))
        if kind == "boolean":
            return _boolean
        raise CutError(f"type {kind} is not used in arrays")


def _integer(limit: int, bounds: tuple[int, int] | None) -> Reader:
    def read(data: bytes, p: int) -> tuple[Any, int]:
        value, p = read_long(data, p, limit)
        if bounds is not None and not bounds[0] <= value <= bounds[1]:
            raise CutError("unlikely number")
        return value, p

    return read


def _nullable(inner: Reader) -> Reader:
    def read(data: bytes, p: int) -> tuple[Any, int]:
        branch = data[p]
        if branch == 0:
            return None, p + 1
        if branch != 2:
            raise CutError("no such branch")
        return inner(data, p + 1)

    return read


def _array(item: Reader) -> Reader:
    def read(data: bytes, p: int) -> tuple[Any, int]:
        items: list[Any] = []
        while True:
            count, p = read_long(data, p)
            if count == 0:
                return items, p
            if count < 0 or count > len(data) - p:
                raise CutError("unusual block")
            for _ in range(count):
                value, p = item(data, p)
                items.append(value)

    return read


def _record(fields: list[tuple[str, Reader]]) -> Reader:
    def read(data: bytes, p: int) -> tuple[Any, int]:
        values = {}
        for name, reader in fields:
            values[name], p = reader(data, p)
        return values, p

    return read


def _enum(symbols: tuple[str, ...]) -> Reader:
    def read(data: bytes, p: int) -> tuple[Any, int]:
        index = data[p]
        if index & 1 or index > 2 * len(symbols) - 2:
            raise CutError("no such symbol")
        return symbols[index >> 1], p + 1

    return read


def _string(limit: int, check: Callable[[str], bool] | None) -> Reader:
    def read(data: bytes, p: int) -> tuple[Any, int]:
        start, end = skip_string(data, p, limit)
        text = data[start:end].decode()
        if check is not None and not check(text):
            raise CutError("not surely valid")
        return text, end

    return read


def _boolean(data: bytes, p: int) -> tuple[Any, int]:
    if data[p] > 1:
        raise CutError("not a boolean")
    return data[p] == 1, p + 1
