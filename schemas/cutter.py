"""Cuts an encoded event at its field boundaries, so that projections are joined from slices and never re-encoded.

A router that decoded each event and encoded it again for every recipient would spend most of its time there. A
`Cutter` is compiled once per event schema: one straight-line function, generated from the schema, that walks the
bytes once, notes where each leaf starts, checks every leaf's form and decodes just the values that routing needs. A
`projector` then joins the kept slices, with a null in the place of every withheld leaf.

The cutter is conservative. Whatever it is not certain about (an unusual block layout, a long text, an identifier it
cannot vouch for) it refuses with `CutError`; the caller then takes the slow path through `schemas.codec`, which
decides and explains. Property tests hold both to the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.cutter_readers import INTEGER_BYTES, Check, CutError, Readers, read_long, skip_long, skip_string
from schemas.cutter_readers import integer_range as range_of
from schemas.cutter_runs import RunMemory
from schemas.field_classes import NamedTypes, Schema, kind_of, string_rules, without_null

_ONE_BYTE_LENGTH = 63  # the greatest number whose Avro encoding is one byte

Values = tuple[Any, ...]
Cuts = tuple[int, ...]


class Unit(NamedTuple):
    """A slice of the encoding: a leaf, or the branch byte of a nullable record (whose path it then has)."""

    path: str
    is_leaf: bool


@dataclass(frozen=True, slots=True)
class Cutter:
    """`cut(data, start)` walks one event and returns the wanted values and the start of every unit, then the end.

    A wanted value below an absent nullable record is None. Raises a `ValueError` (`CutError` is one) or a
    `LookupError` when in doubt.
    """

    units: tuple[Unit, ...]
    cut: Callable[[bytes, int], tuple[Values, Cuts]]
    source: str = field(repr=False)


class Run(NamedTuple):
    """Neighbouring leaves, none of them below a nullable record, that together take few different values.

    The cutter remembers the bytes of such a run: when they come again, one look-up stands for walking it.
    """

    first: str
    last: str


def compile_cutter(
    schema: Schema, wanted: Sequence[str], checks: Mapping[str, Check], runs: Sequence[Run] = ()
) -> Cutter:
    """Compile a self-contained event schema.

    `wanted` are leaf paths to decode, in the order `cut` returns them; `checks` maps a `masa:format` to a predicate
    that is true only for surely valid values. Raises `KeyError` for a wanted path the schema does not have.
    """
    generator = _Generator(wanted, checks, runs)
    generator.record(schema["fields"], "")
    if missing := [path for path in wanted if path not in generator.decoded]:
        raise KeyError(missing[0])
    source = generator.source()
    scope: dict[str, Any] = {
        **generator.constants,
        "CutError": CutError,
        "read_long": read_long,
        "skip_long": skip_long,
        "skip_string": skip_string,
    }
    # The text comes from the released schema alone, as dataclasses generate theirs from a class body.
    exec(compile(source, f"<cutter of {schema['name']}>", "exec"), scope)  # noqa: S102
    return Cutter(units=tuple(generator.units), cut=scope["cut"], source=source)


class _OpenRun(NamedTuple):
    last: str
    memory: str  # name of the constant
    first_unit: int
    values: list[str]


class _Generator:
    """Writes the straight-line function. Local names: d data, p position, cN start of unit N, vN wanted value."""

    def __init__(self, wanted: Sequence[str], checks: Mapping[str, Check], runs: Sequence[Run]) -> None:
        self.runs = {run.first: run.last for run in runs}
        self.open_run: _OpenRun | None = None
        self.wanted = {path: f"v{index}" for index, path in enumerate(wanted)}
        self.checks = checks
        self.units: list[Unit] = []
        self.decoded: set[str] = set()
        self.constants: dict[str, Any] = {}
        self.names = NamedTypes()
        self.readers = Readers(self.names, checks)
        self.lines: list[str] = []
        self.depth = 1

    def source(self) -> str:
        values = "".join(name + "," for name in self.wanted.values())
        cuts = "".join(f"c{index}," for index in range(len(self.units)))
        tail = [
            "    if p != len(d): raise CutError('bytes left over, or missing')",
            f"    return ({values}), ({cuts}p)",
        ]
        return "\n".join(["def cut(d, p):", *self.lines, *tail])

    def emit(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def unit(self, path: str, *, is_leaf: bool) -> None:
        self.emit(f"c{len(self.units)} = p")
        self.units.append(Unit(path, is_leaf))

    def constant(self, value: object) -> str:
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def record(self, fields: Sequence[Schema], prefix: str) -> None:
        for each in fields:
            path = prefix + each["name"]
            inner, nullable = without_null(each["type"])
            node = self.names.resolve(inner)
            if kind_of(node) == "record":
                self.nested(node, path, nullable=nullable)
            else:
                self.leaf(node, each, path, nullable=nullable)

    def nested(self, node: Schema, path: str, *, nullable: bool) -> None:
        if not nullable:
            self.record(node["fields"], path + ".")
            return
        self.unit(path, is_leaf=False)
        self.emit("t = d[p]; p += 1")
        self.emit("if t == 2:")
        first = len(self.units)
        self.depth += 1
        self.record(node["fields"], path + ".")
        self.depth -= 1
        inside = range(first, len(self.units))
        values = [self.wanted[u.path] for u in self.units[first:] if u.path in self.wanted]
        self.emit("elif t == 0:")
        self.emit("    " + "".join(f"c{index} = " for index in inside) + "p")
        if values:
            self.emit("    " + " = ".join(values) + " = None")
        self.emit("else: raise CutError('no such branch')")

    def leaf(self, node: Any, fld: Schema, path: str, *, nullable: bool) -> None:
        if path in self.runs:
            self.begin_run(self.runs[path])
        self.unit(path, is_leaf=True)
        name = self.wanted.get(path)
        if name is not None:
            self.decoded.add(path)
        self.value_or_null(node, fld, name, nullable=nullable)
        if self.open_run is not None:
            if name is not None:
                self.open_run.values.append(name)
            if path == self.open_run.last:
                self.end_run(self.open_run)

    def begin_run(self, last: str) -> None:
        memory = self.constant(RunMemory())
        self.emit("q = p")
        self.emit(f"for n in {memory}.lengths:")
        self.emit(f"    r = {memory}.known.get(d[p:p + n])")
        self.emit("    if r is not None:")
        self.emit("        break")
        self.emit("else: r = None")
        self.emit("if r is None:")
        self.depth += 1
        self.open_run = _OpenRun(last, memory, len(self.units), [])

    def end_run(self, run: _OpenRun) -> None:
        """Close the walked branch, remembering what it found, and write the other one."""
        starts = [f"c{index}" for index in range(run.first_unit, len(self.units))]
        found = "".join(f"{name}, " for name in run.values) + "".join(f"{start} - q, " for start in starts)
        self.emit(f"{run.memory}.remember(d[q:p], ({found}))")
        self.depth -= 1
        self.emit("else:")
        self.emit("    " + "".join(f"{name}, " for name in (*run.values, *starts)) + "= r")
        self.emit("    " + "; ".join(f"{start} += q" for start in starts))
        self.emit("    p += n")
        self.open_run = None

    def value_or_null(self, node: Any, fld: Schema, name: str | None, *, nullable: bool) -> None:
        if not nullable:
            self.value(node, fld, name)
            return
        self.emit("t = d[p]; p += 1")
        self.emit("if t == 2:")
        self.depth += 1
        self.value(node, fld, name)
        self.depth -= 1
        if name is not None:
            self.emit(f"elif t == 0: {name} = None")
            self.emit("else: raise CutError('no such branch')")
        else:
            self.emit("elif t: raise CutError('no such branch')")

    def value(self, node: Any, fld: Schema, name: str | None) -> None:
        kind = kind_of(node)
        if kind == "string":
            self.string(fld, node, name)
        elif kind in INTEGER_BYTES:
            self.integer(kind, node, name)
        elif kind == "boolean":
            table = self.constant({0: False, 1: True})
            self.emit(f"{name} = {table}[d[p]]; p += 1" if name else f"{table}[d[p]]; p += 1")
        elif kind == "enum":
            self.enum(node, name)
        elif kind == "array":
            self.array(node, fld, name)
        else:
            raise CutError(f"type {kind} is not used in events")

    def integer(self, kind: str, node: Any, name: str | None) -> None:
        bounds = range_of(node)
        if name is None and bounds is None:
            self.emit(f"p = skip_long(d, p, {INTEGER_BYTES[kind]})")
            return
        value = name or "x"
        self.emit(f"{value}, p = read_long(d, p, {INTEGER_BYTES[kind]})")
        if bounds is not None:
            self.emit(f"if not {bounds[0]} <= {value} <= {bounds[1]}: raise CutError('unlikely number')")

    def string(self, fld: Schema, node: Any, name: str | None) -> None:
        fmt, limit = string_rules(fld, node)
        self.emit("n = d[p]; s = p + 1")
        if limit <= _ONE_BYTE_LENGTH:
            self.emit(f"if n & 1 or n > {2 * limit}: raise CutError('long text')")
            self.emit("p = s + (n >> 1)")
        else:
            self.emit(f"if n & 129: s, p = skip_string(d, p, {limit})")
            self.emit("else: p = s + (n >> 1)")
        if name or fmt:
            self.emit(f"{name or 'x'} = d[s:p].decode()")
        else:
            self.emit("x = d[s:p]; x.isascii() or x.decode()")
        if fmt:
            check = self.constant(self.checks[fmt])
            self.emit(f"if not {check}({name or 'x'}): raise CutError('not surely a {fmt}')")

    def enum(self, node: Schema, name: str | None) -> None:
        symbols = tuple(node["symbols"])
        if len(symbols) > _ONE_BYTE_LENGTH:
            raise CutError("an enum whose index may take two bytes")
        table = self.constant({2 * index: symbol for index, symbol in enumerate(symbols)})
        self.emit(f"{name} = {table}[d[p]]; p += 1" if name else f"{table}[d[p]]; p += 1")

    def array(self, node: Schema, fld: Schema, name: str | None) -> None:
        """An array walked in place; its items are read into dicts only if it is wanted and holds records."""
        item = self.names.resolve(node["items"])
        if name and kind_of(item) == "record":
            self.emit(f"{name}, p = {self.constant(self.readers.array(node, fld))}(d, p)")
            return
        if name:
            self.emit(f"{name} = []")
        self.emit("m = d[p]; p += 1")
        self.emit("while m:")
        self.depth += 1
        self.emit("if m & 129: raise CutError('unusual block')")
        self.emit("for _ in range(m >> 1):")
        self.depth += 1
        self.item(item, fld, name)
        self.depth -= 1
        self.emit("m = d[p]; p += 1")
        self.depth -= 1

    def item(self, node: Any, fld: Schema, name: str | None) -> None:
        if kind_of(node) == "record":
            for each in node["fields"]:
                inner, nullable = without_null(each["type"])
                self.value_or_null(self.names.resolve(inner), each, None, nullable=nullable)
            return
        self.value(node, fld, "y" if name else None)
        if name:
            self.emit(f"{name}.append(y)")
