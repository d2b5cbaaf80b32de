"""A counterexample: a real event that breaks an invariant, with the decision explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.dates import iso_instant
from schemas.json_form import to_json
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType
from schemas.validation import validate
from schemas.wire import Datum
from streams.policy.artefact import Artefact
from streams.policy.decide import decide
from streams.policy.explain import explain
from streams.policy.facts import AgencyId, EpochMillis, Facts, LocatorToken
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import RuleSet
from streams.proof.claims import broken_by
from streams.proof.event import OTHER
from streams.proof.invariants import Invariant
from streams.proof.witness import Found
from streams.proof.world import World


class ProofBroken(Exception):  # noqa: N818 (a state: what was found is no counterexample)
    """Solver and `decide` disagree: a fault of the proof, never of the rules. Nothing it says may be relied on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    event_type: str
    day: date
    at: str  # the instant it is decided at, for `masa rules explain --at`
    agency: str | None  # whom it reaches though it never should; None: it reaches nobody that it must
    event: Mapping[str, Any]  # JSON form, as `masa publish` and `masa rules explain` read it
    register: Mapping[str, str]  # what the relationship register would have to know besides
    lines: tuple[str, ...]  # the explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An event that the solver found, and the rule set under which it is decided."""

    kind: EventType
    datum: Datum
    found: Found
    artefact: Artefact
    rules: RuleSet
    world: World
    pseudonymiser: Pseudonymiser

    def token(self, scheme: str, code: str) -> LocatorToken:
        return LocatorToken(self.pseudonymiser.locator(scheme, code))

    def facts(self) -> Facts:
        """As the router has them: from the event, and the child's team from the register."""
        source = AgencyId(self.found.values["source"])
        facts = facts_from_datum(self.kind, self.datum, source, self.pseudonymiser)
        team = self.found.values["allocated_team"]
        if team is None:
            return facts
        return facts._replace(allocated_team=self.token("AGENCY", team), registered=("allocatedTeam",))


def confirmed(case: Case, invariant: Invariant) -> Counterexample:
    """The counterexample, decided and explained. Raises ProofBroken when it is none."""
    now = case.found.now_ms
    problems = validate(case.kind, case.datum, received_at_ms=now)
    if problems:
        said = "; ".join(f"`{each.path}` {each.message}" for each in problems)
        raise ProofBroken(f"invariant `{invariant.id}`: the event found for `{case.kind.name}` is not valid: {said}")
    facts = case.facts()
    decision = decide(facts, case.rules, EpochMillis(now))
    culprits = broken_by(invariant, facts, decision, case.kind, case.world, case.found.day, case.token)
    if not culprits:
        raise ProofBroken(
            f"invariant `{invariant.id}`: the solver found a `{case.kind.name}` that breaks it, the decision does not"
        )
    agency = culprits[0] if invariant.never is not None else None
    document = case.artefact.document()
    explained = explain(facts, case.rules, document, case.token, EpochMillis(now), agency)
    team = case.found.values["allocated_team"]
    return Counterexample(
        event_type=case.kind.name,
        day=case.found.day,
        at=iso_instant(now),
        agency=agency,
        event=to_json(case.kind, case.datum),
        register={} if team is None else {"allocatedTeam": "an agency that takes no part" if team == OTHER else team},
        lines=tuple(explained.text().splitlines()),
    )
