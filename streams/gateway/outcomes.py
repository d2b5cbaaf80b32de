"""What became of an event, for the agency that published it (D-11), and no more than it may know.

The publisher judges recipients (s16LA(2)), so it is told which agencies were candidates and why. Whom the relationship
register found is told as a category only: it would otherwise be a way to ask which school a child goes to (P-10, R-05).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from connectors.http.values import AckOutcome, Caller, EventOutcome, NoteCode, RecipientOutcome
from connectors.postgres import followup_store, gateway_publications, gateway_store
from connectors.postgres.followup_store import Delivery
from connectors.postgres.gateway_publications import PublicationRow
from connectors.postgres.gateway_store import Answered
from schemas.vocabulary import OutcomeKind
from streams.gateway.in_force import InForce
from streams.gateway.parts import MALFORMED, UUID, Parts
from streams.gateway.wording import sentences
from streams.ledger import queries
from streams.ledger.times import millis_of_iso
from streams.policy.reasons import ReasonCode

_DELIVERED = OutcomeKind.DELIVERED.value
_STATES = {"PICKED_UP": "PICKED_UP", "ACKNOWLEDGED": "ACKNOWLEDGED"}


class Outcomes:
    """Safe from any thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def outcome(self, caller: Caller, event_id: str) -> EventOutcome | None:
        """As the port says."""
        if "outcome" not in caller.scopes:
            return None
        if not UUID.fullmatch(event_id):
            self._parts.refuse_access(caller, "outcome", MALFORMED)
            return None
        force, leaves = self._parts.rules.now(), queries.leaf_paths(self._parts.event_types)
        with self._parts.pool.transaction() as connection:
            publication = gateway_publications.of_event(connection, event_id, caller.agency)
            audit = queries.found(connection, event_id, leaves=leaves, source=caller.agency)
            answers = gateway_store.answers(connection, event_id) if audit is not None else []
            lives = followup_store.of_event(connection, event_id) if audit is not None else []
        if audit is not None:
            known = {each.agency: _life(each) for each in lives}
            # The gateway's own rows are ahead by as long as a receipt is under way; they know notes, too.
            return _decided(audit, publication, {**known, **{each.agency: each for each in answers}}, force)
        if publication is not None:
            return _pending(publication)
        self._parts.refuse_access(caller, "outcome", event_id)
        return None


def _pending(publication: PublicationRow) -> EventOutcome:
    return EventOutcome(
        event_id=publication.event_id,
        event_type=publication.event_type,
        disposition="PENDING",
        accepted_at=publication.accepted_at,
        decided_at=None,
        reasons=(),
        recipients=(),
    )


def _decided(
    audit: Mapping[str, Any], publication: PublicationRow | None, answers: Mapping[str, Answered], force: InForce
) -> EventOutcome:
    rejection = audit["rejection"]
    reasons = sentences(audit["reasons"]) if rejection is None else (str(rejection["explanation"]),)
    return EventOutcome(
        event_id=audit["eventId"],
        event_type=audit["eventType"],
        disposition=audit["kind"],
        accepted_at=None if publication is None else publication.accepted_at,
        decided_at=millis_of_iso(audit["decidedAt"]),
        reasons=reasons,
        recipients=tuple(_recipient(each, answers.get(each["agency"]), force) for each in audit["outcomes"]),
    )


def _recipient(outcome: Mapping[str, Any], answer: Answered | None, force: InForce) -> RecipientOutcome:
    entry = force.agencies.get(outcome["agency"])
    shown = entry is not None and ReasonCode.RELATIONSHIP_REGISTER.value not in outcome["reasons"]
    delivered = outcome["outcome"] == _DELIVERED
    return RecipientOutcome(
        category=None if entry is None else entry["category"],
        agency=outcome["agency"] if shown else None,
        name=str(entry["name"]) if shown and entry is not None else None,
        outcome=outcome["outcome"],
        reasons=tuple(outcome["reasons"]),
        sentences=sentences(outcome["reasons"]),
        state=_state(answer) if delivered else None,
        acknowledged=None if answer is None else cast("AckOutcome | None", answer.outcome),
        note=None if answer is None else cast("NoteCode | None", answer.note),
        ack_by=millis_of_iso(outcome["ackBy"]),
    )


def _life(delivery: Delivery) -> Answered:
    """How far a recipient is that answers by Kafka, as its receipts say."""
    state = "ACKNOWLEDGED" if delivery.acknowledged_at is not None else delivery.state
    outcome = delivery.outcome if delivery.acknowledged_at is not None else None
    return Answered(delivery.agency, state, delivery.picked_up_at, outcome, None)


def _state(answer: Answered | None) -> str:
    """How far it is; SENT as long as nothing is known of it."""
    if answer is None:
        return "SENT"
    return _STATES.get(answer.state, "SENT" if answer.picked_up_at is None else "PICKED_UP")
