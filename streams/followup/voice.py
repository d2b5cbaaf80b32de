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
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from connectors.client.outbox import encoded_outbox_record
from connectors.kafka.publisher import Outgoing
from schemas.codec import encode_event
from schemas.registry import EventTypes, load_event_types
from schemas.vocabulary import AddressProtection, Purpose, Urgency
from schemas.wire import Datum

ESCALATION, ACKNOWLEDGEMENT = "control.escalation", "control.acknowledgement"
RETRACTION, CORRECTION = "control.retraction", "control.correction"
NOTICE, HEARTBEAT = "control.notice", "control.heartbeat"
EXCHANGE_DESK, PROBE_DESK = "exchange-desk", "probe-desk"  # roles that the exchange itself has
MAX_EVENT_IDS = 100  # references of one notice; `count` says how many there are

_NAMES = UUID("4f0c4c5e-7a3f-5d0e-9b1b-6d6173610007")  # name space of the exchange's event ids
_CATEGORY = "SAFEGUARDING_PARTNERSHIP"


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


class Recipient(NamedTuple):
    """Whom a message is for. Without a role, every role that the rules address there."""

    agency: str
    role: str | None = None


class About(NamedTuple):
    """The event that a message is about; all of it as the audit record's inputs have it."""

    event_id: str
    event_type: str
    protection: str = AddressProtection.NONE.value
    restricted: bool = False
    do_not_disclose: bool = True  # to its subject
    urgency: str = Urgency.URGENT.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Who speaks: the exchange of one area, under the event types in force."""

    area: str
    event_types: EventTypes = field(repr=False, default_factory=load_event_types)

    @property
    def agency(self) -> str:
        return exchange_agency(self.area)


class _Message(NamedTuple):
    """What the envelope of one message says beside what all have in common."""

    event_type: str
    says: str  # what makes it this message and no other
    at: int
    about: About | None
    to: tuple[Recipient, ...]
    purpose: str
    urgency: str
    payload: Datum


def exchange_agency(area: str) -> str:
    """Agency id of an area's exchange."""
    return f"{area}-exchange"


def probe_agency(area: str) -> str:
    """Agency id under which an area's exchange tries its own gateway."""
    return f"{area}-probe"


def event_id(area: str, says: str) -> str:
    """Id of the message of an area's exchange that says this; the same for ever."""
    return str(uuid5(_NAMES, f"{area}/{says}"))


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
    message = _Message(ESCALATION, says, at, about, tuple(to), Purpose.SAFEGUARDING, urgency, payload)
    return _outgoing(voice, message)


def acknowledged(
    voice: Voice,
    about: About,
    *,
    delivery_id: str,
    receipt_id: str,
    outcome: str,
    publisher: str,
    role: str | None = "safeguarding-contact",
    at: int,
) -> Outgoing:
    """What a recipient did with a publisher's event, as a code and no more: not who, nor which role (D-11, P-12)."""
    payload = {"outcome": outcome, "role": None, "acknowledgedAt": at}
    says, to = f"ack/{delivery_id}/{receipt_id}", (Recipient(publisher, role),)
    purpose, urgency = Purpose.SAFEGUARDING, Urgency.INFORMATION.value
    return _outgoing(voice, _Message(ACKNOWLEDGEMENT, says, at, about, to, purpose, urgency, payload))


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
    return _outgoing(voice, _Message(event_type, says, at, about, (to,), Purpose.RECORD_INTEGRITY, urgency, payload))


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
    message = _Message(
        NOTICE, f"notice/{kind}/{says}", at, about, tuple(to), Purpose.SAFEGUARDING, urgency.value, payload
    )
    return _outgoing(voice, message)


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
    return _outgoing(voice, _heartbeat(Door.KAFKA, at))


def gateway_heartbeat(voice: Voice, *, at: int) -> Datum:
    """The event of a try of the HTTP door, to be published there by the probe; comes back to the probe's inbox."""
    return _datum(voice, _heartbeat(Door.GATEWAY, at), voice.event_types[HEARTBEAT].version)


def heartbeat_id(area: str, door: Door, at: int) -> str:
    """Event id of a heartbeat, to know it by when it comes back."""
    return event_id(area, f"beat/{door}/{at}")


def _heartbeat(door: Door, at: int) -> _Message:
    payload = {"sentAt": at, "door": door.value}
    purpose, urgency = Purpose.RECORD_INTEGRITY, Urgency.INFORMATION.value
    return _Message(HEARTBEAT, f"beat/{door}/{at}", at, None, (), purpose, urgency, payload)


def _outgoing(voice: Voice, message: _Message) -> Outgoing:
    """The record. Its key is the event it is about, so that what is said of one event stays in order."""
    event_type = voice.event_types[message.event_type]
    datum = _datum(voice, message, event_type.version)
    said = datum["envelope"]["eventId"]
    return encoded_outbox_record(
        event_type,
        encode_event(event_type, datum),
        event_id=said,
        occurred_at=message.at,
        key=said if message.about is None else message.about.event_id,
        area=voice.area,
        agency=voice.agency,
        gateway=False,
    )


def _datum(voice: Voice, message: _Message, version: int) -> Datum:
    about = message.about
    stated: dict[str, Any] = {
        "eventId": event_id(voice.area, message.says),
        "eventType": message.event_type,
        "schemaVersion": version,
        "masaId": voice.area,
        "purpose": message.purpose,
        "urgency": message.urgency,
        "occurredAt": message.at,
        "recordedAt": message.at,
        "publishedAt": message.at,
        "supersedes": None if about is None else about.event_id,
        "handling": _handling(about),
        "addressProtection": AddressProtection.NONE.value if about is None else about.protection,
        "proposedRecipients": [_proposed(each) for each in message.to] or None,
    }
    return {"envelope": {**_envelope(), **stated}, **message.payload}


def _handling(about: About | None) -> Datum:
    return {
        "marking": "OFFICIAL_SENSITIVE",
        "doNotDiscloseToSubject": about is not None and about.do_not_disclose,
        "sensitiveService": False,  # it says nothing of any service
        "restricted": about is not None and about.restricted,
    }


def _proposed(to: Recipient) -> Datum:
    return {
        "agency": to.agency,
        "role": to.role,
        "judgement": "CONFIRMED",
        "ground": None,
        "decidedBy": "STANDING_ADOPTION",
        "reasonDigest": None,
        "reviewOn": None,
    }


def _envelope() -> Datum:
    """What all of the exchange's messages have in common: who speaks, under which power, and nothing about a child."""
    settings = ("schoolUrn", "gpOds", "communityHealthOds", "placingLaGss", "hostLaGss", "accusedSettingUrn")
    child = (
        "localRef", "nhsNumber", "upn", "upnUnknownReason", "identifierSuppressed", "name", "dateOfBirth",
        "expectedDeliveryDate", "motherNhsNumber", "siblingRefs",
    )  # fmt: skip
    return {
        "sourceOrg": {"category": _CATEGORY, "scheme": None, "id": None},
        "legalGateway": "PUBLIC_TASK",
        "dpRegime": "UKGDPR",
        "matchStatus": "NOT_ATTEMPTED",
        "area": {"gss": None},
        "agencyGrade": "UNGRADED",
        "assertionBasis": "FACT",
        "familyInformed": "NOT_YET",
        "sequence": 1,
        "concerns": None,
        "excludeRecipients": None,
        "settings": dict.fromkeys(settings),
        "sourceSystem": None,
        "sourceRef": None,
        "relevanceReason": None,
        "relatedPersons": None,
        "childVoice": None,
        "safeContact": None,
        "contact": {"role": "Exchange desk", "org": None, "phone": None},
        "child": dict.fromkeys(child),
    }
