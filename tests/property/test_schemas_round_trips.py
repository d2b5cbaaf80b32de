"""JSON, datum and bytes say the same, for every event type and any content."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import decode_event, encode_event
from schemas.compatibility import incompatibilities
from schemas.errors import ContractError, EventInvalid
from schemas.field_classes import NamedTypes, kind_of, without_null
from schemas.field_rules import FIRST_DAY, FIRST_MS, LAST_DAY, LAST_MS
from schemas.json_form import from_json, read_json, to_json
from schemas.registry import EventType, load_event_types
from schemas.wire import wire
from tests.datums import datums
from tests.events import an_event

TYPES = list(load_event_types().values())
ONE_OF_ALL = st.sampled_from(TYPES)
EACH_TYPE = pytest.mark.parametrize("event_type", TYPES, ids=lambda each: each.name)
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
RANGES = {"date": (FIRST_DAY, LAST_DAY), "timestamp-millis": (FIRST_MS, LAST_MS)}


def within_calendar(event_type: EventType, datum: dict[str, Any]) -> dict[str, Any]:
    """The datum with every time brought between 1900 and 2100, which is all that JSON need show."""
    names = NamedTypes()
    names.remember(event_type.schema)

    def bring(node: Any, value: Any) -> Any:
        node = names.resolve(without_null(node)[0])
        if value is None:
            return None
        if kind_of(node) == "record":
            return {each["name"]: bring(each["type"], value[each["name"]]) for each in node["fields"]}
        if kind_of(node) == "array":
            return [bring(node["items"], each) for each in value]
        span = RANGES.get(node.get("logicalType", "")) if isinstance(node, dict) else None
        return span[0] + value % (span[1] - span[0]) if span else value

    brought: dict[str, Any] = bring(event_type.schema, datum)
    return brought


@EACH_TYPE
@settings(max_examples=8, **PATIENT)
@given(data=st.data())
def test_json_and_bytes_give_back_the_same_datum(event_type: EventType, data: st.DataObject) -> None:
    """From datum to JSON text and back, and from datum to bytes and back, nothing changes."""
    datum = within_calendar(event_type, data.draw(datums(event_type)))
    text = json.dumps(to_json(event_type, datum))
    assert from_json(event_type, read_json(text)) == datum
    assert decode_event(encode_event(event_type, datum)).datum == datum


@settings(max_examples=200, **PATIENT)
@given(event_type=ONE_OF_ALL, data=st.data())
def test_any_json_is_read_or_refused_with_paths(event_type: EventType, data: st.DataObject) -> None:
    """A form with anything anywhere gives a datum that can be encoded, or named problems; nothing else happens."""
    form = to_json(event_type, an_event(event_type))
    for _ in range(data.draw(st.integers(1, 3))):
        holder: Any = form
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = data.draw(st.sampled_from(keys))
            if isinstance(holder[key], (dict, list)) and holder[key] and data.draw(st.booleans()):
                holder = holder[key]
                continue
            break
        if isinstance(holder, dict) and data.draw(st.integers(0, 3)) == 0:
            holder[data.draw(st.text(max_size=8))] = data.draw(JSON_VALUES)
        else:
            holder[key] = data.draw(JSON_VALUES)
    read = _read(event_type, form)
    if isinstance(read, EventInvalid):
        assert read.problems
        assert all(problem.message and problem.expected for problem in read.problems)
    else:
        assert decode_event(encode_event(event_type, read)).datum == read


def _read(event_type: EventType, form: Any) -> dict[str, Any] | EventInvalid:
    try:
        return from_json(event_type, form)
    except EventInvalid as invalid:
        return invalid


@settings(max_examples=300, **PATIENT)
@given(JSON_VALUES)
def test_any_json_value_at_all_is_refused_by_name(value: Any) -> None:
    """No JSON value but an event is an event."""
    with pytest.raises(EventInvalid):
        from_json(TYPES[0], value)


@settings(max_examples=400, **PATIENT)
@given(st.text(max_size=40) | st.binary(max_size=40))
def test_any_text_is_json_or_refused_by_name(text: str | bytes) -> None:
    """Reading JSON raises one kind of error only."""
    try:
        value = read_json(text)
    except EventInvalid:
        return
    assert json.loads(json.dumps(value)) == value


@settings(max_examples=300, **PATIENT)
@given(event_type=ONE_OF_ALL, tail=st.binary(max_size=300), data=st.data())
def test_any_bytes_are_an_event_or_refused_by_name(event_type: EventType, tail: bytes, data: st.DataObject) -> None:
    """Random bytes behind a right frame, and right bytes with a hole, raise the contract's errors only."""
    whole = encode_event(event_type, an_event(event_type))
    cut = data.draw(st.integers(10, len(whole)))
    for value in (whole[:10] + tail, whole[:cut] + tail, tail):
        try:
            decoded = decode_event(value)
        except ContractError:
            continue
        assert decode_event(encode_event(decoded.event_type, decoded.datum)).datum == decoded.datum


@settings(max_examples=60, **PATIENT)
@given(event_type=ONE_OF_ALL, data=st.data())
def test_what_is_called_compatible_can_be_read(event_type: EventType, data: st.DataObject) -> None:
    """After any edits: if the checker finds nothing, old bytes are read with the new schema, and new with the old."""
    old, new = event_type.schema, copy.deepcopy(event_type.schema)
    for edit in data.draw(st.lists(st.sampled_from([_drop, _add, _add_symbol, _drop_symbol]), min_size=1, max_size=3)):
        edit(new, data)
    before, after = wire(old), wire(new)
    payload = before.write(data.draw(datums(event_type)))
    if not incompatibilities(new, old):
        again = after.write(before.read_as(payload, 0, after))
        if not incompatibilities(old, new):
            after.read_as(again, 0, before)


def _drop(schema: dict[str, Any], data: st.DataObject) -> None:
    if len(schema["fields"]) > 2:
        at = data.draw(st.integers(1, len(schema["fields"]) - 1))
        gone = json.dumps(schema["fields"][at]["type"])
        if '"name"' not in gone:  # a type that is defined there may be used later
            del schema["fields"][at]


def _add(schema: dict[str, Any], data: st.DataObject) -> None:
    added = {"name": f"added{len(schema['fields'])}", "type": ["null", "int"]}
    if data.draw(st.booleans()):
        added["default"] = None
    schema["fields"].append(added)


def _enums(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [each for branch in node for each in _enums(branch)]
    if not isinstance(node, dict):
        return []
    here = [node] if node.get("type") == "enum" else []
    return here + _enums(node.get("items")) + [e for each in node.get("fields", ()) for e in _enums(each["type"])]


def _add_symbol(schema: dict[str, Any], data: st.DataObject) -> None:
    data.draw(st.sampled_from(_enums(schema)))["symbols"].append("ADDED")
    for each in _enums(schema):
        each["symbols"] = list(dict.fromkeys(each["symbols"]))


def _drop_symbol(schema: dict[str, Any], data: st.DataObject) -> None:
    enum = data.draw(st.sampled_from(_enums(schema)))
    if len(enum["symbols"]) > 2:
        enum["symbols"].pop()
    if data.draw(st.booleans()):
        enum.pop("default", None)
