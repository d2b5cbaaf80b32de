"""The shipped rule set as proofs see it, and ways to spoil it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from schemas.registry import EventTypes, load_event_types
from streams.policy.artefact import ARTEFACT_VERSION, Artefact, canonical, compile_areas
from streams.policy.facts import RuleSetHash
from streams.policy.load import load_areas
from streams.proof.invariants import Invariant, area_invariants, shipped_invariants

NORTHSHIRE = Path(__file__).parents[3] / "deploy" / "areas" / "northshire"
TODAY = date(2026, 10, 5)
Document = dict[str, Any]
Spoil = Callable[[Document], None]


@cache
def types() -> EventTypes:
    return load_event_types()


@cache
def shipped() -> Artefact:
    return compile_areas(load_areas(NORTHSHIRE, TODAY), types(), TODAY)


@cache
def library() -> dict[str, Invariant]:
    """Shipped invariants and Northshire's own, by id."""
    return {each.id: each for each in (*shipped_invariants(), *area_invariants(NORTHSHIRE))}


def spoilt(*changes: Spoil) -> Artefact:
    """The shipped rule set with changes that nobody checked, as a careless or hostile hand might publish it."""
    document = deepcopy(shipped().document())
    for change in changes:
        change(document)
    content = canonical(document)
    digest = RuleSetHash(hashlib.sha256(content).hexdigest())
    return Artefact(content=content, hash=digest, version=ARTEFACT_VERSION)


def agency(document: Document, name: str) -> Any:
    return next(each for each in document["agencies"] if each["id"] == name)


def rule(document: Document, name: str) -> Any:
    return next(each for each in document["rules"] if each["id"] == name)


def north(document: Document) -> Any:
    return document["areas"]["northshire"]


def drop_rule(name: str) -> Spoil:
    return lambda document: document["rules"].remove(rule(document, name))


def share_also(projection: str, event_type: str, path: str, *roles: str, classes: tuple[str, ...] = ()) -> Spoil:
    """Let a projection share one more field, and roles hold its classes."""

    def change(document: Document) -> None:
        north(document)["projections"][projection]["events"][event_type].append(path)
        for role in roles:
            north(document)["roles"][role]["classes"].extend(classes)

    return change
