"""The cutter's work as a flat program: what the compiled cutter (`schemas.native`) executes.

`schemas.cutter` writes the same steps as Python text. Here each leaf is one `Op` of small numbers; a record that may be
null and an array reach over the ops up to `end`. What both refuse, and what they find, is the same: a property test
holds them to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from schemas.cutter import Unit
from schemas.cutter_readers import INTEGER_BYTES, CutError, Reader, Readers, integer_range
from schemas.field_classes import NamedTypes, Schema, kind_of, string_rules, without_null

# Kinds of op and formats of strings: the numbers are known to native.pyx.
GROUP, STRING, INTEGER, BOOLEAN, ENUM, ARRAY = range(6)
FORMATS: tuple[str | None, ...] = (
    None, "nhs-number", "upn", "uuid", "urn", "setting-urn", "ods", "gss", "laestab", "uprn", "postcode", "phone",
    "agency-id", "role-id",
)  # fmt: skip
_ONE_BYTE_LENGTH = 63
_ANY = (-(2**63), 2**63 - 1)


class Op(NamedTuple):
    """One step. `unit` and `want` are -1 where the step has none.

    `limit`: greatest length of a string (bytes), longest varint of an integer (bytes), greatest index of an enum.
    `long_form`: lengths of strings and counts of arrays may take more than one byte.
    """

    kind: int
    nullable: bool
    unit: int
    want: int
    limit: int = 0
    low: int = _ANY[0]
    high: int = _ANY[1]
    fmt: int = 0
    long_form: bool = False
    end: int = 0  # index of the first op after a group's or an array's


class Wanted(NamedTuple):
    """How to make a Python value of what was found: its kind, an enum's symbols, or the reader of an array."""

    kind: int
    symbols: tuple[str, ...] = ()
    reader: Reader | None = None


class CutProgram(NamedTuple):
    """Ops in schema order, the units they mark, and the wanted values in the order asked for."""

    ops: tuple[Op, ...]
    units: tuple[Unit, ...]
    wanted: tuple[Wanted, ...]


def cut_program(schema: Schema, wanted: Sequence[str]) -> CutProgram:
    """Compile a self-contained event schema. Raises `KeyError` for a wanted path that it does not have."""
    maker = _Maker(wanted)
    maker.fields(schema["fields"], "")
    missing = [path for path in wanted if path not in maker.found]
    if missing:
        raise KeyError(missing[0])
    return CutProgram(tuple(maker.ops), tuple(maker.units), tuple(maker.found[path] for path in wanted))


class _Maker:
    def __init__(self, wanted: Sequence[str]) -> None:
        self.index = {path: number for number, path in enumerate(wanted)}
        self.ops: list[Op] = []
        self.units: list[Unit] = []
        self.found: dict[str, Wanted] = {}
        self.names = NamedTypes()
        # Only for making values; what they read has been checked by then.
        self.readers = Readers(self.names, dict.fromkeys(filter(None, FORMATS), _anything))

    def unit(self, path: str, *, is_leaf: bool) -> int:
        self.units.append(Unit(path, is_leaf))
        return len(self.units) - 1

    def fields(self, fields: Sequence[Schema], prefix: str) -> None:
        for each in fields:
            inner, nullable = without_null(each["type"])
            node = self.names.resolve(inner)
            path = prefix + each["name"]
            if kind_of(node) != "record":
                unit = self.unit(path, is_leaf=True)
                self.leaf(node, each, nullable=nullable, unit=unit, path=path)
            elif nullable:
                unit = self.unit(path, is_leaf=False)
                self.reaching(Op(GROUP, True, unit, -1), partial(self.fields, node["fields"], path + "."))
            else:
                self.fields(node["fields"], path + ".")

    def leaf(
        self, node: Any, fld: Schema, *, nullable: bool, unit: int, path: str | None, long_form: bool = False
    ) -> None:
        want = -1 if path is None else self.index.get(path, -1)
        op = self.op(node, fld, Op(-1, nullable, unit, want, long_form=long_form))
        if path is not None and want >= 0:
            symbols = tuple(node["symbols"]) if op.kind == ENUM else ()
            reader = self.readers.array(node, fld) if op.kind == ARRAY else None
            self.found[path] = Wanted(op.kind, symbols, reader)
        if op.kind == ARRAY:
            self.array(node, fld, op)
        else:
            self.ops.append(op)

    def op(self, node: Any, fld: Schema, op: Op) -> Op:
        kind = kind_of(node)
        if kind == "string":
            fmt, limit = string_rules(fld, node)
            long_form = op.long_form or limit > _ONE_BYTE_LENGTH
            return op._replace(kind=STRING, limit=limit, fmt=FORMATS.index(fmt), long_form=long_form)
        if kind in INTEGER_BYTES:
            low, high = integer_range(node) or _ANY
            return op._replace(kind=INTEGER, limit=INTEGER_BYTES[kind], low=low, high=high)
        if kind == "boolean":
            return op._replace(kind=BOOLEAN)
        if kind == "enum":
            if len(node["symbols"]) > _ONE_BYTE_LENGTH:
                raise CutError("an enum whose index may take two bytes")
            return op._replace(kind=ENUM, limit=len(node["symbols"]) - 1)
        if kind == "array":
            return op._replace(kind=ARRAY)
        raise CutError(f"type {kind} is not used in events")

    def array(self, node: Schema, fld: Schema, op: Op) -> None:
        """A wanted array of records is read as `schemas.cutter_readers` reads it: long counts and lengths too."""
        item = self.names.resolve(without_null(node["items"])[0])
        long_form = op.long_form or (op.want >= 0 and kind_of(item) == "record")
        self.reaching(op._replace(long_form=long_form), partial(self.item, node["items"], fld, long_form=long_form))

    def item(self, node: Any, fld: Schema, *, long_form: bool) -> None:
        inner, nullable = without_null(node)
        node = self.names.resolve(inner)
        if kind_of(node) != "record":
            self.leaf(node, fld, nullable=nullable, unit=-1, path=None, long_form=long_form)
            return
        if not node["fields"]:
            raise CutError("a record without fields is not used in arrays")
        if nullable:
            self.reaching(Op(GROUP, True, -1, -1), partial(self.inside, node, long_form=long_form))
        else:
            self.inside(node, long_form=long_form)

    def inside(self, node: Schema, *, long_form: bool) -> None:
        for each in node["fields"]:
            inner, nullable = without_null(each["type"])
            field = self.names.resolve(inner)
            if kind_of(field) == "record":
                self.item(each["type"], each, long_form=long_form)
            else:
                self.leaf(field, each, nullable=nullable, unit=-1, path=None, long_form=long_form)

    def reaching(self, op: Op, inside: Callable[[], None]) -> None:
        place = len(self.ops)
        self.ops.append(op)
        inside()
        self.ops[place] = op._replace(end=len(self.ops))


def _anything(value: str) -> bool:
    del value
    return True
