"""What a decision says: one outcome for every candidate recipient, each with its reasons."""

from __future__ import annotations

from typing import NamedTuple

from schemas.vocabulary import Disposition, OutcomeKind
from streams.policy.facts import AgencyId, RoleId, RuleId, RuleSetHash


class Withheld(NamedTuple):
    """A field this recipient does not get, whether or not the publisher filled it."""

    path: str  # e.g. "envelope.child.name"
    reason: str  # WithheldReason


class FieldPlan(NamedTuple):
    """Which fields of one event type a recipient gets. Interned: equal plans are the same object."""

    event_type: str
    kept: frozenset[str]  # leaf paths, ROUTING fields included
    withheld: tuple[Withheld, ...]  # in schema order


class Outcome(NamedTuple):
    """One candidate's outcome. Interned by the compiled rule set: equal outcomes are the same object."""

    agency: AgencyId  # or "unresolved:<selector>" when no agency could be found
    kind: OutcomeKind
    roles: tuple[RoleId, ...]  # addressed roles inside the agency
    rules: tuple[RuleId, ...]  # every rule that spoke, denies first; then `stop:<id>` of every stop that mattered
    reasons: tuple[str, ...]  # ReasonCode, the decisive one first
    basis: str | None  # lawful basis as the rule's agreement names it; only when DELIVERED
    plan: FieldPlan | None  # only when DELIVERED
    clock: str | None  # clock name, only when DELIVERED


class Decision(NamedTuple):
    disposition: Disposition  # DECIDED, UNROUTED or HELD
    rule_set: RuleSetHash | None
    outcomes: tuple[Outcome, ...]  # ordered by agency id; no agency twice
    reasons: tuple[str, ...]  # about the event as a whole
