"""Readers of single Avro values, for the cutter: each takes (data, position) and returns (value, next position)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Schema = dict[str, Any]
Reader = Callable[[bytes, int], tuple[Any, int]]
StringRules = Callable[[Schema, Any], tuple[int, str | None]]


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


def skip_string(data: bytes, p: int) -> tuple[int, int]:
    """Start and end of a string whose length takes more than one byte."""
    length, start = read_long(data, p)
    if length < 0 or start + length > len(data):
        raise CutError("text runs past the end")
    return start, start + length


def item_reader(
    node: Any,
    named: dict[str, Schema],
    checks: Mapping[str, Callable[[str], bool]],
    rules: StringRules,
    full_name: Callable[[Schema], str],
    fld: Schema | None = None,
) -> Reader:
    """A reader of any type used inside arrays, the array itself included. Records are read as dicts."""

    def build(inner: Any, holder: Schema) -> Reader:
        return item_reader(inner, named, checks, rules, full_name, holder)

    holder = fld or {}
    if isinstance(node, str) and node in named:
        node = named[node]
    if isinstance(node, list):
        return _nullable(build(node[1], holder))
    kind = node["type"] if isinstance(node, dict) else node
    if isinstance(node, dict) and "name" in node:
        named[full_name(node)] = node
    if kind == "array":
        return _array(build(node["items"], node))
    if kind == "record":
        return _record([(each["name"], build(each["type"], each)) for each in node["fields"]])
    if kind == "enum":
        return _enum(tuple(node["symbols"]))
    if kind == "string":
        limit, fmt = rules(holder, node)
        return _string(limit, checks[fmt] if fmt else None)
    if kind in ("int", "long"):
        limit = 5 if kind == "int" else 9
        return lambda data, p: read_long(data, p, limit)
    if kind == "boolean":
        return _boolean
    raise CutError(f"type {kind} is not used in arrays")


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
        start, end = skip_string(data, p)
        if end - start > limit:
            raise CutError("long text")
        text = data[start:end].decode()
        if check is not None and not check(text):
            raise CutError("not surely valid")
        return text, end

    return read


def _boolean(data: bytes, p: int) -> tuple[Any, int]:
    if data[p] > 1:
        raise CutError("not a boolean")
    return data[p] == 1, p + 1
