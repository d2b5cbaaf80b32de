"""Whether a datum has the shape of its schema: every problem, each with its path.

fastavro stops at the first misfit, without saying where, and lets some through (a number beyond 32 bits in an `int`,
anything truthy as a boolean). Writers call this first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from schemas.catalogue import suggest
from schemas.errors import FieldProblem
from schemas.field_classes import NamedTypes, Schema, kind_of
from schemas.vocabulary import RejectReason
from schemas.wire import Wire

_Check = Callable[[Any, str, list[FieldProblem]], None]
_FIELD_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(?:\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,3}")
_RANGES = {"int": 1 << 31, "long": 1 << 63}


def shape_problems(wire: Wire, datum: Any) -> list[FieldProblem]:
    """Everything about `datum` that its schema does not allow; empty when it can be written."""
    problems: list[FieldProblem] = []
    _checker(wire)(datum, "", problems)
    return problems


@lru_cache(maxsize=512)
def _checker(wire: Wire) -> _Check:
    return _compile(wire.schema, NamedTypes())


def _compile(schema: Any, names: NamedTypes) -> _Check:
    node = names.resolve(schema)
    kind = kind_of(node)
    match kind:
        case "union":
            return _nullable(_compile(next(branch for branch in node if branch != "null"), names))
        case "record":
            return _record([(each, _compile(each["type"], names)) for each in node["fields"]])
        case "array":
            return _array(_compile(node["items"], names))
        case "enum":
            return _enum(tuple(node["symbols"]))
        case "int" | "long":
            return _integer(_RANGES[kind])
        case "string":
            return _string
        case "boolean":
            return _of_type(bool, "true or false")
        case "double" | "float":
            return _of_type(float, "a number")
        case "bytes":
            return _of_type(bytes, "bytes")
        case _:
            return _fixed(node["size"])


def _nullable(inner: _Check) -> _Check:
    def check(value: Any, path: str, problems: list[FieldProblem]) -> None:
        if value is not None:
            inner(value, path, problems)

    return check


def _record(fields: list[tuple[Schema, _Check]]) -> _Check:
    known = frozenset(each["name"] for each, _ in fields)
    plan = [(each["name"], "default" in each, inner) for each, inner in fields]

    def check(value: Any, path: str, problems: list[FieldProblem]) -> None:
        if not isinstance(value, dict):
            problems.append(mismatch(path, value, "a record"))
            return
        prefix = path + "." if path else ""
        for name, has_default, inner in plan:
            if name in value:
                inner(value[name], prefix + name, problems)
            elif not has_default:
                problems.append(missing(prefix + name))
        if not known.issuperset(value):
            problems.extend(unknown_key(prefix, key, known) for key in value if key not in known)

    return check


def _array(inner: _Check) -> _Check:
    def check(value: Any, path: str, problems: list[FieldProblem]) -> None:
        if not isinstance(value, list):
            problems.append(mismatch(path, value, "a list"))
            return
        for index, item in enumerate(value):
            inner(item, f"{path}[{index}]", problems)

    return check


def _enum(symbols: tuple[str, ...]) -> _Check:
    allowed = frozenset(symbols)

    def check(value: Any, path: str, problems: list[FieldProblem]) -> None:
        if not isinstance(value, str):
            problems.append(mismatch(path, value, "one of " + ", ".join(symbols)))
        elif value not in allowed:
            problems.append(unknown_symbol(path, symbols))

    return check


def _integer(limit: int) -> _Check:
    def check(value: Any, path: str, problems: list[FieldProblem]) -> None:
        if type(value) is not int:
            problems.append(mismatch(path, value, "a whole number"))
        elif not -limit <= value < limit:
            bits = limit.bit_length()
            problems.append(FieldProblem(path, RejectReason.TYPE_MISMATCH, "is too large", f"a {bits}-bit number"))

    return check


def _string(value: Any, path: str, problems: list[FieldProblem]) -> None:
    if type(value) is not str:
        problems.append(mismatch(path, value, "text"))
    elif not value.isascii() and not encodable(value):
        problems.append(not_utf8(path))


def _of_type(kind: type, right: str) -> _Check:
    def check(value: Any, path: str, problems: list[FieldProblem]) -> None:
        if type(value) is not kind:
            problems.append(mismatch(path, value, right))

    return check


def _fixed(size: int) -> _Check:
    def check(value: Any, path: str, problems: list[FieldProblem]) -> None:
        if type(value) is not bytes or len(value) != size:
            problems.append(mismatch(path, value, f"{size} bytes"))

    return check


def encodable(text: str) -> bool:
    """Whether a text can be written as UTF-8: it has no lone half of a surrogate pair."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def mismatch(path: str, value: Any, right: str) -> FieldProblem:
    """A value of the wrong type; says the type, never the value."""
    code = RejectReason.REQUIRED_FIELD if value is None else RejectReason.TYPE_MISMATCH
    return FieldProblem(path, code, f"is {_describe(value)}", right)


def missing(path: str) -> FieldProblem:
    return FieldProblem(path, RejectReason.REQUIRED_FIELD, "is missing", "a value: this field is never empty")


def unknown_symbol(path: str, symbols: tuple[str, ...]) -> FieldProblem:
    return FieldProblem(path, RejectReason.UNKNOWN_ENUM, "is not a word of its list", "one of " + ", ".join(symbols))


def not_utf8(path: str) -> FieldProblem:
    return FieldProblem(path, RejectReason.TEXT_NOT_UTF8, "has half of a surrogate pair", "text in UTF-8")


def unknown_key(prefix: str, key: Any, known: frozenset[str]) -> FieldProblem:
    """A key the schema does not have. The key is named only when it looks like a field name."""
    name = key if isinstance(key, str) and _FIELD_PATH.fullmatch(key) else "?"
    right = suggest(name, known).removeprefix("; ")
    return FieldProblem(prefix + name, RejectReason.TYPE_MISMATCH, "is not a field of the schema", right)


def _describe(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number with a fraction"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a record"
        case _:
            return f"of type {type(value).__name__}"
