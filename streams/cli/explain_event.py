"""What `masa rules explain` explains: an event in a file, or a decision on record."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from connectors.kafka import topics
from connectors.postgres.connection import connect
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.cli.areas import compile_area, required_rule_set
from streams.cli.event_check import check_event
from streams.cli.event_file import LineProblem, documents
from streams.cli.moments import moment
from streams.cli.policy_topic import PolicyTopic, read_policy
from streams.cli.runtime import BadUsage, Refused, default_area, now_ms, settings
from streams.gateway.checks import ReadyEvent
from streams.gateway.publishers import Publishers
from streams.ledger.queries import NotInLedger
from streams.ledger.replay import PastDecision, differences, past_decisions
from streams.policy.artefact import Artefact
from streams.policy.decide import decide
from streams.policy.explain import Explanation, explain
from streams.policy.facts import AgencyId, EpochMillis, Facts, LocatorToken
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import RuleSet
from streams.policy.reasons import SENTENCES, ReasonCode
from streams.policy.stops import Stop

# An explanation of a file needs pseudonyms that agree with each other, and keeps none.
_PASSING_KEY = b"explanations of files make pseudonyms that are never kept"


@dataclass(frozen=True, kw_only=True)
class Explained:
    """An explanation, under which rule set, and what to be careful about."""

    explanation: Explanation
    rule_set: str
    warnings: tuple[str, ...] = ()
    faithful: bool = True  # False: a past decision made again as it was came out otherwise

    def to_json(self) -> dict[str, Any]:
        agencies = (
            {"agency": each.agency, "name": each.name, "outcome": each.outcome, "lines": list(each.lines)}
            for each in self.explanation.agencies
        )
        return {
            "disposition": self.explanation.decision.disposition.value,
            "ruleSet": self.rule_set,
            "lines": list(self.explanation.lines),
            "agencies": list(agencies),
            "warnings": list(self.warnings),
            "faithful": self.faithful,
        }


def explained(folder: Path | None, event: str, *, agency: str | None, at: str | None, data_dir: Path) -> Explained:
    """Explain a file, standard input (`-`), or an event id. Raises BadUsage, Refused, AreaInvalid."""
    if event == "-" or Path(event).is_file():
        artefact = compile_area(folder or default_area()).artefact
        return _of_file(event, artefact, agency, None if at is None else moment(at, "--at"))
    return _of_record(event, folder, agency, at, data_dir)


def _of_file(event: str, artefact: Artefact, agency: str | None, at: int | None) -> Explained:
    pseudonymiser = Pseudonymiser(_PASSING_KEY)
    received_at = now_ms() if at is None else at
    ready = _only_event(event, artefact, received_at)
    source = AgencyId(ready.publisher.id)
    facts = facts_from_datum(ready.event_type, ready.datum, source, pseudonymiser)
    return _explain(facts, artefact, pseudonymiser, received_at, agency)


def _of_record(event_id: str, folder: Path | None, agency: str | None, at: str | None, data_dir: Path) -> Explained:
    found = settings(data_dir)
    if found.database_url is None:
        raise BadUsage(
            f"`{event_id}` is neither a file nor, without a running exchange, an event that can be looked up"
        )
    pseudonymiser = Pseudonymiser(found.pseudonym_key())
    with connect(found.database(), application="masa-cli") as connection:
        try:
            past = past_decisions(connection, event_id)
        except NotInLedger as error:
            raise Refused(str(error)) from None
    if folder is None and at is None:
        return replayed(past, read_policy(found.kafka()), pseudonymiser, agency)
    moment_of = past[-1].decided_at if at is None else moment(at, "--at")
    artefact = compile_area(folder).artefact if folder else required_rule_set(found.kafka())
    answer = _explain(past[-1].facts, artefact, pseudonymiser, moment_of, agency)
    return replace(answer, warnings=tuple(_instead(past[-1], answer)))


def replayed(
    past: Sequence[PastDecision], policy: PolicyTopic, pseudonymiser: Pseudonymiser, agency: str | None
) -> Explained:
    """The last decision about an event explained, and every one of them made again as it was.

    A warning for each difference, and for each stop of then that can no longer be found.
    """
    event_types = load_event_types()
    warnings: list[str] = []
    for number, decision in enumerate(past, start=1):
        answer = _as_it_was(decision, policy, pseudonymiser, agency)
        which = "" if len(past) == 1 else f"decision {number} of {len(past)}: "
        found = differences(decision, answer.explanation.decision, event_types)
        warnings += [which + each for each in (*answer.warnings, *found)]
    return replace(answer, warnings=tuple(warnings), faithful=not warnings)


def _as_it_was(past: PastDecision, policy: PolicyTopic, pseudonymiser: Pseudonymiser, agency: str | None) -> Explained:
    """Decided under the rule set and the stops of then. Warns of stops that can no longer be found."""
    if past.rule_set is None:
        decision = decide(past.facts, None, past.decided_at)
        lines = tuple(SENTENCES[ReasonCode(reason)] for reason in decision.reasons)
        return Explained(explanation=Explanation(decision=decision, lines=lines, agencies=()), rule_set="none")
    orders = {name: policy.stops.get(name) for name in past.stops}
    lost = tuple(f"stop `{name}` is not on `{topics.POLICY}` any more" for name, order in orders.items() if not order)
    stops = [order.stop for order in orders.values() if order is not None]
    artefact = policy.artefact_like(past.rule_set)
    return replace(_explain(past.facts, artefact, pseudonymiser, past.decided_at, agency, stops), warnings=lost)


def _explain(
    facts: Facts,
    artefact: Artefact,
    pseudonymiser: Pseudonymiser,
    at: int,
    agency: str | None,
    stops: Sequence[Stop] = (),
) -> Explained:
    def token(scheme: str, code: str) -> LocatorToken:
        return LocatorToken(pseudonymiser.locator(scheme, code))

    rules = RuleSet.build(artefact, load_event_types(), token).with_stops(stops)
    explanation = explain(facts, rules, artefact.document(), token, EpochMillis(at), agency)
    return Explained(explanation=explanation, rule_set=artefact.hash)


def _instead(past: PastDecision, answer: Explained) -> Iterator[str]:
    """What a reader must know before taking the explanation for that of the past decision."""
    if past.rule_set != answer.rule_set:
        yield f"decided under rule set {past.rule_set or 'none'}, explained under {answer.rule_set}"
    yield from differences(past, answer.explanation.decision, load_event_types())


def _only_event(event: str, artefact: Artefact, received_at: int) -> ReadyEvent:
    text = sys.stdin.read() if event == "-" else Path(event).read_text(encoding="utf-8")
    name = "stdin" if event == "-" else event
    found = list(documents(text.splitlines(keepends=True)))
    if len(found) != 1:
        raise BadUsage(f"{name} holds {len(found)} events: give one")
    if isinstance(found[0], LineProblem):
        raise Refused(found[0].shown(name))
    publishers = Publishers.of_rule_set(artefact.document())
    checked = check_event(found[0], load_event_types(), publishers, agency=None, received_at_ms=received_at)
    if not isinstance(checked, ReadyEvent):
        raise Refused("\n".join(problem.shown(name) for problem in checked))
    return checked
