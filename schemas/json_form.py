"""The JSON form of events, for people and for HTTP.

Plain values without Avro's union wrappers, field names as in the schema (lowerCamelCase), instants as ISO 8601 in UTC
with milliseconds (`2026-10-01T08:30:00.000Z`), days as `2026-10-01`. A nullable field may be left out. Reading collects
every problem, each with its path; unknown keys are problems too, because a misspelt field would otherwise be lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

from schemas import json_values
from schemas.errors import EventInvalid, FieldProblem
from schemas.field_classes import NamedTypes, Schema, kind_of
from schemas.registry import EventType, RecordName, record_wire
from schemas.shape import encodable, mismatch, missing, not_utf8, unknown_key, unknown_symbol
from schemas.vocabulary import RejectReason
from schemas.wire import Datum, Wire

Problems = list[FieldProblem]
_Reader = Callable[[Any, str, Problems], Any]
_Writer = Callable[[Any, str], Any]


def to_json(event_type: EventType, datum: Datum) -> dict[str, Any]:
    """JSON form of an event. Raises `EventInvalid` for an instant or day beyond the years 1 to 9999."""
    form: dict[str, Any] = _plan(event_type.wire)[1](datum, "")
    return form


def from_json(event_type: EventType, obj: Any) -> Datum:
    """The datum of a JSON form. Raises `EventInvalid` with every problem found."""
    problems: Problems = []
    datum: Datum = _plan(event_type.wire)[0](obj, "", problems)
    if problems:
        raise EventInvalid(problems)
    return datum


def record_to_json(name: RecordName, datum: Datum) -> dict[str, Any]:
    """JSON form of one of the exchange's own records; bytes as Base64."""
    form: dict[str, Any] = _plan(record_wire(name))[1](datum, "")
    return form


def read_json(text: str | bytes) -> Any:
    """Parse JSON text strictly: no repeated keys, no NaN or Infinity, nesting within bounds.

    Raises `EventInvalid` (UNDECODABLE, or TEXT_NOT_UTF8) saying where, without repeating the text.
    """
    try:
        source = text.decode("utf-8") if isinstance(text, bytes) else text
        return _STRICT.decode(source)
    except UnicodeDecodeError:
        raise _unreadable(RejectReason.TEXT_NOT_UTF8, "is not UTF-8", "JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"is not JSON (line {error.lineno}, column {error.colno})"
        raise _unreadable(RejectReason.UNDECODABLE, where, "a JSON object") from None
    except RecursionError:
        raise _unreadable(RejectReason.UNDECODABLE, "is nested too deeply", "an event as its schema has it") from None
    except ValueError:  # a number of thousands of digits
        raise _unreadable(RejectReason.UNDECODABLE, "has too long a number", "a number of 64 bits") from None


def read_leaf(event_type: EventType, path: str, value: Any) -> Any:
    """The datum value of one leaf from its JSON value. Raises `EventInvalid`, also when there is no such leaf."""
    leaf = event_type.leaf_by_path.get(path)
    if leaf is None:
        raise EventInvalid([unknown_key("", path, frozenset(event_type.paths))])
    if value is None and leaf.optional:
        return None
    problems: Problems = []
    read = _leaf_reader(event_type, path)(value, path, problems)
    if problems:
        raise EventInvalid(problems)
    return read


@lru_cache(maxsize=8192)
def _leaf_reader(event_type: EventType, path: str) -> _Reader:
    return _compile(event_type.leaf_by_path[path].node, _names(event_type))[0]


@lru_cache(maxsize=512)
def _names(event_type: EventType) -> NamedTypes:
    """Every named type of the event's schema, so that a leaf's node can be compiled alone."""
    names = NamedTypes()
    names.remember(event_type.schema)
    return names


@lru_cache(maxsize=512)
def _plan(wire: Wire) -> tuple[_Reader, _Writer]:
    return _compile(wire.schema, NamedTypes())


def _compile(schema: Any, names: NamedTypes) -> tuple[_Reader, _Writer]:
    node = names.resolve(schema)
    kind = kind_of(node)
    logical = node.get("logicalType") if isinstance(node, dict) else None
    match kind:
        case "union":
            return _nullable(*_compile(next(branch for branch in node if branch != "null"), names))
        case "record":
            return _record([(each, *_compile(each["type"], names)) for each in node["fields"]])
        case "array":
            return _array(*_compile(node["items"], names))
        case "enum":
            return _enum(tuple(node["symbols"])), _same
        case "string":
            return _read_string, _same
        case "boolean":
            return _of_type(bool, "true or false"), _same
        case "bytes" | "fixed":
            return json_values.read_bytes, json_values.write_bytes
        case "double" | "float":
            return _read_number, _same
        case _ if logical == "date":
            return json_values.read_day, json_values.write_day
        case _ if logical == "timestamp-millis":
            return json_values.read_instant, json_values.write_instant
        case _:
            return _integer(31 if kind == "int" else 63), _same


def _nullable(reader: _Reader, writer: _Writer) -> tuple[_Reader, _Writer]:
    def read(value: Any, path: str, problems: Problems) -> Any:
        return None if value is None else reader(value, path, problems)

    def write(value: Any, path: str) -> Any:
        return None if value is None else writer(value, path)

    return read, write


def _record(fields: list[tuple[Schema, _Reader, _Writer]]) -> tuple[_Reader, _Writer]:
    plan = [(each["name"], _absence(each), reader, writer) for each, reader, writer in fields]
    known = frozenset(name for name, *_ in plan)

    def read(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.append(mismatch(path, value, "an object"))
            return None
        prefix = path + "." if path else ""
        datum: Datum = {}
        for name, absence, reader, _ in plan:
            if name in value or absence == _EMPTY_RECORD:
                datum[name] = reader(value.get(name, {}), prefix + name, problems)
            elif absence == _NULL:
                datum[name] = None
            else:
                problems.append(missing(prefix + name))
        problems.extend(unknown_key(prefix, key, known) for key in value if key not in known)
        return datum

    def write(value: Any, path: str) -> Any:
        prefix = path + "." if path else ""
        return {name: writer(value.get(name), prefix + name) for name, _, _, writer in plan}

    return read, write


_NULL, _EMPTY_RECORD, _ERROR = "null", "an empty record", "an error"


def _absence(each: Schema) -> str:
    """What a missing key means: null for a nullable field, a record whose own fields are missing, or an error."""
    if isinstance(each["type"], list):
        return _NULL
    return _EMPTY_RECORD if kind_of(each["type"]) == "record" else _ERROR


def _array(reader: _Reader, writer: _Writer) -> tuple[_Reader, _Writer]:
    def read(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, list):
            problems.append(mismatch(path, value, "a list"))
            return None
        return [reader(item, f"{path}[{index}]", problems) for index, item in enumerate(value)]

    def write(value: Any, path: str) -> Any:
        return [writer(item, f"{path}[{index}]") for index, item in enumerate(value)]

    return read, write


def _enum(symbols: tuple[str, ...]) -> _Reader:
    allowed = frozenset(symbols)

    def read(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, str):
            problems.append(mismatch(path, value, "one of " + ", ".join(symbols)))
        elif value not in allowed:
            problems.append(unknown_symbol(path, symbols))
        return value

    return read


def _integer(bits: int) -> _Reader:
    limit = 1 << bits

    def read(value: Any, path: str, problems: Problems) -> Any:
        if type(value) is not int:
            problems.append(mismatch(path, value, "a whole number"))
        elif not -limit <= value < limit:
            problems.append(FieldProblem(path, RejectReason.TYPE_MISMATCH, "is too large", f"a {bits + 1}-bit number"))
        return value

    return read


def _read_string(value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, str):
        problems.append(mismatch(path, value, "text"))
    elif not value.isascii() and not encodable(value):
        problems.append(not_utf8(path))
    return value


def _read_number(value: Any, path: str, problems: Problems) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        problems.append(mismatch(path, value, "a number"))
        return value
    return float(value)


def _of_type(kind: type, right: str) -> _Reader:
    def read(value: Any, path: str, problems: Problems) -> Any:
        if type(value) is not kind:
            problems.append(mismatch(path, value, right))
        return value

    return read


def _same(value: Any, path: str) -> Any:
    del path
    return value


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    obj = dict(pairs)
    if len(obj) != len(pairs):
        raise _unreadable(RejectReason.UNDECODABLE, "has an object with a repeated key", "each key once")
    return obj


def _no_constants(name: str) -> NoReturn:
    raise _unreadable(RejectReason.UNDECODABLE, f"has the number {name}", "a number that JSON knows")


# Made once: `json.loads` with hooks would make one for each text.
_STRICT = json.JSONDecoder(object_pairs_hook=_no_repeats, parse_constant=_no_constants)


def _unreadable(code: RejectReason, message: str, expected: str) -> EventInvalid:
    return EventInvalid([FieldProblem("", code, message, expected)])
