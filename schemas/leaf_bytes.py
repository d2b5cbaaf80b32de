"""Avro bytes of single leaves, so that an event can be joined from pieces made once and used often.

The result is what `schemas.codec.encode_event` would write; a property test holds it to that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.field_classes import NamedTypes, kind_of, without_null

Encode = Callable[[Any], bytes]

NULL = b"\0"  # the null branch of `["null", X]`
PRESENT = b"\2"  # the other one
_SHORT = tuple(bytes((size << 1,)) for size in range(64))  # lengths that take one byte
_TRUTH = {True: b"\1", False: b"\0"}


def long_bytes(value: int) -> bytes:
    """An int or long: zigzag, seven bits a byte, least significant first."""
    rest = value << 1 if value >= 0 else ~(value << 1)
    if rest < 0x80:
        return bytes((rest,))
    out = bytearray()
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def string_bytes(value: str) -> bytes:
    """A string. Raises UnicodeEncodeError for half of a surrogate pair."""
    data = value.encode()
    size = len(data)
    return (_SHORT[size] if size < len(_SHORT) else long_bytes(size)) + data


def leaf_encoder(node: Any, names: NamedTypes) -> Encode:
    """The encoder of a schema node; `["null", X]` takes None, a record a dict of all its fields.

    Raises TypeError for a kind that events do not use; the encoder raises KeyError for a symbol that does not exist.
    """
    inner, nullable = without_null(node)
    plain = _plain(names.resolve(inner), names)
    if not nullable:
        return plain
    return lambda value: NULL if value is None else PRESENT + plain(value)


def _plain(node: Any, names: NamedTypes) -> Encode:
    match kind_of(node):
        case "string":
            return string_bytes
        case "int" | "long":
            return long_bytes
        case "boolean":
            return _TRUTH.__getitem__
        case "enum":
            return {symbol: long_bytes(index) for index, symbol in enumerate(node["symbols"])}.__getitem__
        case "array":
            item = leaf_encoder(node["items"], names)
            return lambda values: array_bytes([item(value) for value in values])
        case "record":
            fields = [(each["name"], leaf_encoder(each["type"], names)) for each in node["fields"]]
            return lambda value: b"".join([encode(value[name]) for name, encode in fields])
        case kind:
            raise TypeError(f"type {kind} is not used in events")


def array_bytes(items: list[bytes]) -> bytes:
    """An array of encoded items: one block and the end."""
    return long_bytes(len(items)) + b"".join(items) + NULL if items else NULL
