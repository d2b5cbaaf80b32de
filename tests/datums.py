"""Hypothesis strategies: any datum of a schema with possible times and lengths, valid as an event or not."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.cutter_readers import integer_range
from schemas.field_classes import kind_of, string_rules
from schemas.registry import EventType

_CHARACTERS = st.characters(exclude_categories=("Cs",))
_LONGEST_CHARACTER = 4  # bytes in UTF-8


def datums(event_type: EventType) -> st.SearchStrategy[dict[str, Any]]:
    """Datums of one event type; about half of the nullable fields are filled."""
    return _of(event_type.schema, {}, {})


def _of(node: Any, holder: dict[str, Any], named: dict[str, Any]) -> st.SearchStrategy[Any]:
    if isinstance(node, list):
        return st.none() | _of(node[1], holder, named)
    if isinstance(node, str) and node in named:
        node = named[node]
    if isinstance(node, dict) and "name" in node:
        space = node.get("namespace", "uk.masa")
        named[node["name"] if "." in node["name"] else f"{space}.{node['name']}"] = node
    kind = kind_of(node)
    bounds = integer_range(node)
    if bounds is not None:
        return st.integers(*bounds)
    match kind:
        case "record":
            fields = {each["name"]: _of(each["type"], each, named) for each in node["fields"]}
            return st.fixed_dictionaries(fields)
        case "array":
            return st.lists(_of(node["items"], holder, named), max_size=3)
        case "enum":
            return st.sampled_from(node["symbols"])
        case "string":
            _, longest = string_rules(holder, node)
            return st.text(_CHARACTERS, max_size=min(9, longest // _LONGEST_CHARACTER))
        case "int":
            return st.integers(-(2**31), 2**31 - 1)
        case "long":
            return st.integers(-(2**62), 2**62 - 1)
        case "boolean":
            return st.booleans()
    raise AssertionError(f"no strategy for {kind}")
