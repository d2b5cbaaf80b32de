"""A valid example of every event type, with fictional people and organisations.

Values come, in this order, from what a field's name, format and type suggest, from the catalogue's `example`, and from
the caller's overrides. Times are relative to the moment the example is made: `now`, `now-3d`, `now+10w` (m minutes,
h hours, d days, w weeks, y years).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from schemas.errors import EventInvalid
from schemas.example_times import RELATIVE, TIMES, time_text
from schemas.field_classes import NamedTypes, Schema, kind_of, string_rules, without_null
from schemas.json_form import read_leaf
from schemas.registry import EventType
from schemas.resolve import definitions
from schemas.shape import unknown_key
from schemas.wire import Datum

_RECORDED_AFTER_MS = 5 * 60_000  # an example is recorded this long before it is published
_EXAMPLE = "example"

_BY_FORMAT = {
    "nhs-number": "9991002340",
    "upn": "B801200005001",
    "urn": "990001",
    "setting-urn": "EY990001",
    "ods": "RZ1",
    "gss": "E10000099",
    "laestab": "9992001",
    "uprn": "100000000001",
    "postcode": "ZZ9 9ZZ",
    "phone": "01632 960001",
    "agency-id": "northshire-csc",
    "role-id": "front-door",
    "uuid": "01900000-0000-7000-8000-000000000001",
}
# Left empty unless the catalogue says otherwise: each of these changes who receives the event, or excludes another.
_EMPTY = frozenset(
    "envelope." + path
    for path in (
        "proposedRecipients",
        "excludeRecipients",
        "supersedes",
        "settings.placingLaGss",
        "settings.hostLaGss",
        "settings.accusedSettingUrn",
        "child.expectedDeliveryDate",
        "child.motherNhsNumber",
        "child.upnUnknownReason",
        "child.siblingRefs",
    )
)
_DERIVED = ("envelope.recordedAt", "envelope.publishedAt")


def new_event_id(now_ms: int, randbits: int | Callable[[int], int]) -> str:
    """A UUID version 7 (RFC 9562).

    `randbits` is 74 random bits, or a function that gives that many (`secrets.randbits`, `Random.getrandbits`).
    """
    bits = (randbits(74) if callable(randbits) else randbits) & ((1 << 74) - 1)
    value = (now_ms & ((1 << 48) - 1)) << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & ((1 << 62) - 1)
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def example(
    event_type: EventType,
    *,
    now_ms: int,
    event_id: str,
    overrides: Mapping[str, Any] | None = None,
) -> Datum:
    """A datum of the type, richly filled, published at `now_ms`.

    `overrides` maps leaf paths, or paths of records, to values in JSON form: text, numbers, lists, ISO or relative
    times, Python dates; None empties a leaf or a whole nullable record. Raises `EventInvalid` for a path or a value
    that does not fit.
    """
    given = overrides or {}
    fixed, moving = _template(event_type)
    datum: Datum = _copy(fixed)
    for values in (moving, given):
        for path, value in values.items():
            _set(event_type, datum, path, value, now_ms)
    envelope = datum["envelope"]
    derived = {
        "eventId": event_id,
        "eventType": event_type.name,
        "schemaVersion": event_type.version,
        "publishedAt": now_ms,
        "recordedAt": max(envelope["occurredAt"], now_ms - _RECORDED_AFTER_MS),
    }
    envelope.update((name, value) for name, value in derived.items() if f"envelope.{name}" not in given)
    return datum


@lru_cache(maxsize=512)
def _template(event_type: EventType) -> tuple[Datum, Mapping[str, Any]]:
    """The example with everything that does not depend on the moment, and the values that do, by path."""
    fixed: Datum = _generic(event_type.schema, NamedTypes(), "")
    times = (leaf.path for leaf in event_type.leaves if leaf.logical in TIMES)
    moving: dict[str, Any] = {path: "now-1d" for path in times if path not in _EMPTY and path not in _DERIVED}
    for path, value in event_type.example.items():
        if _moves(value):
            moving[path] = value
        else:
            _set(event_type, fixed, path, value, 0)
            for below in [each for each in moving if each == path or each.startswith(path + ".")]:
                del moving[below]
    return fixed, moving


def _moves(value: Any) -> bool:
    """Whether a value, or anything in it, is relative to the moment."""
    if isinstance(value, (list, dict)):
        return any(map(_moves, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and RELATIVE.fullmatch(value) is not None


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(each) for name, each in value.items()}
    return list(map(_copy, value)) if isinstance(value, list) else value


def _generic(schema: Any, names: NamedTypes, path: str) -> Any:
    """A value for a node from its type alone; a nullable record or leaf is filled too. Times are 0."""
    node = names.resolve(without_null(schema)[0])
    kind = kind_of(node)
    if kind == "record":
        prefix = path + "." if path else ""
        return {each["name"]: _generic_field(each, names, prefix + each["name"]) for each in node["fields"]}
    if kind == "array":
        return [_generic(node["items"], names, path + "[]")]
    if kind == "enum":
        return next(symbol for symbol in node["symbols"] if symbol != "UNKNOWN")
    if kind == "boolean":
        return False
    if kind in ("int", "long"):
        return 0 if isinstance(node, dict) and "logicalType" in node else 1
    return _EXAMPLE


def _generic_field(each: Schema, names: NamedTypes, path: str) -> Any:
    value = _generic(each["type"], names, path)
    if path in _EMPTY:
        return None
    if value != _EXAMPLE:
        return value
    fmt, longest = string_rules(each, without_null(each["type"])[0])
    return _BY_FORMAT[fmt] if fmt else _words(each["name"])[:longest]


def _words(name: str) -> str:
    """`whenSafe` as `Example when safe`."""
    return "Example " + re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _set(event_type: EventType, datum: Datum, path: str, value: Any, now_ms: int) -> None:
    """Put a value at a leaf's or record's path, making the records around it."""
    if path in event_type.leaf_by_path:
        holder, name = _holder(event_type, datum, path)
        holder[name] = _wire_value(event_type, path, value, now_ms)
        return
    inside = [leaf for leaf in event_type.paths if leaf.startswith(path + ".")]
    if not inside or not (value is None or isinstance(value, dict)):
        raise EventInvalid([unknown_key("", path, frozenset(event_type.paths))])
    holder, name = _holder(event_type, datum, path)
    if value is None:
        holder[name] = None if _is_nullable(event_type, path) else _empty(inside, path)
        return
    holder[name] = _empty(inside, path)
    for key, each in value.items():
        _set(event_type, datum, f"{path}.{key}", each, now_ms)


def _holder(event_type: EventType, datum: Datum, path: str) -> tuple[Datum, str]:
    """The dict that holds a path's last field, and that field's name."""
    *records, name = path.split(".")
    here, done = datum, ""
    for record in records:
        done += record
        if here[record] is None:
            here[record] = _empty([leaf for leaf in event_type.paths if leaf.startswith(done + ".")], done)
        here, done = here[record], done + "."
    return here, name


def _empty(inside: list[str], path: str) -> Datum:
    """A record with every leaf null."""
    record: Datum = {}
    for leaf in inside:
        *records, name = leaf[len(path) + 1 :].split(".")
        here = record
        for each in records:
            here = here.setdefault(each, {})
        here[name] = None
    return record


def _is_nullable(event_type: EventType, path: str) -> bool:
    names, node = NamedTypes(), event_type.schema
    nullable = False
    for part in path.split("."):
        for each in node["fields"]:
            inner, can_be_null = without_null(each["type"])
            resolved = names.resolve(inner)
            if each["name"] == part:
                node, nullable = resolved, can_be_null
                break
    return nullable


def _wire_value(event_type: EventType, path: str, value: Any, now_ms: int) -> Any:
    leaf = event_type.leaf_by_path[path]
    if leaf.logical in TIMES and type(value) is int:
        return value
    if leaf.kind == "array" and isinstance(value, list):
        logical = _item_times(event_type, path)
        value = [_item(each, logical, now_ms) for each in value]
    return read_leaf(event_type, path, time_text(value, leaf.logical, now_ms))


def _item(value: Any, logical: Mapping[str, str], now_ms: int) -> Any:
    """An item of a list: the times among its fields in JSON form."""
    if not isinstance(value, dict):
        return value
    return {key: time_text(each, logical.get(key), now_ms) for key, each in value.items()}


@lru_cache(maxsize=4096)
def _item_times(event_type: EventType, path: str) -> Mapping[str, str]:
    """Logical types of the time fields of a list's item record, by field name."""
    items = event_type.leaf_by_path[path].node["items"]
    if isinstance(items, str):
        items = definitions({event_type.name: event_type.schema}).get(items, items)
    if kind_of(items) != "record":
        return {}
    nodes = {each["name"]: without_null(each["type"])[0] for each in items["fields"]}
    return {
        name: node["logicalType"]
        for name, node in nodes.items()
        if isinstance(node, dict) and node.get("logicalType") in TIMES
    }
