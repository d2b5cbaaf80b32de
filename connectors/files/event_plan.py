"""One kind of event of a mapping, compiled against its schema: texts of a record in, event out.

Two ways that give the same: `quick` joins bytes made before and vouches for nothing, `build` makes the datum and
collects everything that is wrong. A property test holds them to each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.files.build_way import built_record
from connectors.files.event_nodes import Group, Items, Node, leaves
from connectors.files.fields import Context, Key, LeafPlan, Texts, leaf_plan
from connectors.files.mapping import FieldSpec, MappingProblem
from connectors.files.quick_way import Steps, steps
from connectors.files.values import ColumnProblem
from schemas.catalogue import suggest
from schemas.field_classes import NamedTypes, Schema, kind_of, without_null
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.registry import EventType
from schemas.wire import Datum

_RECORDED = "envelope.recordedAt"
_INDEX = re.compile(r"\[[0-9]+\]")

Specs = Mapping[str, tuple[FieldSpec, Key]]  # field path -> its spec, and where in the mapping it stands


@dataclass(frozen=True, slots=True)
class EventPlan:
    """Makes the events of one type. `columns_of` maps field paths to the columns they come from."""

    event_type: EventType
    root: Group
    steps: Steps
    columns_of: Mapping[str, tuple[str, ...]] = field(repr=False)
    recorded: LeafPlan | None = None  # `recordedAt`, when a column says it

    def quick(self, texts: Texts) -> bytes:
        """The framed event. Raises anything when in doubt; whether the event is valid is for others to say."""
        return self.steps.joined(texts)

    def build(self, texts: Texts) -> tuple[Datum, list[ColumnProblem]]:
        """The datum and what is wrong with it; fields with a problem are None."""
        problems: list[ColumnProblem] = []
        return built_record(self.root, texts, problems), problems

    def columns(self, path: str) -> tuple[str, ...]:
        """Columns that the field at a path (with `[n]` for items) comes from; empty for a constant."""
        plain = _INDEX.sub("", path)
        while plain and plain not in self.columns_of:
            plain = plain.rpartition(".")[0]
        return self.columns_of.get(plain, ())


def compile_event(
    event_type: EventType, specs: Specs, context: Context, automatic: Mapping[str, LeafPlan]
) -> EventPlan:
    """Compile; what is wrong is added to the context's problems. `automatic` are leaves no mapping may set."""
    walker = _Walker(specs, context, automatic)
    root = Group("", False, tuple(walker.fields(event_type.schema["fields"], "")))
    for path, (_, key) in specs.items():
        if path in automatic:
            context.problems.append(MappingProblem(key, f"`{path}` is set by the exchange", "leave it out"))
        elif path not in walker.used:
            hint = suggest(path, frozenset(event_type.paths)).removeprefix("; ")
            context.problems.append(MappingProblem(key, f"`{event_type.name}` has no field `{path}`", hint or None))
    columns: dict[str, tuple[str, ...]] = {}
    for leaf in leaves(root):
        columns[leaf.path] = tuple(dict.fromkeys((*columns.get(leaf.path, ()), *leaf.columns)))
    frame = SINGLE_OBJECT_MARK + event_type.fingerprint
    recorded = next((leaf for leaf in leaves(root) if leaf.path == _RECORDED and not leaf.constant), None)
    return EventPlan(event_type, root, steps(frame, root), columns, recorded)


class _Walker:
    """Walks a schema in its order and makes the nodes of one event."""

    def __init__(self, specs: Specs, context: Context, automatic: Mapping[str, LeafPlan]) -> None:
        self.specs, self.context, self.automatic = specs, context, automatic
        self.used: set[str] = set()

    def fields(self, fields: Sequence[Schema], prefix: str) -> Iterator[Node]:
        names = self.context.names
        for each in fields:
            inner, nullable = without_null(each["type"])
            node = names.resolve(inner)
            path = prefix + each["name"]
            if kind_of(node) == "record":
                yield self.record(node, path, nullable)
            else:
                if kind_of(node) == "array":
                    names.remember(node["items"])
                yield self.leaf(each, node, path, nullable)

    def record(self, node: Schema, path: str, nullable: bool) -> Group:
        if nullable and not any(spec.startswith(path + ".") for spec in self.specs):
            self.context.names.remember(node)
            return Group(path, True, ())
        return Group(path, nullable, tuple(self.fields(node["fields"], path + ".")))

    def leaf(self, each: Schema, node: Any, path: str, nullable: bool) -> Node:
        if path in self.automatic:
            self.used.add(path)
            return self.automatic[path]
        spec, key = self.specs.get(path, (None, ("fields",)))
        if spec is None:
            return leaf_plan(each, path, None, key, self.context)
        self.used.add(path)
        if spec.items is None:
            return leaf_plan(each, path, spec, key, self.context)
        item = self.context.names.resolve(without_null(node["items"])[0]) if kind_of(node) == "array" else None
        if item is None or kind_of(item) != "record":
            self.context.problems.append(MappingProblem((*key, "items"), f"`{path}` is no list of records", None))
            return leaf_plan(each, path, None, key, self.context)
        templates = (self.template(item, path, each, (*key, "items", i)) for i, each in enumerate(spec.items))
        return Items(path, nullable, tuple(templates))

    def template(self, node: Schema, path: str, given: Mapping[str, FieldSpec], key: Key) -> Group:
        known = {each["name"] for each in node["fields"]}
        for name in sorted(set(given) - known):
            hint = suggest(name, frozenset(known)).removeprefix("; ")
            self.context.problems.append(MappingProblem((*key, name), f"`{path}` has no field `{name}`", hint or None))
        inside = {f"{path}.{name}": (spec, (*key, name)) for name, spec in given.items()}
        walker = _Walker(inside, self.context, {})
        return Group(path, True, tuple(walker.fields(node["fields"], path + ".")))


def names_of(event_type: EventType) -> NamedTypes:
    """Where the walk of an event's schema starts."""
    names = NamedTypes()
    names.resolve(event_type.schema)
    return names
