"""Projection of a decoded event: the plain way, on values.

`schemas.cutter` does the same on bytes; property tests hold the two equal.
"""

from __future__ import annotations

from typing import Any

Datum = dict[str, Any]


def project_datum(schema: dict[str, Any], datum: Datum, kept: frozenset[str]) -> Datum:
    """A copy of `datum` with every leaf outside `kept` null.

    A nullable record of which nothing is kept becomes null itself, so that not even its presence shows.
    """
    return _fields(schema["fields"], datum, kept, "", _named_types(schema))


def _fields(
    fields: list[dict[str, Any]], datum: Datum, kept: frozenset[str], prefix: str, named: dict[str, Any]
) -> Datum:
    projected: Datum = {}
    for field in fields:
        path, value = prefix + field["name"], datum[field["name"]]
        record, nullable = _record_of(field["type"], named)
        if record is None:
            projected[field["name"]] = value if path in kept else None
        elif value is None or (nullable and not any(leaf.startswith(path + ".") for leaf in kept)):
            projected[field["name"]] = None
        else:
            projected[field["name"]] = _fields(record["fields"], value, kept, path + ".", named)
    return projected


def _record_of(node: Any, named: dict[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The record type of a field, if it is one, and whether it is nullable."""
    nullable = isinstance(node, list)
    if nullable:
        node = node[1]
    if isinstance(node, str):
        node = named.get(node, node)
    if isinstance(node, dict) and node["type"] == "record":
        return node, nullable
    return None, nullable


def _named_types(schema: dict[str, Any]) -> dict[str, Any]:
    """Every record type of a self-contained schema by its full name."""
    named: dict[str, Any] = {}
    waiting: list[Any] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            if node.get("type") == "record":
                named[f"{node['namespace']}.{node['name']}" if "namespace" in node else node["name"]] = node
                waiting.extend(field["type"] for field in node["fields"])
            else:
                waiting.extend(node[key] for key in ("items", "type") if key in node)
    return named
