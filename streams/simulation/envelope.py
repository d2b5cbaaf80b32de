"""The envelope of a simulated event: who publishes, under which power, about which child, for and not for whom."""

from __future__ import annotations

from random import Random
from typing import Any

from schemas.dates import MILLIS_PER_DAY
from schemas.registry import EventType
from schemas.vocabulary import ExclusionGround, LegalGateway, WithholdGround
from schemas.wire import Datum
from streams.simulation import habits
from streams.simulation.agencies import AreaAgency
from streams.simulation.people import Child

_OTHER_GATEWAY, _OTHER_PURPOSE, _PART3, _OTHER_URGENCY = 0.1, 0.2, 0.06, 0.15
_CODE_LEFT_OUT, _AREA_LEFT_OUT = 0.04, 0.03
_SENSITIVE, _DO_NOT_DISCLOSE, _SUPPRESSED = 0.015, 0.3, 0.01
_NO_VOICE = 0.5
_WITHHELD_GROUNDS = tuple(ground.value for ground in WithholdGround if ground != "UNKNOWN")
_EXCLUSION_GROUNDS = tuple(ground.value for ground in ExclusionGround if ground != "UNKNOWN")
# Gateways whose conditions a simulated event cannot be relied on to meet; used only where the example is under one.
_CONDITIONAL = frozenset({LegalGateway.S213B_HOUSING, LegalGateway.CONSENT, LegalGateway.UNKNOWN})
_GRADES = ("HIGH", "MEDIUM", "MEDIUM", "STANDARD", "STANDARD", "STANDARD", "LOW")
_URGENCIES = ("IMMEDIATE", "URGENT", "ROUTINE", "INFORMATION")
_INFORMED = ("YES", "YES", "NOT_YET", "NO_UNSAFE")


def name_source(rng: Random, envelope: Datum, agency: AreaAgency, source_ref: str) -> None:
    """Who publishes, from which record of which system."""
    codes = sorted(agency.identifiers)
    named = bool(codes) and rng.random() >= _CODE_LEFT_OUT
    scheme, code = rng.choice(codes) if named else (None, None)
    envelope["masaId"] = agency.area
    envelope["sourceOrg"] = {"category": agency.category, "scheme": scheme, "id": code}
    if envelope["sourceSystem"] is not None:
        envelope["sourceSystem"] = habits.SOURCE_SYSTEMS.get(agency.category, "Case register")
    envelope["sourceRef"] = source_ref
    if envelope["contact"] is not None:
        envelope["contact"]["org"] = agency.name


def state_basis(rng: Random, envelope: Datum, event_type: EventType) -> None:
    """Gateway, regime, purpose, urgency and grade. Call after the child is known: s49A needs a school."""
    has_school = envelope["settings"]["schoolUrn"] is not None
    usable = [g for g in event_type.gateways if g not in _CONDITIONAL and (has_school or g != LegalGateway.S49A_DAA)]
    stated = envelope["legalGateway"]
    if usable and (rng.random() < _OTHER_GATEWAY or (stated == LegalGateway.S49A_DAA and not has_school)):
        envelope["legalGateway"] = rng.choice(usable).value
    if rng.random() < _OTHER_PURPOSE:
        envelope["purpose"] = rng.choice(event_type.purposes).value
    if "DPA_PART3" in event_type.regimes and rng.random() < _PART3:
        envelope["dpRegime"] = "DPA_PART3"
    if rng.random() < _OTHER_URGENCY:
        envelope["urgency"] = rng.choice(_URGENCIES)
    if envelope["agencyGrade"] != "UNGRADED":
        envelope["agencyGrade"] = rng.choice(_GRADES)
    envelope["familyInformed"] = rng.choice(_INFORMED)


def describe_child(
    rng: Random, envelope: Datum, agency: AreaAgency, child: Child, siblings: list[Child], occurred_day: int
) -> None:
    """What this agency knows of the child: settings, identifiers, protection, people around it."""
    settings = envelope["settings"]
    settings.update(
        schoolUrn=child.school,
        gpOds=child.gp,
        communityHealthOds=child.community_health,
        placingLaGss=child.placing_gss,
        hostLaGss=child.host_gss,
    )
    envelope["addressProtection"] = child.protection
    envelope["area"]["gss"] = None if rng.random() < _AREA_LEFT_OUT else child.home_gss
    _identify(rng, envelope, agency, child, occurred_day)
    others = [sibling for sibling in siblings if sibling is not child]
    envelope["child"]["siblingRefs"] = [local_ref(agency, each) for each in others] or None
    if envelope["relatedPersons"] is not None:
        envelope["relatedPersons"] = [relation.datum() for relation in child.relations]
    if envelope["childVoice"] is not None and (child.born is None or rng.random() < _NO_VOICE):
        envelope["childVoice"] = None


def _identify(rng: Random, envelope: Datum, agency: AreaAgency, child: Child, occurred_day: int) -> None:
    knows_nhs = rng.random() < habits.KNOWS_NHS_NUMBER.get(agency.category, habits.OTHERS_KNOW_NHS_NUMBER)
    knows_upn = rng.random() < habits.KNOWS_UPN.get(agency.category, habits.OTHERS_KNOW_UPN)
    suppressed = rng.random() < _SUPPRESSED
    nhs_number = child.nhs_number if knows_nhs and not suppressed else None
    upn = child.upn if knows_upn and not suppressed else None
    words, weights = zip(*(habits.MATCH_WITH_NUMBER if nhs_number else habits.MATCH_WITHOUT_NUMBER), strict=True)
    envelope["matchStatus"] = rng.choices(words, weights)[0]
    envelope["child"] = {
        "localRef": local_ref(agency, child),
        "nhsNumber": nhs_number,
        "upn": upn,
        "upnUnknownReason": None if upn else child.upn_unknown_reason,
        "identifierSuppressed": suppressed,
        "name": child.name,
        "dateOfBirth": child.born if child.born is not None and child.born <= occurred_day else None,
        "expectedDeliveryDate": child.due,
        "motherNhsNumber": child.mother_nhs_number if knows_nhs else None,
        "siblingRefs": None,
    }


def handle(rng: Random, envelope: Datum, child: Child) -> None:
    """Handling marks: the restricted lane (P-08), sensitive services (P-09), what the subject must not learn (P-06)."""
    handling = envelope["handling"]
    handling["restricted"] = handling["restricted"] or child.sealed
    handling["sensitiveService"] = handling["sensitiveService"] or rng.random() < _SENSITIVE
    concern = any(relation.role == "PERSON_OF_CONCERN" for relation in child.relations)
    if concern and rng.random() < _DO_NOT_DISCLOSE:
        handling["doNotDiscloseToSubject"] = True


def local_ref(agency: AreaAgency, child: Child) -> str:
    """The agency's own number of the child, always the same."""
    return f"{initials(agency)}-{child.number:05d}"


def initials(agency: AreaAgency) -> str:
    """A short prefix for an agency's own references, e.g. `NP` for `northshire-police`."""
    return "".join(part[0] for part in agency.id.split("-") if part).upper()


def confirmed(agency: AreaAgency, role: str | None = None) -> Datum:
    """A judgement that this recipient gets the event (L-02)."""
    return _judgement(agency, role, "CONFIRMED", None, "STANDING_ADOPTION", None, None)


def withheld(rng: Random, agency: AreaAgency, at_ms: int) -> Datum:
    """A judgement that this recipient does not (L-03); the reason stays with the publisher, its digest goes along."""
    digest = f"{rng.getrandbits(256):064x}"
    review = at_ms // MILLIS_PER_DAY + rng.choice((14, 28, 90))
    return _judgement(agency, None, "WITHHELD", rng.choice(_WITHHELD_GROUNDS), "NAMED_DECISION_MAKER", digest, review)


def excluded(rng: Random, agency: AreaAgency) -> Datum:
    """A conflict of interest at a recipient (P-05)."""
    return {"agency": agency.id, "role": None, "ground": rng.choice(_EXCLUSION_GROUNDS)}


def _judgement(
    agency: AreaAgency, role: str | None, judgement: str, ground: Any, by: str, digest: Any, review: Any
) -> Datum:
    return {
        "agency": agency.id,
        "role": role,
        "judgement": judgement,
        "ground": ground,
        "decidedBy": by,
        "reasonDigest": digest,
        "reviewOn": review,
    }
