"""Labels of fields that are said shorter, or to the person, than the schema's own `doc` says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Named(NamedTuple):
    label: str
    hint: str


# Said shorter, or to the person who reads or fills in the page.
FIELDS: Mapping[str, Named] = {
    "envelope.area.gss": Named(
        "Council where the child lives", "Its nine-character code. Leave empty when you do not know."
    ),
    "envelope.settings.schoolUrn": Named("School or college", "Its URN, six digits"),
    "envelope.settings.gpOds": Named("GP practice", "Its ODS code, for example A81001"),
    "envelope.settings.communityHealthOds": Named("Health visiting or school nursing service", "Its ODS code"),
    "envelope.settings.placingLaGss": Named("Council that looks after the child", "Its nine-character code"),
    "envelope.settings.hostLaGss": Named("Council where the placement is", "Its nine-character code"),
    "envelope.settings.accusedSettingUrn": Named(
        "Setting that the allegation is about", "Its URN or Ofsted number. It never receives this message."
    ),
    "envelope.child.name": Named("Name", "Forename and family name the child is known by"),
    "envelope.child.dateOfBirth": Named("Date of birth", ""),
    "envelope.child.expectedDeliveryDate": Named("Expected date of delivery", "Only for a child not born yet"),
    "envelope.child.nhsNumber": Named(
        "NHS number", "Ten digits. Leave empty when you do not know it: that never holds a message back."
    ),
    "envelope.child.upn": Named("Unique pupil number (UPN)", "A letter and twelve digits"),
    "envelope.child.upnUnknownReason": Named("Why there is no UPN", ""),
    "envelope.child.localRef": Named("Your reference for the child", "Of your own records"),
    "envelope.child.identifierSuppressed": Named(
        "Do you leave out a number you know, because giving it would harm the child?", ""
    ),
    "envelope.child.motherNhsNumber": Named("NHS number of the mother", "Only for a child not born yet"),
    "envelope.child.siblingRefs": Named("Your references for brothers and sisters", "One on each line"),
    "envelope.addressProtection": Named("Must it be kept secret where the child lives?", ""),
    "envelope.matchStatus": Named("How sure are you who the child is?", ""),
    "envelope.familyInformed": Named(
        "Does the family know that you share this?",
        "You do not need their consent. Openness is expected unless it is unsafe.",
    ),
    "envelope.handling.doNotDiscloseToSubject": Named(
        "Could it do harm if the child or a person of concern learned of this?", "Those who receive it are told so"
    ),
    "envelope.handling.sensitiveService": Named(
        "Is it about a service that young people expect to be private?",
        "Sexual health, termination, sexual assault referral, mental health (CAMHS) or substance misuse",
    ),
    "envelope.handling.restricted": Named(
        "Must only a few named roles know that this exists?",
        "Sealed cases, witness protection, covert operations, adoption, a child of staff, an allegation against a "
        "professional",
    ),
    "envelope.handling.marking": Named("Marking", ""),
    "envelope.legalGateway": Named("Which power or duty do you rely on?", ""),
    "envelope.purpose": Named("What do you share it for?", ""),
    "envelope.dpRegime": Named("Data-protection regime", ""),
    "envelope.urgency": Named("How soon must they act?", ""),
    "envelope.occurredAt": Named("When did it happen?", "Or when it began. London time, for example 14:30"),
    "envelope.agencyGrade": Named("How do you grade it?", "Only if your organisation grades concerns"),
    "envelope.assertionBasis": Named("What kind of statement is this?", ""),
    "envelope.concerns": Named("What are you worried about?", "Tick all that apply"),
    "envelope.sourceSystem": Named("Name of your case system", ""),
    "envelope.sourceRef": Named("Your reference for this record", "So that they can quote it when they ring you"),
    "envelope.relevanceReason": Named(
        "Why does it matter for the child's safety or welfare?",
        "A sentence or two. Write no names or addresses. Most recipients do not get free text.",
    ),
    "envelope.relatedPersons": Named("Other people who matter", ""),
    "envelope.childVoice.spokenTo": Named("Was the child spoken to?", "Alone if possible"),
    "envelope.childVoice.howPresent": Named("How was the child part of it?", ""),
    "envelope.childVoice.words": Named("What the child said", "Or how a child too young to say appeared"),
    "envelope.safeContact.callSafe": Named("Is it safe to ring?", ""),
    "envelope.safeContact.textSafe": Named("Is it safe to text?", ""),
    "envelope.safeContact.letterSafe": Named("Is it safe to write?", ""),
    "envelope.safeContact.byWhom": Named("Contact through", "The service, never an address"),
    "envelope.safeContact.whenSafe": Named("When is it safe?", "For example, weekdays 10am to 2pm"),
    "envelope.contact.role": Named("Role to ask for", "A role, not a person"),
    "envelope.contact.org": Named("Team or organisation", ""),
    "envelope.contact.phone": Named("Telephone number", ""),
    "envelope.supersedes": Named("Reference of the earlier message", "That this one corrects, takes back or answers"),
    "envelope.sequence": Named("Number of this message about the same record", "Whole number, from 1"),
    "envelope.publishedAt": Named("Sent", ""),
    "envelope.recordedAt": Named("Written into the sender's records", ""),
    "envelope.masaId": Named("Safeguarding arrangement", ""),
    "envelope.sourceOrg.category": Named("Sent by", ""),
    "envelope.sourceOrg.id": Named("Code of the sender", ""),
    "envelope.sourceOrg.scheme": Named("Kind of code", ""),
    "episodeRef": Named("Reference of the missing episode", "The same in all messages about it"),
    "withheldFields": Named("Which fields were left out", "Their names in the schema, one on each line"),
    "correctedFields": Named("Which fields were wrong", "Their names in the schema, one on each line, no values"),
    "incidentTime": Named("Time of the incident", "Such as 23:40"),
    "note": Named(
        "Anything else", "Facts apart from opinion; no names or addresses. Most recipients do not get it."
    ),
}  # fmt: skip


# The same to the person who receives it.
READ: Mapping[str, str] = {
    "envelope.area.gss": "Council where the child lives",
    "envelope.child.localRef": "Sender's reference for the child",
    "envelope.child.identifierSuppressed": "A number was left out because giving it would harm the child",
    "envelope.child.siblingRefs": "Sender's references for brothers and sisters",
    "envelope.addressProtection": "Is it secret where the child lives?",
    "envelope.matchStatus": "How sure the sender is who the child is",
    "envelope.familyInformed": "Does the family know that this was shared?",
    "envelope.handling.sensitiveService": "About a service that young people expect to be private",
    "envelope.handling.restricted": "For a few named roles only",
    "envelope.legalGateway": "Shared under",
    "envelope.purpose": "Shared for",
    "envelope.urgency": "Urgency",
    "envelope.occurredAt": "When it happened",
    "envelope.agencyGrade": "Sender's grade",
    "envelope.assertionBasis": "Kind of statement",
    "envelope.concerns": "Concerns",
    "envelope.sourceSystem": "Sender's case system",
    "envelope.sourceRef": "Sender's reference",
    "envelope.relevanceReason": "Why it matters",
    "envelope.supersedes": "Reference of the earlier message",
    "note": "Note",
}
