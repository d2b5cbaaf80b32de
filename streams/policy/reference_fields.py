"""Reference interpreter: which fields a recipient gets, asked field by field."""

from __future__ import annotations

from typing import NamedTuple

from schemas.vocabulary import FieldClass
from streams.policy.contract import EventTypeLike, LeafLike
from streams.policy.decision import FieldPlan, Withheld
from streams.policy.facts import Facts
from streams.policy.reference_match import Entry

ORDER = ("PROTECTED_ADDRESS", "PERSON_OF_CONCERN_SERVICE", "SENSITIVE_SERVICE", "ROLE_CEILING")


class Granted(NamedTuple):
    """What one rule gives one recipient: its share, the role definitions that bind it, whether it is confirmed."""

    share: list[str]
    roles: list[Entry]
    confirmed: bool


def plan_by_reference(kind: EventTypeLike, facts: Facts, granted: list[Granted]) -> FieldPlan:
    kept, withheld = set(), []
    for leaf in kind.leaves:
        reason = _why_not(leaf, facts, granted)
        if reason is None:
            kept.add(leaf.path)
        else:
            withheld.append(Withheld(leaf.path, reason))
    return FieldPlan(kind.name, frozenset(kept), tuple(withheld))


def _why_not(leaf: LeafLike, facts: Facts, granted: list[Granted]) -> str | None:
    if leaf.path == "envelope.area.gss" and facts.protection != "NONE":
        return _why_not_home(granted)
    if set(leaf.classes) == {FieldClass.ROUTING}:
        return None
    if FieldClass.CONTROL in leaf.classes:
        return "CONTROL_FIELD"
    reasons = []
    for grant in granted:
        if leaf.path in grant.share:
            reason = _barred(leaf, facts, grant)
            if reason is None:
                return None
            reasons.append(reason)
    return next((reason for reason in ORDER if reason in reasons), "NOT_IN_SHARE")


def _why_not_home(granted: list[Granted]) -> str | None:
    """Where a protected child lives, even as an authority, is for locating roles."""
    serves_concern = [any(role["serves"] == "PERSON_OF_CONCERN" for role in grant.roles) for grant in granted]
    locating = [all(role["locating"] for role in grant.roles) for grant in granted]
    if any(may and not concern for may, concern in zip(locating, serves_concern, strict=True)):
        return None
    return "PERSON_OF_CONCERN_SERVICE" if False not in serves_concern else "PROTECTED_ADDRESS"


def _barred(leaf: LeafLike, facts: Facts, grant: Granted) -> str | None:
    classes = {c.value for c in leaf.classes}
    if facts.protection != "NONE" and "LOCATING" in classes and not all(r["locating"] for r in grant.roles):
        return "PROTECTED_ADDRESS"
    serves_concern = any(role["serves"] == "PERSON_OF_CONCERN" for role in grant.roles)
    if serves_concern and classes & {"LOCATING", "CONTACT", "PLACEMENT"}:
        return "PERSON_OF_CONCERN_SERVICE"
    if classes & {"SEXUAL_HEALTH", "SENSITIVE_SERVICE"} and not grant.confirmed:
        return "SENSITIVE_SERVICE"
    if any(c not in role["classes"] for role in grant.roles for c in classes - {"ROUTING"}):
        return "ROLE_CEILING"
    return None
