"""One event put to the encoding: what the formulas say of it, to be compared with what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import z3

from schemas.vocabulary import OutcomeKind
from streams.policy.decision import Decision
from streams.policy.facts import Facts
from streams.proof.encoding import Encoding
from streams.proof.world import Token


@dataclass(frozen=True)
class Delivery:
    """What one agency gets."""

    roles: frozenset[str]
    kept: frozenset[str]


def encoded_deliveries(encoding: Encoding, facts: Facts, day: date, token: Token) -> Mapping[str, Delivery]:
    """Deliveries of one event as the formulas have them, by agency."""
    asked: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {}
    for name in encoding.world.agencies:
        roles = {hit.role: encoding.addressed(name, hit.role) for hit, _ in encoding.standing(name)}
        fields = {leaf.path: encoding.kept(name, leaf) for leaf in encoding.kind.leaves} if roles else {}
        asked[name] = (encoding.delivered(name), roles, fields)
    solver = z3.SolverFor("QF_FD")
    solver.add(*encoding.event.pinned(facts, day, token), *encoding.event.laws_of_dimensions())
    if solver.check() != z3.sat:
        raise ValueError("the event is outside the encoding's domain")
    model = solver.model()

    def holds(term: Any) -> bool:
        return term if isinstance(term, bool) else z3.is_true(model.eval(term, True))

    return {
        name: Delivery(
            frozenset(role for role, term in roles.items() if holds(term)),
            frozenset(path for path, term in fields.items() if holds(term)),
        )
        for name, (delivered, roles, fields) in asked.items()
        if holds(delivered)
    }


def decided_deliveries(decision: Decision) -> Mapping[str, Delivery]:
    """Deliveries of one decision, by agency."""
    return {
        outcome.agency: Delivery(frozenset(outcome.roles), outcome.plan.kept)
        for outcome in decision.outcomes
        if outcome.kind is OutcomeKind.DELIVERED and outcome.plan is not None
    }
