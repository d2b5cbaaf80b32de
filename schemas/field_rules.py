"""Rules about single fields: identifier formats, lengths of text, the range of times."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from schemas.dates import MILLIS_PER_DAY
from schemas.errors import FieldProblem
from schemas.field_classes import NamedTypes, Schema, kind_of, string_rules, without_null
from schemas.identifiers import check_format
from schemas.registry import EventType
from schemas.vocabulary import RejectReason
from schemas.wire import Datum

FIRST_DAY = -25_567  # 1900-01-01, days since the epoch
LAST_DAY = 47_846  # 2100-12-31
FIRST_MS = FIRST_DAY * MILLIS_PER_DAY
LAST_MS = (LAST_DAY + 1) * MILLIS_PER_DAY - 1

Problems = list[FieldProblem]
_Check = Callable[[Any, str, Problems, bool], None]


def field_problems(event_type: EventType, datum: Datum, *, allow_synthetic: bool) -> Problems:
    """Problems of single fields of a datum that has the right shape, in schema order."""
    problems: Problems = []
    if check := _checker(event_type):
        check(datum, "", problems, allow_synthetic)
    return problems


@lru_cache(maxsize=512)
def _checker(event_type: EventType) -> _Check | None:
    return _compile(event_type.schema, {}, NamedTypes())


def _compile(schema: Any, holder: Schema, names: NamedTypes) -> _Check | None:
    """A check of a node, or None when nothing in it needs one. `holder` is the field that has it."""
    node = names.resolve(without_null(schema)[0])
    kind = kind_of(node)
    if kind == "record":
        parts = [(each["name"], _compile(each["type"], each, names)) for each in node["fields"]]
        return _record([(name, check) for name, check in parts if check])
    if kind == "array":
        item = _compile(node["items"], holder, names)
        return _array(item) if item else None
    if kind == "string":
        return _text(*string_rules(holder, node))
    match node.get("logicalType") if isinstance(node, dict) else None:
        case "date":
            return _range(FIRST_DAY, LAST_DAY)
        case "timestamp-millis":
            return _range(FIRST_MS, LAST_MS)
        case _:
            return None


def _record(parts: list[tuple[str, _Check]]) -> _Check:
    def check(value: Any, path: str, problems: Problems, synthetic: bool) -> None:
        prefix = path + "." if path else ""
        for name, inner in parts:
            part = value.get(name)
            if part is not None:
                inner(part, prefix + name, problems, synthetic)

    return check


def _array(item: _Check) -> _Check:
    def check(value: Any, path: str, problems: Problems, synthetic: bool) -> None:
        for index, each in enumerate(value):
            item(each, f"{path}[{index}]", problems, synthetic)

    return check


def _text(fmt: str | None, longest: int) -> _Check:
    def check(value: Any, path: str, problems: Problems, synthetic: bool) -> None:
        if len(value) > longest:
            right = f"at most {longest} characters"
            problems.append(FieldProblem(path, RejectReason.TEXT_TOO_LONG, f"has {len(value)} characters", right))
        elif fmt is not None and (right := check_format(fmt, value, synthetic_ok=synthetic) or ""):
            problems.append(FieldProblem(path, RejectReason.IDENTIFIER, f"is not a valid {fmt}", right))

    return check


def _range(first: int, last: int) -> _Check:
    def check(value: Any, path: str, problems: Problems, synthetic: bool) -> None:
        del synthetic
        if not first <= value <= last:
            right = "a time between 1900 and 2100"
            problems.append(FieldProblem(path, RejectReason.TIME, "is an impossible time", right))

    return check
