"""Audit records as values: the plain way, for everything that is not an ordinary decision."""

from __future__ import annotations

from typing import Any

from schemas.vocabulary import Disposition
from streams.policy.decision import Outcome
from streams.policy.facts import Facts
from streams.routing.audit_pieces import Delivered, Origin
from streams.routing.event import Rejection

Short = tuple[tuple[str, tuple[str, ...]], ...]  # (reason, short paths)

_INPUT_NAMES = {
    "source_category": "sourceCategory",
    "masa_id": "masaId",
    "area_gss": "areaGss",
    "do_not_disclose_to_subject": "doNotDiscloseToSubject",
    "sensitive_service": "sensitiveService",
    "age_years": "ageYears",
    "community_health": "communityHealth",
    "placing_la": "placingLa",
    "host_la": "hostLa",
    "accused_setting": "accusedSetting",
    "occurred_at": "occurredAt",
    "published_at": "publishedAt",
    "allocated_team": "allocatedTeam",
    "release_of": "releaseOf",
}
_OUTSIDE_INPUTS = ("event_id", "event_type", "source")


def audit_datum(
    kind: Disposition,
    origin: Origin,
    decided_at: int,
    slot: int,
    *,
    facts: Facts | None = None,
    rule_set: str | None = None,
    reasons: tuple[str, ...] = (),
    outcomes: list[dict[str, Any]] | None = None,
    source: str | None = None,
    rejection: Rejection | None = None,
    first_seen: int | None = None,
) -> dict[str, Any]:
    """One audit record. `source` names the publisher of a rejected record; of any other the facts do.

    A rejected record has no inputs: nothing was decided by its claims, which may hold anything at all. It has the
    event's id and type, as far as the rejection vouches for them.
    `first_seen` is the offset of an earlier record in the same partition.
    """
    named = facts or rejection
    return {
        "kind": kind.value,
        "sourceTopic": origin.topic,
        "sourcePartition": origin.partition,
        "sourceOffset": origin.offset,
        "receivedAt": origin.received_at,
        "decidedAt": decided_at,
        "slot": slot,
        "contentDigest": origin.digest,
        "eventId": named.event_id if named else None,
        "eventType": named.event_type if named else None,
        "source": facts.source if facts and rejection is None else source,
        "ruleSet": rule_set,
        "reasons": list(reasons),
        "inputs": inputs_datum(facts) if facts and rejection is None else None,
        "outcomes": outcomes or [],
        "rejection": None
        if rejection is None
        else {"reason": rejection.reason.value, "path": rejection.path, "explanation": rejection.explanation},
        "firstSeen": None
        if first_seen is None
        else {"topic": origin.topic, "partition": origin.partition, "offset": first_seen},
    }


def inputs_datum(facts: Facts) -> dict[str, Any]:
    """The decision's typed inputs as the audit schema names them."""
    values = {
        _INPUT_NAMES.get(name, name): value for name, value in facts._asdict().items() if name not in _OUTSIDE_INPUTS
    }
    values["concerns"] = list(facts.concerns)
    values["judgements"] = [each._asdict() for each in facts.judgements]
    values["exclusions"] = [each._asdict() for each in facts.exclusions]
    for name in ("registered", "released", "waived", "resolved"):
        values[name] = list(values[name])
    return values


def outcome_datum(outcome: Outcome, withheld: Short, topic: str | None, delivered: Delivered | None) -> dict[str, Any]:
    """One candidate's outcome as the audit schema names it."""
    return {
        "agency": outcome.agency,
        "outcome": outcome.kind.value,
        "roles": list(outcome.roles),
        "rules": list(outcome.rules),
        "reasons": list(outcome.reasons),
        "basis": outcome.basis,
        "clock": outcome.clock,
        "withheld": [{"reason": reason, "paths": list(paths)} for reason, paths in withheld],
        "topic": topic,
        "deliveryId": delivered.delivery_id if delivered else None,
        "ackBy": delivered.ack_by if delivered else None,
    }
