"""Records whose bytes are kept for a person: rejected ones, and held ones, as they came (`schemas.limits`)."""

from __future__ import annotations

from typing import Any

from connectors.kafka import topics
from connectors.kafka.batch_consumer import Record
from connectors.kafka.transaction import Output
from schemas.codec import encode_record
from schemas.limits import kept_headers, kept_key, kept_value
from schemas.vocabulary import OutcomeKind
from streams.policy.decision import Decision
from streams.policy.facts import EpochMillis
from streams.routing.audit_pieces import Origin
from streams.routing.event import Event, Rejection


def rejected_record(record: Record, origin: Origin, rejection: Rejection, now: EpochMillis) -> Output:
    """For `masa.rejected`; keyed by the topic it came on, so that one publisher's stay in order."""
    kept = {
        **_position(origin),
        "rejectedAt": now,
        "reason": rejection.reason.value,
        "path": rejection.path,
        "explanation": rejection.explanation,
        **_as_it_came(record),
    }
    return topics.REJECTED, encode_record("rejected", kept), origin.topic, None


def held_record(
    record: Record, origin: Origin, event: Event, decision: Decision, agencies: list[str], now: EpochMillis
) -> Output:
    """For `masa.held`. `agencies` are the candidates that wait; none when the event as a whole waits."""
    facts = event.facts
    decisive = (each.reasons[0] for each in decision.outcomes if each.kind is OutcomeKind.HELD)
    kept = {
        **_position(origin),
        "heldAt": now,
        "eventId": facts.event_id,
        "eventType": facts.event_type,
        "source": facts.source,
        "ruleSet": decision.rule_set,
        "whole": not agencies,
        "agencies": agencies,
        "reasons": list(decision.reasons or dict.fromkeys(decisive)),
        **_as_it_came(record),
    }
    return topics.HELD, encode_record("held", kept), facts.subject or facts.event_id, None


def _position(origin: Origin) -> dict[str, Any]:
    return {
        "sourceTopic": origin.topic,
        "sourcePartition": origin.partition,
        "sourceOffset": origin.offset,
        "receivedAt": origin.received_at,
    }


def _as_it_came(record: Record) -> dict[str, Any]:
    return {
        "key": kept_key(record.key()),
        "value": kept_value(record.value()),
        "headers": [{"name": name, "value": value} for name, value in kept_headers(record.headers() or [])],
    }
