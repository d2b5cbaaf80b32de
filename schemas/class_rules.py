"""The build rules of event schemas: what every schema must be like before it may be released (P-01, E-04, E-12).

Each violation is a sentence that names the record and field. `schemas.field_classes.check_classes` is the entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.field_classes import (
    TAGS,
    NamedTypes,
    Schema,
    full_name,
    kind_of,
    string_rules,
    without_null,
)
from schemas.identifiers import VALIDATORS
from schemas.vocabulary import FieldClass

_LEAF_KINDS = frozenset({"string", "int", "long", "boolean", "double", "enum", "array"})
_ITEM_KINDS = frozenset({"enum", "string", "record"})
_LOGICAL = {"uuid": "string", "timestamp-millis": "long", "date": "int"}
_MAX_DEPTH = 3  # record in record in record
_CLASSES = frozenset(FieldClass.__members__)


def violations(schema: Schema) -> list[str]:
    """Every build rule that a self-contained event schema breaks; empty when none."""
    walk = _Walk()
    walk.names.resolve(schema)
    if not schema.get("doc"):
        walk.say(full_name(schema), "has no doc")
    if not schema["fields"] or schema["fields"][0]["name"] != "envelope":
        walk.say(full_name(schema), "must have `envelope` as its first field")
    walk.record(schema, "", nullable=False, depth=1)
    walk.say_all(_narrative_last(schema))
    return walk.found


class _Walk:
    def __init__(self) -> None:
        self.found: list[str] = []
        self.names = NamedTypes()

    def say(self, where: str, what: str) -> None:
        self.found.append(f"`{where}` {what}")

    def say_all(self, sentences: Iterator[str]) -> None:
        self.found.extend(sentences)

    def record(self, node: Schema, prefix: str, *, nullable: bool, depth: int) -> None:
        if depth > _MAX_DEPTH:
            self.say(prefix.rstrip("."), f"is nested deeper than {_MAX_DEPTH} records")
            return
        for each in node["fields"]:
            path = prefix + each["name"]
            if not each.get("doc"):
                self.say(path, "has no doc")
            inner, can_be_null = without_null(each["type"])
            self.union(each, path)
            resolved = self.definition(inner, path)
            if kind_of(resolved) == "record":
                if TAGS in each:
                    self.say(path, f"is a record: its fields carry `{TAGS}`, not the record itself")
                self.record(resolved, path + ".", nullable=nullable or can_be_null, depth=depth + 1)
            else:
                self.leaf(each, resolved, path, can_be_null, in_nullable=nullable)

    def definition(self, node: Any, path: str) -> Any:
        """The definition of a node; a new named type must have a doc and, if an enum, an UNKNOWN default."""
        is_new = isinstance(node, dict) and "name" in node
        resolved = self.names.resolve(node)
        if is_new and not resolved.get("doc"):
            self.say(path, f"uses `{full_name(resolved)}`, which has no doc")
        is_enum = is_new and kind_of(resolved) == "enum"
        if is_enum and (resolved["symbols"][0] != "UNKNOWN" or resolved.get("default") != "UNKNOWN"):
            self.say(path, f"uses `{full_name(resolved)}`, whose first symbol and default must be UNKNOWN")
        return resolved

    def union(self, each: Schema, path: str) -> None:
        if isinstance(each["type"], list):
            if len(each["type"]) != 2 or each["type"][0] != "null":
                self.say(path, 'has a union other than ["null", X]')
            if "default" not in each or each["default"] is not None:
                self.say(path, "is nullable and must have the default null")

    def leaf(self, each: Schema, node: Any, path: str, nullable: bool, *, in_nullable: bool) -> None:
        kind = kind_of(node)
        if kind not in _LEAF_KINDS:
            self.say(path, f"has type {kind}, which events do not use")
        classes = self.classes(each, path)
        if not nullable and (in_nullable or "ROUTING" not in classes):
            self.say(path, 'can be withheld and must be nullable: ["null", X] with default null')
        if "ROUTING" in classes and len(classes) > 1:
            self.say(path, "is ROUTING, which goes to everyone, and cannot have another class")
        self.value(each, node, path)
        if kind == "array":
            self.items(node, path, classes)

    def classes(self, each: Schema, path: str) -> frozenset[str]:
        tags = each.get(TAGS)
        if not isinstance(tags, list) or not tags:
            self.say(path, f"has no field class: give `{TAGS}` with at least one of them")
            return frozenset()
        for tag in tags:
            if tag not in _CLASSES:
                self.say(path, f"has `{tag}`, which is not a field class")
        if len(set(tags)) != len(tags):
            self.say(path, f"repeats a class in `{TAGS}`")
        return frozenset(tags)

    def value(self, each: Schema, node: Any, path: str) -> None:
        kind = kind_of(node)
        logical = node.get("logicalType") if isinstance(node, dict) else None
        if logical is not None and _LOGICAL.get(logical) != kind:
            self.say(path, f"has logical type {logical} on {kind}, which is not one of ours")
        if kind == "string":
            fmt, longest = string_rules(each, node)
            if fmt is not None and fmt not in VALIDATORS:
                self.say(path, f"has format `{fmt}`, which schemas/identifiers.py does not know")
            if longest < 1:
                self.say(path, "has a maxLength below 1")

    def items(self, node: Schema, path: str, classes: frozenset[str]) -> None:
        item = self.definition(node["items"], path + "[]")
        kind = kind_of(item)
        if kind not in _ITEM_KINDS:
            self.say(path, f"is a list of {kind}: use enum, string or record")
        if kind != "record":
            return
        for each in item["fields"]:
            inside = f"{path}[].{each['name']}"
            if not each.get("doc"):
                self.say(inside, "has no doc")
            self.union(each, inside)
            inner = self.definition(without_null(each["type"])[0], inside)
            if kind_of(inner) in ("record", "array"):
                self.say(inside, "is nested inside a list's record: use plain values")
            if extra := self.classes(each, inside) - classes:
                self.say(inside, f"has class {min(extra)}, which the list itself does not have")
            self.value(each, inner, inside)


def _narrative_last(schema: Schema) -> Iterator[str]:
    """At most one free text in the payload, as its last field (E-04)."""
    payload = schema["fields"][1:]
    texts = [each["name"] for each in payload if "NARRATIVE" in (each.get(TAGS) or ())]
    if len(texts) > 1:
        yield f"`{texts[1]}` is a second free text: an event has at most one"
    if texts and texts[0] != payload[-1]["name"]:
        yield f"`{texts[0]}` is free text and must be the last field"
