"""The exchange's own voice: the events that it publishes about deliveries, as an agency of its area.

Pure builders of records for the exchange's outbox. They are routed, audited and delivered like anybody's, by rules that
admit this one source; whom they are for is named, agency and role. References only: an event id and codes, no
identifier of a child, no place and no account.

Every event's id is made of what it says, so that saying it again after a crash is recognised by the router as a repeat.
A repeat must have the same bytes too: every instant given here is one that is stored or that was in the record read
(a deadline, a receipt's time), never the clock's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from connectors.kafka.publisher import Outgoing
from schemas.vocabulary import EXCHANGE_DESK, HEARTBEAT, PROBE_DESK, Purpose, Urgency
from schemas.wire import Datum
from streams.followup.message import (
    About,
    Message,
    Recipient,
    Voice,
    datum_of,
    event_id,
    exchange_agency,
    outgoing,
    probe_agency,
)

__all__ = [
    "ACKNOWLEDGEMENT",
    "CONTACT",
    "CORRECTION",
    "ESCALATION",
    "EXCHANGE_DESK",
    "HEARTBEAT",
    "MAX_EVENT_IDS",
    "NOTICE",
    "PROBE_DESK",
    "RETRACTION",
    "About",
    "Door",
    "Lateness",
    "Level",
    "NoticeKind",
    "Recipient",
    "Voice",
    "acknowledged",
    "contact",
    "digest",
    "escalation",
    "event_id",
    "exchange_agency",
    "gateway_heartbeat",
    "heartbeat",
    "heartbeat_id",
    "notice",
    "probe_agency",
    "recall_notice",
]

ESCALATION, ACKNOWLEDGEMENT = "control.escalation", "control.acknowledgement"
RETRACTION, CORRECTION = "control.retraction", "control.correction"
NOTICE = "control.notice"
CONTACT = "safeguarding-contact"  # answers for what its agency sent and received
MAX_EVENT_IDS = 100  # references of one notice; `count` says how many there are


class Level(StrEnum):
    """Step of the ladder (D-04)."""

    REMINDER = "REMINDER"
    DEPUTY = "DEPUTY"
    NAMED_LEAD = "NAMED_LEAD"
    DELEGATED_PARTNER = "DELEGATED_PARTNER"
    LEAD_PARTNER = "LEAD_PARTNER"


class Lateness(StrEnum):
    """Why something is escalated."""

    NOT_PICKED_UP = "NOT_PICKED_UP"
    NOT_ACKNOWLEDGED = "NOT_ACKNOWLEDGED"
    NOT_OUR_CHILD_UNRESOLVED = "NOT_OUR_CHILD_UNRESOLVED"
    NO_ANSWER_TO_REQUEST = "NO_ANSWER_TO_REQUEST"
    REMOVAL_NOT_CONFIRMED = "REMOVAL_NOT_CONFIRMED"


class NoticeKind(StrEnum):
    """What the exchange noticed."""

    PATTERN = "PATTERN"
    SILENT_AGENCY = "SILENT_AGENCY"
    MISDIRECTED = "MISDIRECTED"
    REMOVAL_OVERDUE = "REMOVAL_OVERDUE"
    DIGEST = "DIGEST"
    RECALL_REFUSED = "RECALL_REFUSED"
    MISDELIVERY = "MISDELIVERY"


class Door(StrEnum):
    """A way into the exchange that a heartbeat tries."""

    KAFKA = "KAFKA"
    GATEWAY = "GATEWAY"


def contact(agency: str, *, restricted: bool) -> Recipient:
    """Who answers for what an agency sent or received. Of what is restricted the rules know which roles may hear."""
    return Recipient(agency, None if restricted else CONTACT)


def escalation(
    voice: Voice,
    about: About,
    *,
    delivery_id: str,
    step: int,
    level: Level,
    reason: Lateness,
    to: Sequence[Recipient],
    due_at: int,
    late_role: str | None = None,
    phone: bool = False,
    at: int,
) -> Outgoing:
    """A missed deadline, for the next person on the ladder. `at`: when the step was due; `due_at`: what was missed.

    `step` counts the ladder's steps, so that one step of one delivery is said once.
    """
    payload = {
        "level": level.value,
        "reason": reason.value,
        "originalType": about.event_type,
        "lateRole": late_role,
        "dueAt": due_at,
        "phoneContactRequired": phone,
    }
    says = f"esc/{delivery_id}/{step}"
    urgency = about.urgency if about.urgency == Urgency.IMMEDIATE else Urgency.URGENT.value
    message = Message(ESCALATION, says, at, about, tuple(to), Purpose.SAFEGUARDING, urgency, payload)
    return outgoing(voice, message)


def acknowledged(
    voice: Voice,
    about: About,
    *,
    delivery_id: str,
    receipt_id: str,
    outcome: str,
    publisher: str,
    at: int,
) -> Outgoing:
    """What a recipient did with a publisher's event, as a code and no more: not who, nor which role (D-11, P-12).

    Of a restricted event only a publisher with a role that is cleared for it is told.
    """
    payload = {"outcome": outcome, "role": None, "acknowledgedAt": at}
    says, to = f"ack/{delivery_id}/{receipt_id}", (contact(publisher, restricted=about.restricted),)
    purpose, urgency = Purpose.SAFEGUARDING, Urgency.INFORMATION.value
    return outgoing(voice, Message(ACKNOWLEDGEMENT, says, at, about, to, purpose, urgency, payload))


def recall_notice(
    voice: Voice,
    about: About,
    *,
    recall_id: str,
    delivery_id: str,
    to: Recipient,
    ground: str,
    remove_by: int | None,
    corrected_fields: Sequence[str] | None = None,
    replacement: str | None = None,
    at: int,
) -> Outgoing:
    """Tell one recipient of the original to take it out of its records; `at` is when the recall was made.

    With `corrected_fields` (leaf paths, no values) a `control.correction` of those, else a `control.retraction` of all
    of it. `ground` is a word of that type's schema; one that may be known to listed roles only is GROUND_NOT_GIVEN.
    One message a delivery, so that no recipient learns of another and a late delivery is recalled like the others.
    """
    payload: Datum = {"ground": ground, "replacementEventId": replacement}
    if corrected_fields is None:
        event_type, urgency = RETRACTION, Urgency.IMMEDIATE.value
        payload |= {"protectedGround": None, "removalConfirmationRequired": True, "removeBy": remove_by}
    else:
        event_type, urgency = CORRECTION, Urgency.URGENT.value
        payload |= {"correctedFields": list(corrected_fields), "actBefore": remove_by}
    says = f"rec/{recall_id}/{delivery_id}"
    return outgoing(voice, Message(event_type, says, at, about, (to,), Purpose.RECORD_INTEGRITY, urgency, payload))


def notice(
    voice: Voice,
    kind: NoticeKind,
    *,
    says: str,
    to: Sequence[Recipient],
    rule_id: str | None = None,
    rule_text: str | None = None,
    event_ids: Iterable[str] = (),
    source_categories: Iterable[str] = (),
    agency: str | None = None,
    since: int | None = None,
    until: int | None = None,
    count: int | None = None,
    about: About | None = None,
    urgency: Urgency = Urgency.ROUTINE,
    at: int,
) -> Outgoing:
    """Something that the exchange noticed. `says` tells it from every other one of its kind, e.g. agency and day.

    `about` carries the marking of the events: the strongest protection of any, restricted if any is; its event id is
    what is superseded, if it has one. An agency is named beside no event: together they could tell where a child is.
    """
    events = list(dict.fromkeys(event_ids))
    payload = {
        "kind": kind.value,
        "ruleId": rule_id,
        "ruleText": rule_text[:500] if rule_text else None,
        "eventIds": events[:MAX_EVENT_IDS] or None,
        "sourceCategories": sorted(set(source_categories)) or None,
        "agency": None if events or about is not None else agency,
        "since": since,
        "until": until,
        "count": len(events) or None if count is None else count,
    }
    message = Message(
        NOTICE, f"notice/{kind}/{says}", at, about, tuple(to), Purpose.SAFEGUARDING, urgency.value, payload
    )
    return outgoing(voice, message)


def digest(
    voice: Voice,
    *,
    says: str,
    to: Sequence[Recipient],
    event_ids: Iterable[str],
    count: int,
    since: int | None = None,
    until: int | None = None,
    rule_id: str | None = None,
    rule_text: str | None = None,
    about: About | None = None,
    at: int,
) -> Outgoing:
    """Many late deliveries of one recipient told at once (D-10): how many, since when, and the ids of the oldest."""
    return notice(
        voice, NoticeKind.DIGEST, says=says, to=to, rule_id=rule_id, rule_text=rule_text, event_ids=event_ids,
        since=since, until=until, count=count, about=about, urgency=Urgency.URGENT, at=at,
    )  # fmt: skip


def heartbeat(voice: Voice, *, at: int) -> Outgoing:
    """A try of the Kafka door; comes back to the exchange's own inbox. `at` is the beat's planned instant."""
    return outgoing(voice, _heartbeat(Door.KAFKA, at))


def gateway_heartbeat(voice: Voice, *, at: int) -> Datum:
    """The event of a try of the HTTP door, to be published there by the probe; comes back to the probe's inbox."""
    return datum_of(voice, _heartbeat(Door.GATEWAY, at), voice.event_types[HEARTBEAT].version)


def heartbeat_id(area: str, door: Door, at: int) -> str:
    """Event id of a heartbeat, to know it by when it comes back."""
    return event_id(area, f"beat/{door}/{at}")


def _heartbeat(door: Door, at: int) -> Message:
    payload = {"sentAt": at, "door": door.value}
    purpose, urgency = Purpose.RECORD_INTEGRITY, Urgency.INFORMATION.value
    return Message(HEARTBEAT, f"beat/{door}/{at}", at, None, (), purpose, urgency, payload)
