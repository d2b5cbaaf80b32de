"""Reads a few fields of an Avro record without building the rest: a function generated from the schema.

Decoding a whole audit record takes longer than storing it (about 60 µs against 15, most of it withheld field paths that
no column needs). The scanner walks the bytes once and keeps only the wanted values. It refuses (`ScanRefused`,
`IndexError`, `UnicodeDecodeError`) whatever it is not certain about, such as arrays in sized blocks; the caller then
decodes in full. A property test holds both to the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any


class Take(Enum):
    """How a field is wanted, when it is not its value."""

    SPAN = "span"  # its bytes as they are; neighbours that are wanted so come as one piece
    ALL = "all"  # every item of an array of strings, as a list


Schema = Mapping[str, Any]
# A wanted field is a name; below a record or an array of records, a tuple of wanted fields. A wanted array of strings
# yields its first item only, or None.
Wanted = Mapping[str, "Wanted | Take | None"]
Inner = Wanted | Take | None
Scanner = Callable[[bytes, int], tuple[Any, ...]]

_VARINT_LIMIT = 10
_ONE_BYTE_SYMBOLS = 64


class ScanRefused(Exception):  # noqa: N818 - not an error: the slow path answers
    """Not surely well-formed."""


def compile_scanner(schema: Schema, wanted: Wanted) -> Scanner:
    """A function `(data, start)` that returns the wanted values in schema order.

    A wanted record contributes its values in place (all None when it is null); a wanted array of records is a list of
    tuples. Raises `KeyError` when the schema lacks a wanted field, `TypeError` for a type it does not know.
    """
    writer = _Writer()
    names = writer.record(schema["fields"], wanted)
    body = [
        "def scan(d, p):",
        *writer.lines,
        "    if p != len(d): raise ScanRefused('bytes left over, or missing')",
        f"    return ({''.join(name + ',' for name in names)})",
    ]
    scope: dict[str, Any] = {
        **writer.constants,
        "ScanRefused": ScanRefused,
        "read_count": read_count,
        "read_long": read_long,
        "end_of_string": end_of_string,
    }
    # The text is made from the released schema alone.
    exec(compile("\n".join(body), f"<scanner of {schema['name']}>", "exec"), scope)  # noqa: S102
    scanner: Scanner = scope["scan"]
    return scanner


def read_long(data: bytes, p: int) -> tuple[int, int]:
    """A zigzag varint and the position after it."""
    byte = data[p]
    value, shift, start = byte & 127, 7, p
    p += 1
    while byte > 127:
        if p - start >= _VARINT_LIMIT:
            raise ScanRefused("long number")
        byte = data[p]
        value |= (byte & 127) << shift
        shift += 7
        p += 1
    return (value >> 1) ^ -(value & 1), p


def read_count(data: bytes, p: int) -> tuple[int, int]:
    """The number of items in a block, when it takes more than one byte or is negative: a block with its size."""
    count, p = read_long(data, p)
    if count <= 0:
        raise ScanRefused("a sized block")
    return count, p


def end_of_string(data: bytes, p: int) -> tuple[int, int]:
    """Start and end of a string whose length takes more than one byte."""
    length, start = read_long(data, p)
    if length < 0 or start + length > len(data):
        raise ScanRefused("text runs past the end")
    return start, start + length


class _Writer:
    """Writes the function's lines. Local names: d data, p position, s start of a text, vN a wanted value."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self._indent = 1
        self._names = 0

    def emit(self, line: str) -> None:
        self.lines.append("    " * self._indent + line)

    def new(self, letter: str = "v") -> str:
        self._names += 1
        return f"{letter}{self._names}"

    def record(self, fields: list[Schema], wanted: Wanted) -> list[str]:
        if missing := set(wanted) - {field["name"] for field in fields}:
            raise KeyError(min(missing))
        names: list[str] = []
        span: str | None = None
        for field in fields:
            inner = wanted.get(field["name"])
            if inner is Take.SPAN and span is None:
                span = self.new()
                self.emit(f"{span} = p")
                names.append(span)
            elif span is not None and inner is not Take.SPAN:
                self.end_of_span(span)
                span = None
            if inner is Take.SPAN:
                self.field(field["type"], False, None)
            else:
                names += self.field(field["type"], field["name"] in wanted, inner)
        if span is not None:
            self.end_of_span(span)
        return names

    def end_of_span(self, span: str) -> None:
        """The variable that holds where the span begins holds its bytes from here on."""
        self.emit(f"{span} = d[{span}:p]")

    def field(self, node: Any, keep: bool, inner: Inner) -> list[str]:
        if not isinstance(node, list):
            return self.value(node, keep, inner)
        if node[0] != "null" or len(node) != 2:
            raise TypeError("a union other than null and one type")
        tag = self.new("t")
        self.emit(f"{tag} = d[p]; p += 1")
        self.emit(f"if {tag} == 2:")
        self._indent += 1
        names = self.value(node[1], keep, inner)
        self.emit("pass")
        self._indent -= 1
        self.emit(f"elif {tag}: raise ScanRefused('no such branch')")
        if names:
            self.emit("else: " + " = ".join(names) + " = None")
        return names

    def value(self, node: Any, keep: bool, inner: Inner) -> list[str]:
        kind = node["type"] if isinstance(node, dict) else node
        if kind == "record":
            return self.record(node["fields"], inner if isinstance(inner, Mapping) else {})
        if kind == "array":
            return self.array(node["items"], keep, inner)
        name = self.new() if keep else None
        scalar = {
            "string": self.string,
            "int": self.number,
            "long": self.number,
            "boolean": self.boolean,
        }
        if kind in scalar:
            scalar[kind](name)
        elif kind == "enum":
            self.enum(name, tuple(node["symbols"]))
        elif kind == "fixed":
            self.fixed(name, node["size"])
        else:
            raise TypeError(f"type `{kind}` is not used in records")
        return [name] if name else []

    def string(self, name: str | None) -> None:
        if name is None:
            self.emit("n = d[p]")
            self.emit("if n & 129: s, p = end_of_string(d, p)")
            self.emit("else: p += 1 + (n >> 1)")
            return
        self.emit("n = d[p]; s = p + 1")
        self.emit("if n & 129: s, p = end_of_string(d, p)")
        self.emit("else: p = s + (n >> 1)")
        self.emit(f"{name} = d[s:p].decode()")

    def number(self, name: str | None) -> None:
        if name is not None:
            self.emit("n = d[p]")
            self.emit(f"if n > 127: {name}, p = read_long(d, p)")
            self.emit(f"else: {name} = (n >> 1) ^ -(n & 1); p += 1")
            return
        self.emit("while d[p] > 127: p += 1")
        self.emit("p += 1")

    def boolean(self, name: str | None) -> None:
        self.emit("if d[p] > 1: raise ScanRefused('not a boolean')")
        self.emit(f"{name} = d[p] == 1; p += 1" if name else "p += 1")

    def fixed(self, name: str | None, size: int) -> None:
        if name is not None:
            self.emit(f"{name} = d[p:p + {size}]")
        self.emit(f"p += {size}")

    def enum(self, name: str | None, symbols: tuple[str, ...]) -> None:
        if len(symbols) > _ONE_BYTE_SYMBOLS:
            raise TypeError("an enum of more than 64 symbols")
        self.emit("n = d[p]; p += 1")
        self.emit(f"if n & 1 or n > {2 * len(symbols) - 2}: raise ScanRefused('no such symbol')")
        if name is not None:
            constant = self.new("k")
            self.constants[constant] = symbols
            self.emit(f"{name} = {constant}[n >> 1]")

    def array(self, items: Any, keep: bool, inner: Inner) -> list[str]:
        """Blocks of items until an empty one. A block with its size in bytes (a negative count) is refused."""
        result, count = self.new(), self.new("n")
        texts = items == "string"
        if keep:
            self.emit(f"{result} = None" if texts and inner is not Take.ALL else f"{result} = []")
        self.emit(f"{count} = d[p]; p += 1")
        self.emit(f"while {count}:")
        self._indent += 1
        self.emit(f"if {count} & 129: {count}, p = read_count(d, p - 1)")
        self.emit(f"else: {count} >>= 1")
        self.emit(f"for _ in range({count}):")
        self._indent += 1
        if keep and texts and inner is Take.ALL:
            text = self.new()
            self.string(text)
            self.emit(f"{result}.append({text})")
        elif keep and texts:
            self.first_text(result)
        else:
            names = self.field(items, False, inner if keep else None)
            if keep:
                self.emit(f"{result}.append(({''.join(name + ',' for name in names)}))")
        self._indent -= 1
        self.emit(f"{count} = d[p]; p += 1")
        self._indent -= 1
        return [result] if keep else []

    def first_text(self, result: str) -> None:
        self.emit(f"if {result} is None:")
        self._indent += 1
        text = self.new()
        self.string(text)
        self.emit(f"{result} = {text}")
        self._indent -= 1
        self.emit("else:")
        self._indent += 1
        self.string(None)
        self._indent -= 1
