"""One kind of event of a mapping, compiled against its schema: texts of a record in, event out.

Two ways that give the same: `quick` joins bytes made before and vouches for nothing, `build` makes the datum and
collects everything that is wrong. A property test holds them to each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from connectors.files.fields import NOTHING, Context, Key, LeafPlan, Texts, leaf_plan
from connectors.files.mapping import FieldSpec, MappingProblem
from connectors.files.values import ColumnProblem, Wrong
from schemas.catalogue import suggest
from schemas.field_classes import NamedTypes, Schema, kind_of, without_null
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.leaf_bytes import NULL, PRESENT, array_bytes
from schemas.registry import EventType
from schemas.wire import Datum

_RECORDED = "envelope.recordedAt"
_INDEX = re.compile(r"\[[0-9]+\]")

Specs = Mapping[str, tuple[FieldSpec, Key]]  # field path -> its spec, and where in the mapping it stands


@dataclass(frozen=True, slots=True)
class Group:
    """A record. It may be null, and then is when no column has anything for it."""

    path: str
    nullable: bool
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of records, each made by one template."""

    path: str
    nullable: bool
    templates: tuple[Group, ...]


Node = LeafPlan | Group | Items
Quick = Callable[[Texts], bytes]


class Doubt(Exception):  # noqa: N818 - no fault: the other way decides
    """The quick way does not know."""


class Steps(NamedTuple):
    """Bytes that are always the same, then pairs of what a record adds and what follows."""

    first: bytes
    rest: tuple[tuple[Quick, bytes], ...]


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
        out = [self.steps.first]
        for make, after in self.steps.rest:
            out.append(make(texts))
            out.append(after)
        return b"".join(out)

    def build(self, texts: Texts) -> tuple[Datum, list[ColumnProblem]]:
        """The datum and what is wrong with it; fields with a problem are None."""
        problems: list[ColumnProblem] = []
        return _record(self.root, texts, problems), problems

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
    for leaf in _leaves(root):
        columns[leaf.path] = tuple(dict.fromkeys((*columns.get(leaf.path, ()), *leaf.columns)))
    frame = SINGLE_OBJECT_MARK + event_type.fingerprint
    recorded = next((leaf for leaf in _leaves(root) if leaf.path == _RECORDED and not leaf.constant), None)
    return EventPlan(event_type, root, _steps(frame, root), columns, recorded)


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


def _leaves(node: Node) -> Iterator[LeafPlan]:
    match node:
        case LeafPlan():
            yield node
        case Group(children=inner):
            for each in inner:
                yield from _leaves(each)
        case Items(templates=inner):
            for group in inner:
                yield from _leaves(group)


# The quick way


def _steps(frame: bytes, root: Group) -> Steps:
    first, rest = frame, list[tuple[Quick, bytes]]()
    for part in _parts(root):
        if not isinstance(part, bytes):
            rest.append((part, b""))
        elif rest:
            rest[-1] = (rest[-1][0], rest[-1][1] + part)
        else:
            first += part
    return Steps(first, tuple(rest))


def _parts(node: Node) -> Iterator[bytes | Quick]:
    match node:
        case LeafPlan(constant=True):
            yield node.quick(())
        case LeafPlan():
            yield _certain(node.quick) if not node.nullable else node.quick
        case Group(nullable=False):
            for each in node.children:
                yield from _parts(each)
        case Group() if not node.children:
            yield NULL
        case Group():
            yield _quick_group(node)
        case Items():
            yield _quick_items(node)


def _certain(quick: Quick) -> Quick:
    def certain(texts: Texts) -> bytes:
        data = quick(texts)
        if data == NOTHING:
            raise Doubt
        return data

    return certain


def _quick_group(group: Group) -> Quick:
    """A record that may be null. Which of its bytes say that a column had something is known beforehand."""
    makes = [_quick(each) for each in group.children]
    every = list(enumerate(group.children))
    telling = [(index, _null(each)) for index, each in every if not _constant(each)]
    telling = telling or [(index, _null(each)) for index, each in every]
    filled = [index for index, each in every if _null(each) == NOTHING]

    def quick(texts: Texts) -> bytes:
        made = [make(texts) for make in makes]
        for index, null in telling:
            if made[index] != null:
                break
        else:
            return NULL
        for index in filled:
            if made[index] == NOTHING:
                raise Doubt
        return PRESENT + b"".join(made)

    return quick


def _quick_items(items: Items) -> Quick:
    groups = [_quick_group(group) for group in items.templates]
    front = PRESENT if items.nullable else b""
    none = NULL  # an empty list and no list have the same byte

    def quick(texts: Texts) -> bytes:
        found = [data[1:] for group in groups if (data := group(texts)) != NULL]
        return front + array_bytes(found) if found else none

    return quick


def _quick(node: Node) -> Quick:
    match node:
        case LeafPlan():
            return node.quick
        case Group(nullable=True):
            return _quick_group(node)
        case Items():
            return _quick_items(node)
        case _:
            parts = list(_parts(node))
            return lambda texts: b"".join(part if isinstance(part, bytes) else part(texts) for part in parts)


def _null(node: Node) -> bytes:
    return NOTHING if isinstance(node, LeafPlan) and not node.nullable else NULL


def _constant(node: Node) -> bool:
    match node:
        case LeafPlan():
            return node.constant
        case Group(children=inner) | Items(templates=inner):
            return all(_constant(each) for each in inner)


# The other way


def _record(group: Group, texts: Texts, problems: list[ColumnProblem]) -> Datum:
    return {each.path.rpartition(".")[2]: _value(each, texts, problems) for each in group.children}


def _value(node: Node, texts: Texts, problems: list[ColumnProblem]) -> Any:
    match node:
        case LeafPlan():
            return _leaf_value(node, texts, problems)
        case Group(nullable=False):
            return _record(node, texts, problems)
        case Group():
            return _group_value(node, texts, problems)
        case Items():
            found = (_group_value(group, texts, problems) for group in node.templates)
            return [each for each in found if each is not None] or (None if node.nullable else [])


def _group_value(group: Group, texts: Texts, problems: list[ColumnProblem]) -> Datum | None:
    """A record that may be null: there when a column has something for it, or when it has constants only."""
    if not group.children:
        return None
    own: list[ColumnProblem] = []
    made = [(each, _value(each, texts, own)) for each in group.children]
    telling = [(each, value) for each, value in made if not _constant(each)] or made
    if not own and all(value is None for _, value in telling):
        return None
    problems.extend(own)
    wrong = {problem.field for problem in own}
    for each, value in made:
        if value is None and isinstance(each, LeafPlan) and not each.nullable and each.path not in wrong:
            problems.append(ColumnProblem(each.columns, each.path, "is empty", "a value: the rest of it is there"))
    return {each.path.rpartition(".")[2]: value for each, value in made}


def _leaf_value(leaf: LeafPlan, texts: Texts, problems: list[ColumnProblem]) -> Any:
    if leaf.constant:
        return leaf.fixed
    try:
        return leaf.read(texts)
    except Wrong as wrong:
        problems.append(ColumnProblem(leaf.columns, leaf.path, wrong.message, wrong.expected))
        return None


def names_of(event_type: EventType) -> NamedTypes:
    """Where the walk of an event's schema starts."""
    names = NamedTypes()
    names.resolve(event_type.schema)
    return names
