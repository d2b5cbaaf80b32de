"""The inputs of a past decision, as the audit record keeps them: enough to decide it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.postgres.connection import Connection, database_failures
from schemas.codec import decode_record
from schemas.vocabulary import Disposition
from streams.ledger import sql
from streams.ledger.queries import NotInLedger
from streams.policy.facts import EpochMillis, Exclusion, Facts, Judgement, RuleSetHash

_DECIDING = (Disposition.DECIDED, Disposition.UNROUTED, Disposition.HELD)


class PastDecision(NamedTuple):
    """What was decided, on what, when and under which rule set."""

    facts: Facts
    decided_at: EpochMillis
    rule_set: RuleSetHash | None
    outcomes: Mapping[str, str]  # agency -> outcome


def past_decision(connection: Connection, event_id: str) -> PastDecision:
    """The decision about an event. Raises `NotInLedger` when there is none, also for an event that was rejected."""
    with database_failures():
        rows = connection.execute(sql.BY_EVENT, (event_id,)).fetchall()
    for *_, kind, record in rows:
        if kind in _DECIDING:
            return _decision(decode_record("audit", record))
    raise NotInLedger(f"no decision about event `{event_id}` is in the ledger")


def facts_of(audit: Mapping[str, Any]) -> Facts:
    """The facts of a decided audit record: its inputs under the names that decisions use."""
    values = {_snake(name): value for name, value in audit["inputs"].items()}
    return Facts(
        **{
            **values,
            "event_id": audit["eventId"],
            "event_type": audit["eventType"],
            "source": audit["source"],
            **{name: tuple(value) for name, value in values.items() if isinstance(value, list)},
            "judgements": tuple(Judgement(**each) for each in values["judgements"]),
            "exclusions": tuple(Exclusion(**each) for each in values["exclusions"]),
        }
    )


def _decision(audit: Mapping[str, Any]) -> PastDecision:
    rule_set = audit["ruleSet"]
    return PastDecision(
        facts=facts_of(audit),
        decided_at=EpochMillis(audit["decidedAt"]),
        rule_set=None if rule_set is None else RuleSetHash(rule_set),
        outcomes={outcome["agency"]: outcome["outcome"] for outcome in audit["outcomes"]},
    )


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
