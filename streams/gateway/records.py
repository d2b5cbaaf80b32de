"""What the gateway puts on record: receipts of deliveries and operations of people, ready for the outbox.

Ids are derived from what is told, so that the same thing told twice is one thing. A person is a keyed pseudonym
everywhere: the exchange can say that the same person opened two deliveries, and only who holds the key and the agency's
list of people can say who it was.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from connectors.client.receipts import receipt_id, receipt_record
from connectors.http.values import Caller
from connectors.kafka.publisher import Outgoing
from connectors.operations import Operation, Result, operation_record
from connectors.postgres.gateway_store import DeliveryRow
from schemas.pseudonym import Pseudonymiser

OPENED = "delivery.opened"
ASKED_AFTER_RECALL = "delivery.asked-after-recall"  # nothing of it was shown
CLAIMED = "delivery.claimed"  # handed to an agency's own software, content included
ACKNOWLEDGED = "delivery.acknowledged"
REMOVED = "delivery.removed"  # an agency has taken what was recalled out of its records
ACCESS_REFUSED = "access.refused"
SUBMITTED = "event.submitted"
EVENT_REFUSED = "event.refused"  # an agency tried to publish as another
DELEGATED, DELEGATION_ENDED = "role.delegated", "role.delegation-ended"

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:masa:gateway")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
_LONGEST_NAME = 100


def person(pseudonymiser: Pseudonymiser, agency: str, subject: str) -> str:
    """The pseudonym of a person of an agency, 32 hex digits."""
    return pseudonymiser.token("person:" + agency, subject)


def actor(pseudonymiser: Pseudonymiser, caller: Caller) -> str:
    """Who acts, for the record: a person's pseudonym, or the agency and the name of its system."""
    if caller.kind == "person":
        return person(pseudonymiser, caller.agency, caller.subject)
    return f"{caller.agency}/{_UNPRINTABLE.sub('_', caller.subject)[:_LONGEST_NAME]}"


def named_id(*parts: str) -> str:
    """A UUID that the same parts give again."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def new_id() -> str:
    """A UUID of its own, for what counts each time it is done."""
    return str(uuid.uuid4())


def operation(
    caller: Caller,
    who: str,
    kind: str,
    target: str,
    at: int,
    *,
    operation_id: str,
    result: Result = "DONE",
    details: Mapping[str, str] | None = None,
) -> Outgoing:
    """An operation of the caller. Details are codes and numbers only."""
    return operation_record(
        Operation(
            operation_id=operation_id,
            at=at,
            actor=who,
            role=",".join(sorted(caller.roles))[:200] or None,
            kind=kind,
            target=target,
            result=result,
            details={"agency": caller.agency, "actorKind": caller.kind, **(details or {})},
        )
    )


def receipt(row: DeliveryRow, kind: str, caller: Caller, who: str, at: int, *, outcome: str | None = None) -> Outgoing:
    """A receipt: PICKED_UP, REMOVED, or ACKNOWLEDGED with its outcome. There is one of each a delivery."""
    acted = sorted(caller.roles.intersection(row.roles)) if caller.kind == "person" else []
    return receipt_record(
        {
            "receiptId": receipt_id(row.delivery_id, kind),
            "deliveryId": row.delivery_id,
            "eventId": row.event_id,
            "agency": row.agency,
            "kind": kind,
            "outcome": outcome,
            "role": acted[0] if acted else None,
            "person": who if caller.kind == "person" else None,
            "at": at,
        },
        gateway=True,
    )
