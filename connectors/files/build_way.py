"""The other way of a plan: the datum, and everything that is wrong with it."""

from __future__ import annotations

from typing import Any

from connectors.files.event_nodes import Group, Items, Node, constant, last_name
from connectors.files.fields import LeafPlan, Texts
from connectors.files.values import ColumnProblem, Wrong
from schemas.wire import Datum


def built_record(group: Group, texts: Texts, problems: list[ColumnProblem]) -> Datum:
    """A record's datum; fields with a problem are None."""
    datum: Datum = {}
    for each in group.children:
        known = len(problems)
        value = datum[last_name(each)] = _value(each, texts, problems)
        if value is None and isinstance(each, LeafPlan) and not each.nullable and len(problems) == known:
            problems.append(ColumnProblem(each.columns, each.path, "is empty", "a value: the field is never empty"))
    return datum


def _value(node: Node, texts: Texts, problems: list[ColumnProblem]) -> Any:
    match node:
        case LeafPlan():
            return _leaf_value(node, texts, problems)
        case Group(nullable=False):
            return built_record(node, texts, problems)
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
    telling = [(each, value) for each, value in made if not constant(each)] or made
    if not own and all(value is None for _, value in telling):
        return None
    problems.extend(own)
    wrong = {problem.field for problem in own}
    for each, value in made:
        if value is None and isinstance(each, LeafPlan) and not each.nullable and each.path not in wrong:
            problems.append(ColumnProblem(each.columns, each.path, "is empty", "a value: the rest of it is there"))
    return {last_name(each): value for each, value in made}


def _leaf_value(leaf: LeafPlan, texts: Texts, problems: list[ColumnProblem]) -> Any:
    if leaf.constant:
        return leaf.fixed
    try:
        return leaf.read(texts)
    except Wrong as wrong:
        problems.append(ColumnProblem(leaf.columns, leaf.path, wrong.message, wrong.expected))
        return None
