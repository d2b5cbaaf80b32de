"""What the side streams need of an audit record. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.codec import decode_record
from schemas.errors import ContractError

NOTHING_NEW = frozenset({"UNKNOWN", "REJECTED", "REPEATED"})  # dispositions of what was refused, or known already
HEARTBEAT = "control.heartbeat"


class Seen(NamedTuple):
    """One event that an agency published and the router decided on. Instants are epoch milliseconds."""

    event_id: str
    event_type: str
    source: str
    category: str
    area: str  # of the publisher
    gss: str | None  # of the authority where the child lives
    decided_at: int
    occurred_at: int
    published_at: int
    deliveries: int
    subject: str | None  # keyed pseudonym of the child
    matched: bool  # it is surely this child
    grade: str
    urgency: str
    protection: str
    restricted: bool
    do_not_disclose: bool
    supersedes: str | None


def seen_in(value: bytes | None) -> Seen | None:
    """None for what is nobody's new event: refused, repeated, released later, a heartbeat. Raises ContractError."""
    if value is None:
        raise ContractError("an audit record without a value")
    audit = decode_record("audit", value)
    inputs: dict[str, Any] | None = audit["inputs"]
    if audit["kind"] in NOTHING_NEW or inputs is None or inputs["releaseOf"] is not None:
        return None
    event_id, event_type, source = audit["eventId"], audit["eventType"], audit["source"]
    if event_id is None or source is None or event_type is None or event_type == HEARTBEAT:
        return None
    return Seen(
        event_id=event_id,
        event_type=event_type,
        source=source,
        category=inputs["sourceCategory"],
        area=inputs["masaId"],
        gss=inputs["areaGss"],
        decided_at=audit["decidedAt"],
        occurred_at=inputs["occurredAt"],
        published_at=inputs["publishedAt"],
        deliveries=sum(each["outcome"] == "DELIVERED" for each in audit["outcomes"]),
        subject=inputs["subject"],
        matched=inputs["match"] == "MATCH",
        grade=inputs["grade"],
        urgency=inputs["urgency"],
        protection=inputs["protection"],
        restricted=inputs["restricted"],
        do_not_disclose=inputs["doNotDiscloseToSubject"],
        supersedes=inputs["supersedes"],
    )
