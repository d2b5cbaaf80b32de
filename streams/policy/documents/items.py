"""Which data items a rule gives, worked out by the function that cuts deliveries (`streams.policy.fields`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.registry import EventType
from schemas.vocabulary import FieldClass
from streams.policy.documents.source import Entry, Source
from streams.policy.facts import RoleId
from streams.policy.fields import ONLY_ROUTING, Grant, plan


class Item(NamedTuple):
    """One field that a rule gives. `shown` is the class it is listed under: the most telling of its classes."""

    path: str
    classes: frozenset[FieldClass]
    shown: FieldClass
    not_if_protected: bool  # taken away when the child's address is protected
    only_confirmed: bool  # given only when the publisher confirmed the recipient


# A field of several classes is listed under the first of these that it has.
_TELLING = (
    FieldClass.ADOPTION, FieldClass.SEXUAL_HEALTH, FieldClass.SENSITIVE_SERVICE, FieldClass.PLACEMENT,
    FieldClass.LOCATING, FieldClass.CONTACT, FieldClass.HEALTH, FieldClass.OFFENCE, FieldClass.NARRATIVE,
    FieldClass.THIRD_PARTY, FieldClass.IDENTITY, FieldClass.WORKER, FieldClass.CIRCUMSTANCE,
)  # fmt: skip
# The order in which a reader wants them.
SHOWN = (
    FieldClass.IDENTITY, FieldClass.CIRCUMSTANCE, FieldClass.CONTACT, FieldClass.LOCATING, FieldClass.PLACEMENT,
    FieldClass.THIRD_PARTY, FieldClass.HEALTH, FieldClass.SEXUAL_HEALTH, FieldClass.SENSITIVE_SERVICE,
    FieldClass.OFFENCE, FieldClass.NARRATIVE, FieldClass.WORKER, FieldClass.ADOPTION,
)  # fmt: skip


def items_of(source: Source, rule: Entry, event_type: str) -> tuple[Item, ...]:
    """What an allow rule gives of one event type, metadata left out, in the order of the schema."""
    kind = source.event_types[event_type]
    share = frozenset(source.spec["projections"][rule["share"]]["events"].get(event_type, ()))
    view = source.views[RoleId(rule["to"]["role"])]
    most = plan(kind, [Grant(share, view, confirmed=True)], protected=False).kept
    protected = plan(kind, [Grant(share, view, confirmed=True)], protected=True).kept
    unconfirmed = plan(kind, [Grant(share, view, confirmed=False)], protected=False).kept
    return tuple(
        Item(
            leaf.path,
            leaf.classes,
            next(c for c in _TELLING if c in leaf.classes),
            not_if_protected=leaf.path not in protected,
            only_confirmed=leaf.path not in unconfirmed,
        )
        for leaf in kind.leaves
        if leaf.path in most and leaf.classes != ONLY_ROUTING
    )


def classes_given(source: Source, rules: Iterable[Entry]) -> frozenset[FieldClass]:
    """Every class of which at least one field is given by at least one of the rules."""
    found: set[FieldClass] = set()
    for rule in rules:
        for event_type in rule["events"]:
            for item in items_of(source, rule, event_type):
                found |= item.classes
    return frozenset(found)


def by_class(items: Iterable[Item]) -> Mapping[FieldClass, list[Item]]:
    """Items under the class that each is shown under, in reading order."""
    grouped: dict[FieldClass, list[Item]] = {shown: [] for shown in SHOWN}
    for item in items:
        grouped[item.shown].append(item)
    return {shown: found for shown, found in grouped.items() if found}


_NAMES = {
    "envelope.concerns": "coded concerns",
    "envelope.sourceOrg.scheme": "sending organisation's code scheme",
    "envelope.sourceOrg.id": "sending organisation's code",
    "envelope.settings.schoolUrn": "school",
    "envelope.settings.gpOds": "GP practice",
    "envelope.settings.communityHealthOds": "0-19 health service",
    "envelope.settings.placingLaGss": "placing authority",
    "envelope.settings.hostLaGss": "host authority",
    "envelope.settings.accusedSettingUrn": "setting of the accused person",
    "envelope.sourceSystem": "sender's case system",
    "envelope.sourceRef": "sender's reference",
    "envelope.relevanceReason": "why it is relevant (free text)",
    "envelope.relatedPersons": "related people: role, relationship, level of contact, reference",
    "envelope.childVoice.spokenTo": "whether the child was spoken to",
    "envelope.childVoice.howPresent": "how the child was present",
    "envelope.childVoice.words": "the child's words (free text)",
    "envelope.safeContact.callSafe": "whether it is safe to call",
    "envelope.safeContact.textSafe": "whether it is safe to text",
    "envelope.safeContact.letterSafe": "whether it is safe to write",
    "envelope.safeContact.byWhom": "who should make contact",
    "envelope.safeContact.whenSafe": "when contact is safe",
    "envelope.contact.role": "role of the person to ring",
    "envelope.contact.org": "organisation of the person to ring",
    "envelope.contact.phone": "telephone of the person to ring",
    "envelope.child.localRef": "sender's reference for the child",
    "envelope.child.nhsNumber": "NHS number",
    "envelope.child.upn": "unique pupil number",
    "envelope.child.upnUnknownReason": "why there is no pupil number",
    "envelope.child.identifierSuppressed": "whether the identifier is left out on purpose",
    "envelope.child.name": "child's name",
    "envelope.child.dateOfBirth": "date of birth",
    "envelope.child.expectedDeliveryDate": "expected date of delivery",
    "envelope.child.motherNhsNumber": "mother's NHS number",
    "envelope.child.siblingRefs": "references of siblings",
    "note": "note (free text)",
}
_WORDS = {
    "urn": "URN", "gss": "GSS code", "nhs": "NHS", "upn": "UPN", "uprn": "UPRN", "dash": "DASH", "idva": "IDVA",
    "mappa": "MAPPA", "cpis": "CP-IS", "brag": "BRAG", "marac": "MARAC", "la": "authority", "dsl": "safeguarding lead",
    "ref": "reference", "id": "identifier", "at": "time", "on": "date",
}  # fmt: skip
_HUMPS = re.compile(r"[A-Z]?[a-z]+|\d+|[A-Z]+(?![a-z])")
_WHOLE = frozenset({"on", "at"})  # replaced at the end only: `endedAt` is a time, `atRisk` is not


def item_name(path: str) -> str:
    """A field's name in words, `missing since` for `missingSince`. What it means is in the dictionary of items."""
    if path in _NAMES:
        return _NAMES[path]
    humps = [hump.lower() for hump in _HUMPS.findall(path.replace(".", " "))]
    last = len(humps) - 1
    words = [
        hump if hump in _WHOLE and (i != last or last == 0) else _WORDS.get(hump, hump) for i, hump in enumerate(humps)
    ]
    return " ".join(words)


def definition(kind: EventType, path: str) -> str:
    """What the schema says that a field holds."""
    return kind.leaf_by_path[path].doc
