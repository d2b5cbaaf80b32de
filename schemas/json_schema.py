"""JSON Schema (2020-12) of the JSON form of an event, from its Avro schema.

For documents and editors. What decides whether an event is valid is `schemas.json_form` and `schemas.validation`, which
say more: identifiers' check digits, legal gateways, and what one field means for another.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from schemas.field_classes import DEFAULT_MAX_LENGTH, FORMAT, MAX_LENGTH, NamedTypes, Schema, kind_of
from schemas.registry import EventType

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@lru_cache(maxsize=512)
def event_json_schema(event_type: EventType) -> dict[str, Any]:
    """Self-contained; field names, descriptions, limits and symbols as in the Avro schema. Do not change the result."""
    body = _node(event_type.schema, NamedTypes())
    return {"$schema": DIALECT, "$id": f"urn:masa:event:{event_type.name}", "title": event_type.title} | body


def _node(schema: Any, names: NamedTypes) -> dict[str, Any]:
    node = names.resolve(schema)
    kind = kind_of(node)
    logical = node.get("logicalType") if isinstance(node, dict) else None
    match kind:
        case "union":
            return _nullable(_node(next(branch for branch in node if branch != "null"), names))
        case "record":
            return _record(node, names)
        case "array":
            return {"type": "array", "items": _node(node["items"], names)}
        case "enum":
            return {"enum": list(node["symbols"])}
        case "string":
            return _text(node)
        case "boolean":
            return {"type": "boolean"}
        case "bytes" | "fixed":
            return {"type": "string", "contentEncoding": "base64"}
        case "double" | "float":
            return {"type": "number"}
        case _ if logical == "date":
            return {"type": "string", "format": "date"}
        case _ if logical == "timestamp-millis":
            return {"type": "string", "format": "date-time"}
        case _:
            limit = 1 << (31 if kind == "int" else 63)
            return {"type": "integer", "minimum": -limit, "maximum": limit - 1}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    return schema | {"type": [schema["type"], "null"]}


def _record(node: Schema, names: NamedTypes) -> dict[str, Any]:
    """A field may be left out where the JSON form fills it in: nullable ones, and records of such."""
    properties = {each["name"]: _described(each, _node(each["type"], names)) for each in node["fields"]}
    required = [name for name, schema in properties.items() if not _may_be_absent(schema)]
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    return found


def _may_be_absent(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type")
    if kinds == "object":
        return not schema.get("required")
    return None in schema.get("enum", ()) or (isinstance(kinds, list) and "null" in kinds)


def _described(each: Schema, schema: dict[str, Any]) -> dict[str, Any]:
    doc = each.get("doc")
    return {"description": doc} | schema if doc else schema


def _text(node: Any) -> dict[str, Any]:
    most = node.get(MAX_LENGTH, DEFAULT_MAX_LENGTH) if isinstance(node, dict) else DEFAULT_MAX_LENGTH
    found: dict[str, Any] = {"type": "string", "maxLength": most}
    if isinstance(node, dict) and node.get(FORMAT):
        found["x-masa-format"] = node[FORMAT]
    return found
