"""Before sending: who would get which field, and why; the same decision as the router's, on the rules in force now.

The relationship register is not asked. What it would add is not shown to anybody who has not sent anything: a preview
would otherwise tell which school, surgery or team knows a child (P-10, R-05).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from connectors.http.values import Candidate, Preview, Refused
from schemas.examples import new_event_id
from schemas.paths import collapse
from schemas.registry import EventType
from schemas.vocabulary import OutcomeKind
from streams.gateway.in_force import InForce
from streams.gateway.parts import Parts
from streams.gateway.publishers import Publisher
from streams.gateway.submissions import ready_event
from streams.gateway.wording import named_fields, sentences, withheld_fields
from streams.policy.decision import Outcome
from streams.policy.explain import explain
from streams.policy.explain_words import CLOCK_WORDS
from streams.policy.facts import AgencyId, EpochMillis
from streams.policy.facts_from import facts_from_datum
from streams.policy.fields import ONLY_ROUTING


class Previewing:
    """Safe from any thread: a rule set's caches are one thread's at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()

    def preview(self, publisher: Publisher, document: Mapping[str, Any]) -> Preview | Refused:
        """What the rules in force would decide about the document as an event of this publisher."""
        parts, force, now = self._parts, self._parts.rules.now(), self._parts.now()
        ready = ready_event(parts, publisher, document, event_id=new_event_id(now, 0), at=now)
        if isinstance(ready, Refused):
            return ready
        facts = facts_from_datum(ready.event_type, ready.datum, AgencyId(publisher.id), parts.pseudonymiser)
        with self._lock:
            found = explain(facts, force.rules, force.document, force.token, EpochMillis(now))
        decision = found.decision
        return Preview(
            event_type=ready.event_type.name,
            disposition=decision.disposition.value,
            lines=found.lines,
            candidates=tuple(_candidate(each, ready.event_type, force) for each in decision.outcomes),
            rule_set=force.rules.hash,
        )


def _candidate(outcome: Outcome, kind: EventType, force: InForce) -> Candidate:
    entry = force.agencies.get(outcome.agency)
    rules = {rule.id: rule.reason for rule in force.rules.rules if rule.id in outcome.rules}
    by_reason: dict[str, list[str]] = {}
    for path, reason in () if outcome.plan is None else outcome.plan.withheld:
        by_reason.setdefault(reason, []).append(path)
    return Candidate(
        agency=outcome.agency,
        name="Not found" if entry is None else str(entry["name"]),
        category=None if entry is None else str(entry["category"]),
        outcome=outcome.kind.value,
        roles=force.titles_for(outcome.agency, outcome.roles),
        reasons=(*sentences(outcome.reasons), *(rules[rule] for rule in outcome.rules if rule in rules)),
        gets=() if outcome.plan is None else named_fields(_content(outcome.plan.kept, kind)),
        withheld=withheld_fields(by_reason, kind),
        basis=outcome.basis,
        due=CLOCK_WORDS.get(outcome.clock or ""),
        may_withhold=entry is not None and outcome.kind in (OutcomeKind.DELIVERED, OutcomeKind.HELD),
    )


def _content(kept: frozenset[str], kind: EventType) -> tuple[str, ...]:
    """What it gets beside the metadata that everybody gets, written short."""
    metadata = {leaf.path for leaf in kind.leaves if leaf.classes == ONLY_ROUTING}
    return collapse(kept - metadata, kind.paths)
