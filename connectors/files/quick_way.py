"""The quick way of a plan: bytes that are always the same, and what a record puts between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from connectors.files.event_nodes import Group, Items, Node, constant
from connectors.files.fields import NOTHING, LeafPlan, Texts
from schemas.leaf_bytes import NULL, PRESENT, array_bytes

Quick = Callable[[Texts], bytes]


class Doubt(Exception):  # noqa: N818 - no fault: the other way decides
    """The quick way does not know."""


class Steps(NamedTuple):
    """Bytes that are always the same, then pairs of what a record adds and what follows."""

    first: bytes
    rest: tuple[tuple[Quick, bytes], ...]


def steps(frame: bytes, root: Group) -> Steps:
    """Compile a plan."""
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
    telling = [(index, _null(each)) for index, each in every if not constant(each)]
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
