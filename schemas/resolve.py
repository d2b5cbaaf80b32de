"""Self-contained schemas from source files that refer to shared types by full name.

`schemas/types` defines each shared type once; event files name them (`"type": "uk.masa.Envelope"`). A resolved schema
defines every type where it is first used and refers to it by full name afterwards, so that any Avro reader can parse
it alone. Every definition states its namespace, because readers differ in what they inherit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.errors import SchemaError
from schemas.field_classes import PRIMITIVES, Schema, full_name

_NAMED = frozenset({"record", "enum", "fixed"})


def definitions(sources: Mapping[str, Schema]) -> dict[str, Schema]:
    """Every named type defined in the source files, nested ones included, by full name.

    `sources` maps a file name to its content. Raises `SchemaError` when two files define the same name.
    """
    found: dict[str, Schema] = {}
    origin: dict[str, str] = {}
    for file, source in sources.items():
        for name, node in _defined(source, None):
            if name in found:
                raise SchemaError(f"`{file}` defines `{name}`, which `{origin[name]}` defines already")
            found[name], origin[name] = node, file
    return found


def resolve(schema: Schema, shared: Mapping[str, Schema]) -> Schema:
    """The self-contained form of `schema`. Raises `SchemaError` for a name that is defined nowhere."""
    resolved: Schema = _definition(schema, None, shared, set())
    return resolved


def _defined(node: Any, space: str | None) -> Iterator[tuple[str, Schema]]:
    if isinstance(node, list):
        for branch in node:
            yield from _defined(branch, space)
    elif isinstance(node, dict):
        kind = node.get("type")
        if kind in _NAMED:
            space = node.get("namespace", space)
            yield full_name({"name": node["name"], "namespace": space}), {**node, "namespace": space}
        for each in node.get("fields", ()):
            yield from _defined(each["type"], space)
        if kind == "array":
            yield from _defined(node["items"], space)
        elif isinstance(kind, (dict, list)):
            yield from _defined(kind, space)


def _resolve(node: Any, space: str | None, shared: Mapping[str, Schema], done: set[str], where: str) -> Any:
    if isinstance(node, str):
        return _reference(node, space, shared, done, where)
    if isinstance(node, list):
        return [_resolve(branch, space, shared, done, where) for branch in node]
    kind = node["type"]
    if kind in _NAMED:
        return _definition(node, space, shared, done)
    if kind == "array":
        return {**node, "items": _resolve(node["items"], space, shared, done, where)}
    if isinstance(kind, (dict, list)):
        return _resolve(kind, space, shared, done, where)
    if kind not in PRIMITIVES:
        return _reference(kind, space, shared, done, where)
    return dict(node)


def _reference(name: str, space: str | None, shared: Mapping[str, Schema], done: set[str], where: str) -> Any:
    if name in PRIMITIVES:
        return name
    full = name if "." in name or not space else f"{space}.{name}"
    if full in done:
        return full
    if full not in shared:
        raise SchemaError(f"`{where}` refers to `{full}`, which no file in schemas/types defines")
    return _definition(shared[full], shared[full].get("namespace"), shared, done)


def _definition(node: Schema, space: str | None, shared: Mapping[str, Schema], done: set[str]) -> Any:
    space = node.get("namespace", space)
    name = full_name({"name": node["name"], "namespace": space})
    if name in done:
        return name
    done.add(name)
    head: Schema = {"type": node["type"], "name": node["name"]}
    if space:
        head["namespace"] = space
    rest = {key: value for key, value in node.items() if key not in ("type", "name", "namespace")}
    if "fields" in rest:
        rest["fields"] = [
            {**each, "type": _resolve(each["type"], space, shared, done, f"{name}.{each['name']}")}
            for each in rest["fields"]
        ]
    return head | rest
