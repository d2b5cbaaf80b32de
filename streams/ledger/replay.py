"""Past decisions from the audit record, decided again: the record keeps all that a decision was made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from connectors.postgres.connection import Connection, database_failures
from schemas.codec import decode_record
from schemas.paths import expand
from schemas.vocabulary import Disposition
from streams.ledger import sql
from streams.ledger.queries import NotInLedger
from streams.policy.contract import EventTypesLike
from streams.policy.decision import Decision, Outcome
from streams.policy.facts import EpochMillis, Exclusion, Facts, Judgement, RuleSetHash
from streams.policy.stops import MARK, StopId

_DECIDING = (Disposition.DECIDED, Disposition.UNROUTED, Disposition.HELD)


class PastOutcome(NamedTuple):
    """One candidate's outcome as the record has it."""

    kind: str  # OutcomeKind
    roles: tuple[str, ...]
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    basis: str | None
    clock: str | None
    withheld: tuple[tuple[str, tuple[str, ...]], ...]  # (reason, field paths written short)


class PastDecision(NamedTuple):
    """What was decided, on what, when and under which rule set."""

    facts: Facts
    decided_at: EpochMillis
    rule_set: RuleSetHash | None
    disposition: str
    reasons: tuple[str, ...]
    outcomes: Mapping[str, PastOutcome]  # by agency

    @property
    def stops(self) -> tuple[StopId, ...]:
        """The stops that changed it, in order."""
        marks = {rule for each in self.outcomes.values() for rule in each.rules if rule.startswith(MARK)}
        return tuple(StopId(mark.removeprefix(MARK)) for mark in sorted(marks))


def past_decisions(connection: Connection, event_id: str) -> tuple[PastDecision, ...]:
    """Every decision about an event, the first one first: what was held is decided anew once a person releases it.

    Raises `NotInLedger` when there is none, also for an event that was rejected.
    """
    with database_failures():
        rows = connection.execute(sql.BY_EVENT, (event_id,)).fetchall()
    found = tuple(decision_of(decode_record("audit", record)) for *_, kind, record in rows if kind in _DECIDING)
    if not found:
        raise NotInLedger(f"no decision about event `{event_id}` is in the ledger")
    return found


def decision_of(audit: Mapping[str, Any]) -> PastDecision:
    """The decision in a decoded audit record of kind DECIDED, UNROUTED or HELD."""
    rule_set = audit["ruleSet"]
    return PastDecision(
        facts=facts_of(audit),
        decided_at=EpochMillis(audit["decidedAt"]),
        rule_set=None if rule_set is None else RuleSetHash(rule_set),
        disposition=audit["kind"],
        reasons=tuple(audit["reasons"]),
        outcomes={outcome["agency"]: _outcome(outcome) for outcome in audit["outcomes"]},
    )


def facts_of(audit: Mapping[str, Any]) -> Facts:
    """The facts of a decided audit record: its inputs under the names that decisions use."""
    values = {input_field(name): value for name, value in audit["inputs"].items()}
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


def differences(past: PastDecision, now: Decision, event_types: EventTypesLike) -> Iterator[str]:
    """Everything in which a decision made again differs from the one on record, one sentence each.

    Outcomes, roles, rules, reasons, lawful basis, clock and each withheld field with its reason; not what the rules do
    not decide: topic, delivery id and deadline. Fields are those of today's schema: one that was added since then shows
    as a difference, because the record does not say which version of the schema it was decided with.
    """
    if past.disposition != now.disposition.value or past.reasons != now.reasons:
        was, again = [past.disposition, *past.reasons], [now.disposition.value, *now.reasons]
        yield f"the event was {' '.join(was)}, and would be {' '.join(again)}"
    outcomes = {str(each.agency): each for each in now.outcomes}
    for agency in sorted({*past.outcomes, *outcomes}):
        before, after = past.outcomes.get(agency), outcomes.get(agency)
        if before is None or after is None or before.kind != after.kind.value:
            was_kind = "no candidate" if before is None else before.kind
            now_kind = "no candidate" if after is None else after.kind.value
            yield f"`{agency}` was {was_kind}, and would be {now_kind}"
        else:
            yield from _within(agency, before, after, event_types, past.facts.event_type)


def _within(
    agency: str, before: PastOutcome, after: Outcome, event_types: EventTypesLike, event_type: str
) -> Iterator[str]:
    """What differs although the outcome is the same."""
    for name in ("roles", "rules", "reasons", "basis", "clock"):
        was, again = getattr(before, name), getattr(after, name)
        if was != again:
            yield f"`{agency}` is {before.kind} as before, with other {name}: {_said(was)}, and now {_said(again)}"
    known = event_types.get(event_type)
    leaves = [leaf.path for leaf in known.leaves] if known is not None else []
    withheld = {(path, reason) for reason, paths in before.withheld for path in expand(paths, leaves)}
    again_withheld = {(each.path, each.reason) for each in after.plan.withheld} if after.plan is not None else set()
    for path, reason in sorted(withheld - again_withheld):
        yield f"`{agency}` did not get `{path}` ({reason}), which would not be so"
    for path, reason in sorted(again_withheld - withheld):
        yield f"`{agency}` would not get `{path}` ({reason}), which was not so"


def _said(value: tuple[str, ...] | str | None) -> str:
    return "none" if not value else value if isinstance(value, str) else ", ".join(value)


def _outcome(entry: Mapping[str, Any]) -> PastOutcome:
    return PastOutcome(
        kind=entry["outcome"],
        roles=tuple(entry["roles"]),
        rules=tuple(entry["rules"]),
        reasons=tuple(entry["reasons"]),
        basis=entry["basis"],
        clock=entry["clock"],
        withheld=tuple((group["reason"], tuple(group["paths"])) for group in entry["withheld"]),
    )


@cache
def input_field(name: str) -> str:
    """What decisions call an input of the audit record: `areaGss` is `area_gss`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
