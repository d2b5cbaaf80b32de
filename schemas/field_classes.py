"""What kind of information each field holds, read from the schema (requirement P-01).

A *leaf* is what can be delivered or withheld as one piece: a field of a primitive or enum type, or a whole array. Its
path is dotted (`envelope.child.name`). Records have no classes of their own, their leaves do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schemas.vocabulary import FieldClass

Schema = dict[str, Any]

TAGS = "confluent:tags"
FORMAT = "masa:format"
MAX_LENGTH = "maxLength"
DEFAULT_MAX_LENGTH = 200  # characters
PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of an event type.

    `kind` is the Avro type name without the null (`string`, `enum`, `array` …); `node` that type's schema node, named
    types looked up; `optional` is true when the leaf or a record around it may be null.
    """

    path: str
    classes: frozenset[FieldClass]
    nullable: bool
    kind: str
    node: Any = field(repr=False, compare=False)
    doc: str = field(default="", repr=False)
    logical: str | None = None
    format: str | None = None
    max_length: int | None = None
    optional: bool = False
    symbols: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_routing(self) -> bool:
        """Metadata that every recipient gets."""
        return FieldClass.ROUTING in self.classes


class NamedTypes:
    """Looks up named types by full name while a self-contained schema is walked in its order."""

    def __init__(self) -> None:
        self._named: dict[str, Schema] = {}

    def remember(self, node: Any) -> None:
        """Note every type that is defined anywhere in a node."""
        if isinstance(node, list):
            for branch in node:
                self.remember(branch)
        elif isinstance(node, dict):
            self.resolve(node)
            for each in node.get("fields", ()):
                self.remember(each["type"])
            self.remember(node.get("items"))

    def resolve(self, node: Any) -> Any:
        """The definition a reference stands for; definitions are remembered; others come back as they are."""
        if isinstance(node, str):
            return node if node in PRIMITIVES else self._named[node]
        if isinstance(node, dict) and "name" in node:
            self._named[full_name(node)] = node
        return node


def full_name(node: Schema) -> str:
    """Full name of a named type's definition."""
    name: str = node["name"]
    space = node.get("namespace")
    return f"{space}.{name}" if space and "." not in name else name


def without_null(node: Any) -> tuple[Any, bool]:
    """The type beside the null of `["null", X]` and True; any other node and False."""
    if isinstance(node, list):
        others = [branch for branch in node if branch != "null"]
        if len(others) == 1:
            return others[0], len(node) > 1
    return node, False


def kind_of(node: Any) -> str:
    """Avro type name of a resolved node."""
    if isinstance(node, list):
        return "union"
    return str(node["type"]) if isinstance(node, dict) else str(node)


def string_rules(field_node: Schema, node: Any) -> tuple[str | None, int]:
    """Identifier format and greatest length (characters) of a string; said on the field or on its type."""
    inner = node if isinstance(node, dict) else {}
    fmt = field_node.get(FORMAT, inner.get(FORMAT))
    if fmt is None and inner.get("logicalType") == "uuid":
        fmt = "uuid"
    return fmt, int(field_node.get(MAX_LENGTH) or inner.get(MAX_LENGTH) or DEFAULT_MAX_LENGTH)


def leaves(schema: Schema) -> tuple[Leaf, ...]:
    """Every leaf of a self-contained event schema, in schema order."""
    names = NamedTypes()
    names.resolve(schema)
    return tuple(_leaves(schema["fields"], "", False, names))


def _leaves(fields: list[Schema], prefix: str, optional: bool, names: NamedTypes) -> Iterator[Leaf]:
    for each in fields:
        inner, nullable = without_null(each["type"])
        node = names.resolve(inner)
        path = prefix + each["name"]
        if kind_of(node) == "record":
            yield from _leaves(node["fields"], path + ".", optional or nullable, names)
        else:
            if kind_of(node) == "array":
                names.remember(node["items"])
            yield _leaf(each, path, node, nullable, optional or nullable)


def _leaf(each: Schema, path: str, node: Any, nullable: bool, optional: bool) -> Leaf:
    kind = kind_of(node)
    fmt, longest = string_rules(each, node) if kind == "string" else (None, None)
    inner = node if isinstance(node, dict) else {}
    return Leaf(
        path=path,
        classes=frozenset(FieldClass(tag) for tag in each.get(TAGS, ()) if tag in FieldClass.__members__),
        nullable=nullable,
        kind=kind,
        node=node,
        doc=each.get("doc", ""),
        logical=inner.get("logicalType"),
        format=fmt,
        max_length=longest,
        optional=optional,
        symbols=tuple(inner.get("symbols", ())),
    )


def check_classes(schema: Schema) -> list[str]:
    """Every build rule that a self-contained event schema breaks, as sentences; empty when none (P-01)."""
    from schemas.class_rules import violations  # that module walks with the names above

    return violations(schema)
