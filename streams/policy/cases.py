"""Runs an area's cases: events as data with the outcomes their author expects, and which rules they cover.

A rule is covered when one case shows it at work (an allow rule delivers, a deny rule denies) and another, that names it
under `rule:`, shows an event in which it does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import EventInvalid, FieldProblem
from schemas.examples import example
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType, EventTypes
from schemas.relationships import RelationshipKind
from schemas.validation import validate
from schemas.vocabulary import OutcomeKind
from streams.policy.artefact import Artefact
from streams.policy.contract_checks import expand
from streams.policy.decide import decide
from streams.policy.decision import Decision, Outcome
from streams.policy.facts import AgencyId, EpochMillis, Facts, LocatorToken
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import AGENCY_SCHEME, RuleSet
from streams.policy.located import nearest
from streams.policy.model import Area, CaseModel, Expectation
from streams.policy.reasons import ReasonCode
from streams.policy.registered import complete, ended_by, may_ask
from streams.policy.words import OutcomeExpected

CASE_EVENT_ID = "01928bd0-0000-7000-8000-00000000ca5e"
_CASE_KEY = b"case pseudonyms protect nothing: cases hold invented children only"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case, run. `failures` say what came out instead; empty when it passed."""

    area: str
    name: str
    file: str
    line: int
    rule: str | None
    failures: tuple[str, ...]
    decision: Decision | None

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReport:
    results: tuple[CaseResult, ...]
    without_positive: tuple[str, ...]  # rule ids that no passing case shows at work
    without_negative: tuple[str, ...]  # rule ids that no passing case shows doing nothing

    @property
    def passed(self) -> bool:
        return not (self.without_positive or self.without_negative) and all(r.passed for r in self.results)


def run_cases(areas: Sequence[Area], artefact: Artefact, event_types: EventTypes) -> CaseReport:
    """Run all cases of areas that were compiled to `artefact`."""
    pseudonymiser = Pseudonymiser(_CASE_KEY)
    rules = RuleSet.build(artefact, event_types, lambda scheme, code: LocatorToken(pseudonymiser.locator(scheme, code)))
    runner = _Runner(rules, event_types, pseudonymiser)
    results = tuple(runner.run(area, case) for area in areas for case in area.cases)
    positive: set[str] = set()
    negative: set[str] = set()
    for result in results:
        if result.passed and result.decision is not None:
            fired = fired_rules(result.decision)
            positive |= fired
            if result.rule is not None and result.rule not in fired:
                negative.add(result.rule)
    names = [rule.id for area in areas for rule in area.rules]
    return CaseReport(
        results=results,
        without_positive=tuple(sorted(set(names) - positive)),
        without_negative=tuple(sorted(set(names) - negative)),
    )


def fired_rules(decision: Decision) -> set[str]:
    """Rules that did something: allow rules of deliveries, deny rules of denials."""
    return {
        rule
        for outcome in decision.outcomes
        if outcome.kind is OutcomeKind.DELIVERED or ReasonCode.DENY_RULE in outcome.reasons
        for rule in outcome.rules
    }


class _Runner:
    def __init__(self, rules: RuleSet, event_types: EventTypes, pseudonymiser: Pseudonymiser) -> None:
        self._rules, self._types, self._pseudonymiser = rules, event_types, pseudonymiser

    def run(self, area: Area, case: CaseModel) -> CaseResult:
        place = area.places.get(("cases", case.name))
        line = area.marks[place.file][place.path][0] if place else 0
        decision: Decision | None = None
        failures: list[str] = []
        facts = self._facts(case, failures)
        if facts is not None:
            decision = decide(facts, self._rules, _millis(case))
            kind = self._types[case.event.type]
            failures.extend(f for expected in case.expect for f in _differences(decision, expected, kind))
        return CaseResult(
            area=area.spec.area,
            name=case.name,
            file=place.file if place else "",
            line=line,
            rule=case.rule,
            failures=tuple(failures),
            decision=decision,
        )

    def _facts(self, case: CaseModel, failures: list[str]) -> Facts | None:
        """The facts of the case's event; None, with what is wrong added to `failures`, when it would be rejected."""
        kind = self._types[case.event.type]
        overrides = {**self._publisher(case, failures), **case.event.set}
        try:
            datum = example(kind, now_ms=_millis(case), event_id=CASE_EVENT_ID, overrides=overrides)
        except EventInvalid as error:
            failures.extend(f"the event cannot be made: {_said(problem)}" for problem in error.problems)
            return None
        problems = validate(kind, datum, received_at_ms=_millis(case))
        failures.extend(f"the event would be rejected: {_said(problem)}" for problem in problems)
        source = self._source(case, datum)
        if source is None:
            failures.append("no agency has the code in `envelope.sourceOrg`; name one under `event.source`")
        if failures or source is None:
            return None
        return self._completed(case, kind, facts_from_datum(kind, datum, source, self._pseudonymiser))

    def _completed(self, case: CaseModel, kind: EventType, facts: Facts) -> Facts:
        """The facts with what the case says the relationship register knows, as the router would ask it."""
        said, token = case.registered, self._pseudonymiser.locator
        codes = {
            RelationshipKind.SCHOOL: ("URN", said.school),
            RelationshipKind.GP: ("ODS", said.gp),
            RelationshipKind.COMMUNITY_HEALTH: ("ODS", said.community_health),
            RelationshipKind.SOCIAL_CARE: (AGENCY_SCHEME, said.allocated_team),
        }
        known = {which: LocatorToken(token(scheme, code)) for which, (scheme, code) in codes.items() if code}
        return complete(facts, known.get, ended_by(kind)) if known and may_ask(facts) else facts

    def _publisher(self, case: CaseModel, failures: list[str]) -> Mapping[str, Any]:
        """What the envelope says of the publisher named under `event.source`."""
        if case.event.source is None:
            return {}
        agency = self._rules.agencies.get(AgencyId(case.event.source))
        if agency is None:
            hint = nearest(case.event.source, self._rules.agencies)
            failures.append(f"there is no agency `{case.event.source}`{f'; {hint}' if hint else ''}")
            return {}
        scheme, code = agency.identifiers[0]
        return {
            "envelope.sourceOrg.category": agency.category,
            "envelope.sourceOrg.scheme": scheme,
            "envelope.sourceOrg.id": code,
            "envelope.masaId": agency.area,
        }

    def _source(self, case: CaseModel, datum: Mapping[str, Any]) -> AgencyId | None:
        if case.event.source is not None:
            return AgencyId(case.event.source)
        stated = datum["envelope"]["sourceOrg"]
        agency = self._rules.agency_for(stated["scheme"], stated["id"])
        return None if agency is None else agency.id


def _said(problem: FieldProblem) -> str:
    return f"`{problem.path}` {problem.message}, should be {problem.expected}"


def _millis(case: CaseModel) -> EpochMillis:
    return EpochMillis(round(case.at.timestamp() * 1000))


def _differences(decision: Decision, expected: Expectation, kind: EventType) -> Iterator[str]:
    outcome = next((o for o in decision.outcomes if o.agency == expected.agency), None)
    if outcome is None:
        if expected.outcome is not OutcomeExpected.ABSENT:
            yield f"`{expected.agency}` should be {expected.outcome}, but is no candidate"
        return
    if outcome.kind.value != expected.outcome.value:
        said = ", ".join(outcome.reasons)
        by = f" by {', '.join(outcome.rules)}" if outcome.rules else ""
        yield f"`{expected.agency}` should be {expected.outcome}, but is {outcome.kind} ({said}){by}"
        return
    if expected.rule is not None and expected.rule not in outcome.rules:
        by = ", ".join(outcome.rules) or "no rule"
        yield f"`{expected.agency}` should be {outcome.kind} by `{expected.rule}`, but is by {by}"
    if expected.reason is not None and expected.reason not in outcome.reasons:
        yield f"`{expected.agency}` should have reason {expected.reason}, but has {', '.join(outcome.reasons)}"
    yield from _fields(outcome, expected, kind)


def _fields(outcome: Outcome, expected: Expectation, kind: EventType) -> Iterator[str]:
    kept = outcome.plan.kept if outcome.plan else frozenset()
    reasons = {w.path: w.reason for w in outcome.plan.withheld} if outcome.plan else {}
    for path in expected.gets:
        for leaf in expand(path, kind):
            if leaf.path not in kept:
                why = reasons.get(leaf.path, "nothing is sent")
                yield f"`{expected.agency}` should get `{leaf.path}`, but does not ({why})"
    for path in expected.withheld:
        for leaf in expand(path, kind):
            if leaf.path in kept:
                yield f"`{expected.agency}` should not get `{leaf.path}`, but does"
