"""What `masa rules explain` explains: an event in a file, or a decision on record."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.postgres.connection import connect
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.cli.areas import compile_area, required_rule_set
from streams.cli.event_check import ReadyEvent, check_event
from streams.cli.event_file import LineProblem, documents
from streams.cli.publishers import Publishers
from streams.cli.runtime import BadUsage, Refused, default_area, now_ms, settings
from streams.ledger.queries import NotInLedger
from streams.ledger.replay import PastDecision, past_decision
from streams.policy.artefact import Artefact
from streams.policy.explain import Explanation, explain
from streams.policy.facts import AgencyId, EpochMillis, Facts, LocatorToken
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import RuleSet

# An explanation of a file needs pseudonyms that agree with each other, and keeps none.
_PASSING_KEY = b"explanations of files make pseudonyms that are never kept"


@dataclass(frozen=True, kw_only=True)
class Explained:
    """An explanation, under which rule set, and what to be careful about."""

    explanation: Explanation
    rule_set: str
    warnings: tuple[str, ...]

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
        }


def explained(folder: Path | None, event: str, *, agency: str | None, at: str | None, data_dir: Path) -> Explained:
    """Explain a file, standard input (`-`), or an event id. Raises BadUsage, Refused, AreaInvalid."""
    if event == "-" or Path(event).is_file():
        artefact = compile_area(folder or default_area()).artefact
        return _of_file(event, artefact, agency, None if at is None else _instant(at))
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
            past = past_decision(connection, event_id)
        except NotInLedger as error:
            raise Refused(str(error)) from None
    artefact = compile_area(folder).artefact if folder else required_rule_set(found.kafka())
    moment = past.decided_at if at is None else _instant(at)
    answer = _explain(past.facts, artefact, pseudonymiser, moment, agency)
    warnings = tuple(_differences(past, answer))
    return Explained(explanation=answer.explanation, rule_set=answer.rule_set, warnings=warnings)


def _explain(facts: Facts, artefact: Artefact, pseudonymiser: Pseudonymiser, at: int, agency: str | None) -> Explained:
    def token(scheme: str, code: str) -> LocatorToken:
        return LocatorToken(pseudonymiser.locator(scheme, code))

    rules = RuleSet.build(artefact, load_event_types(), token)
    explanation = explain(facts, rules, artefact.document(), token, EpochMillis(at), agency)
    return Explained(explanation=explanation, rule_set=artefact.hash, warnings=())


def _differences(past: PastDecision, answer: Explained) -> Iterable[str]:
    """What a reader must know before taking the explanation for that of the past decision."""
    if past.rule_set != answer.rule_set:
        yield f"decided under rule set {past.rule_set or 'none'}, explained under {answer.rule_set}"
    now = {outcome.agency: outcome.kind.value for outcome in answer.explanation.decision.outcomes}
    for agency in sorted({*now, *past.outcomes}):
        before, after = past.outcomes.get(agency, "no candidate"), now.get(AgencyId(agency), "no candidate")
        if before != after:
            yield f"`{agency}` was {before}, and would be {after}"


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


def _instant(text: str) -> int:
    """Milliseconds since the epoch of an ISO 8601 instant with its offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadUsage(f"--at `{text}` is not an instant such as 2026-10-05T18:00:00Z") from None
    if at.tzinfo is None:
        raise BadUsage(f"--at `{text}` lacks its offset from UTC: write 2026-10-05T18:00:00Z")
    return round(at.timestamp() * 1000)
