"""How a message of the exchange becomes a record of its outbox: the envelope, the id, the key, the bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from connectors.client.outbox import encoded_outbox_record
from connectors.kafka.publisher import Outgoing
from schemas.codec import encode_event
from schemas.registry import EventTypes, load_event_types
from schemas.vocabulary import AddressProtection, Urgency
from schemas.wire import Datum

_NAMES = UUID("4f0c4c5e-7a3f-5d0e-9b1b-6d6173610007")  # name space of the exchange's event ids
_CATEGORY = "SAFEGUARDING_PARTNERSHIP"


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


class Message(NamedTuple):
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


def outgoing(voice: Voice, message: Message) -> Outgoing:
    """The record. Its key is the event it is about, so that what is said of one event stays in order."""
    event_type = voice.event_types[message.event_type]
    datum = datum_of(voice, message, event_type.version)
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


def datum_of(voice: Voice, message: Message, version: int) -> Datum:
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
