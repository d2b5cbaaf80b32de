"""The quick way of a plan: bytes that are always the same, and what a record puts between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from connectors.files.event_nodes import Group, Items, Node, constant
from connectors.files.fields import NOTHING, LeafPlan, Texts
from connectors.files.values import Memo
from schemas.leaf_bytes import NULL, PRESENT, array_bytes

T = TypeVar("T")
Quick = Callable[[Texts], bytes]


class Doubt(Exception):  # noqa: N818 - no fault: the other way decides
    """The quick way does not know."""


class Direct(NamedTuple):
    """The bytes that the text of one column stands for, remembered."""

    column: int
    memo: Memo


@dataclass(frozen=True, slots=True)
class Steps:
    """The event's bytes in pieces: some are always the same, for each other one it is known how it is made."""

    pieces: list[bytes]
    direct: tuple[tuple[int, int, Memo], ...]  # which piece, which column, what its text stands for
    made: tuple[tuple[int, Quick], ...]

    def joined(self, texts: Texts) -> bytes:
        """The event of one record. Raises anything when in doubt."""
        pieces = self.pieces.copy()
        for place, index, memo in self.direct:
            pieces[place] = memo[texts[index]]
        for place, make in self.made:
            pieces[place] = make(texts)
        return b"".join(pieces)


def steps(frame: bytes, root: Group) -> Steps:
    """Compile a plan."""
    pieces, direct, made = [frame], list[tuple[int, int, Memo]](), list[tuple[int, Quick]]()
    changing = False  # the last piece is a record's
    for part in _parts(root):
        if isinstance(part, bytes) and not changing:
            pieces[-1] += part
            continue
        pieces.append(part if isinstance(part, bytes) else b"")
        changing = not isinstance(part, bytes)
        if isinstance(part, Direct):
            direct.append((len(pieces) - 1, *part))
        elif not isinstance(part, bytes):
            made.append((len(pieces) - 1, part))
    return Steps(pieces, tuple(direct), tuple(made))


def _parts(node: Node) -> Iterator[bytes | Direct | Quick]:
    match node:
        case LeafPlan(constant=True):
            yield node.quick(())
        case LeafPlan(direct=(index, memo)):
            yield Direct(index, memo if node.nullable else Memo(_certain(memo.__getitem__)))
        case LeafPlan():
            yield node.quick if node.nullable else _certain(node.quick)
        case Group(nullable=False):
            for each in node.children:
                yield from _parts(each)
        case Group() if not node.children:
            yield NULL
        case Group():
            yield _quick_group(node)
        case Items():
            yield _quick_items(node)


def _certain(quick: Callable[[T], bytes]) -> Callable[[T], bytes]:
    """What must not be null and has nothing is a matter for the other way."""

    def certain(given: T) -> bytes:
        data = quick(given)
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
            return steps(b"", node).joined


def _null(node: Node) -> bytes:
    return NOTHING if isinstance(node, LeafPlan) and not node.nullable else NULL
