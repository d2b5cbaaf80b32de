"""The nodes of an event plan: leaves, records and lists of records, as the schema has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.files.fields import LeafPlan


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


def leaves(node: Node) -> Iterator[LeafPlan]:
    """Every leaf at or below a node."""
    match node:
        case LeafPlan():
            yield node
        case Group(children=inner) | Items(templates=inner):
            for each in inner:
                yield from leaves(each)


def constant(node: Node) -> bool:
    """Whether no column has a say in it."""
    return all(leaf.constant for leaf in leaves(node))


def last_name(node: Node) -> str:
    return node.path.rpartition(".")[2]
