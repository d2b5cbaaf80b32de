"""A slow, strict reader of Avro bytes that names the field at fault.

fastavro is fast and forgiving: it takes a negative enum index for the last symbol and any byte for a boolean, and
says nothing of where it failed. `schemas.codec` turns to this reader whenever fastavro fails or the bytes are not
exactly what we would have written.
"""

from __future__ import annotations

from typing import Any

from schemas.errors import EventInvalid, FieldProblem
from schemas.field_classes import NamedTypes, Schema, kind_of
from schemas.vocabulary import RejectReason

_MAX_VARINT_BYTES = 10
_BITS = {"int": 32, "long": 64}


def read_strictly(schema: Schema, data: bytes, offset: int) -> tuple[dict[str, Any], int]:
    """The datum and where it ends. Raises `EventInvalid` with one problem: reading cannot go on after the first."""
    reader = _Reader(data, offset)
    # A type defined inside a field that is null here may be named again later: know them all before reading.
    reader.names.remember(schema)
    datum: dict[str, Any] = reader.value(schema, "")
    return datum, reader.position


class _Reader:
    def __init__(self, data: bytes, offset: int) -> None:
        self.data = data
        self.position = offset
        self.names = NamedTypes()

    def value(self, schema: Any, path: str) -> Any:
        node = self.names.resolve(schema)
        kind = kind_of(node)
        match kind:
            case "null":
                return None
            case "boolean":
                return self.boolean(path)
            case "int" | "long":
                return self.integer(path, _BITS[kind])
            case "string":
                return self.text(path)
            case "enum":
                return self.symbol(node["symbols"], path)
            case "union":
                return self.branch(node, path)
            case "array":
                return self.items(node["items"], path)
            case "record":
                prefix = path + "." if path else ""
                return {each["name"]: self.value(each["type"], prefix + each["name"]) for each in node["fields"]}
            case _:
                raise _problem(path, RejectReason.UNDECODABLE, f"type {kind} is not used in events", "another type")

    def take(self, count: int, path: str) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise _problem(path, RejectReason.UNDECODABLE, "the bytes end inside this field", "the whole value")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def integer(self, path: str, bits: int = 64) -> int:
        raw, shift = 0, 0
        for _ in range(_MAX_VARINT_BYTES):
            byte = self.take(1, path)[0]
            raw |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        else:
            raise _problem(path, RejectReason.UNDECODABLE, "is a number without end", "at most 10 bytes")
        if raw >> bits:
            raise _problem(path, RejectReason.UNDECODABLE, "is too large a number", f"a {bits}-bit number")
        return (raw >> 1) ^ -(raw & 1)

    def boolean(self, path: str) -> bool:
        byte = self.take(1, path)[0]
        if byte > 1:
            raise _problem(path, RejectReason.UNDECODABLE, "is not a boolean", "a byte 0 or 1")
        return byte == 1

    def text(self, path: str) -> str:
        length = self.integer(path)
        if length < 0:
            raise _problem(path, RejectReason.UNDECODABLE, "has a negative length", "0 or more")
        raw = self.take(length, path)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise _problem(path, RejectReason.TEXT_NOT_UTF8, "is not UTF-8", "text in UTF-8") from None

    def symbol(self, symbols: list[str], path: str) -> str:
        index = self.integer(path, 32)
        if not 0 <= index < len(symbols):
            expected = "one of " + ", ".join(symbols)
            raise _problem(path, RejectReason.UNKNOWN_ENUM, f"has no symbol number {index}", expected)
        return symbols[index]

    def branch(self, branches: list[Any], path: str) -> Any:
        index = self.integer(path)
        if not 0 <= index < len(branches):
            raise _problem(path, RejectReason.UNDECODABLE, "has no such union branch", "0 for null, 1 for a value")
        return self.value(branches[index], path)

    def items(self, schema: Any, path: str) -> list[Any]:
        """An array: blocks of items, a negative count being followed by the block's size in bytes."""
        found: list[Any] = []
        while count := self.integer(path):
            if count < 0:
                self.integer(path)
            for _ in range(abs(count)):
                found.append(self.value(schema, f"{path}[{len(found)}]"))
        return found


def _problem(path: str, code: RejectReason, message: str, expected: str) -> EventInvalid:
    return EventInvalid([FieldProblem(path, code, message, expected)])
