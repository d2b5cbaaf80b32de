"""Builders for policy tests: a small contract, a small area, facts. Everything has a default; name what matters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from schemas.vocabulary import FieldClass
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.facts import AgencyId, AreaId, EpochMillis, Exclusion, Facts, Judgement, LocatorToken, RoleId
from streams.policy.index import RuleSet
from streams.policy.model import AgencyModel, AgreementModel, Area, AreaFile, ProjectionModel, RuleModel

TODAY = date(2026, 10, 1)
INCIDENT = "police.domestic-abuse-incident"
ABSENCE = "education.absence-concern"


@dataclass(frozen=True)
class FakeLeaf:
    path: str
    classes: frozenset[FieldClass]
    node: Any = None


@dataclass(frozen=True)
class FakeType:
    name: str
    clock: str
    leaves: tuple[FakeLeaf, ...]


_ENVELOPE = {
    "eventId": "ROUTING",
    "sourceOrg.id": "LOCATING",
    "urgency": "ROUTING",
    "area.gss": "ROUTING",
    "proposedRecipients": "CONTROL",
    "concerns": "CIRCUMSTANCE",
    "settings.schoolUrn": "LOCATING",
    "settings.gpOds": "LOCATING",
    "relatedPersons": "THIRD_PARTY",
    "contact.phone": "CONTACT",
    "child.nhsNumber": "IDENTITY",
    "child.upn": "IDENTITY LOCATING",
    "child.name": "IDENTITY",
}
_BODY = {
    INCIDENT: {"incidentDate": "CIRCUMSTANCE", "service": "SENSITIVE_SERVICE", "note": "NARRATIVE"},
    ABSENCE: {"sessionsMissed": "CIRCUMSTANCE", "clinic": "SEXUAL_HEALTH HEALTH", "note": "NARRATIVE"},
}

CONCERNS = ["UNKNOWN", "DOMESTIC_ABUSE", "NEGLECT", "MISSING"]


def _leaf(path: str, classes: str) -> FakeLeaf:
    node = {"type": "array", "items": {"type": "enum", "symbols": CONCERNS}} if path == "envelope.concerns" else None
    return FakeLeaf(path, frozenset(FieldClass(c) for c in classes.split()), node)


EVENT_TYPES = {
    name: FakeType(
        name,
        clock,
        tuple(
            [_leaf("envelope." + path, classes) for path, classes in _ENVELOPE.items()]
            + [_leaf(path, classes) for path, classes in _BODY[name].items()]
        ),
    )
    for name, clock in ((INCIDENT, "NEXT_SCHOOL_DAY"), (ABSENCE, "1WD"))
}

EVERYTHING = ["envelope.settings", "envelope.relatedPersons", "envelope.contact", "envelope.child"]
ALL_CLASSES = [c.value for c in FieldClass if c not in (FieldClass.CONTROL, FieldClass.ROUTING)]


def millis(text: str) -> EpochMillis:
    """`2026-10-05` or `2026-10-05T18:00` (UTC) as milliseconds."""
    return EpochMillis(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))


NOW = millis("2026-10-05T09:00")


def token(scheme: str, value: str) -> LocatorToken:
    return LocatorToken(f"{scheme}:{value}")


def agency(identity: str, **changes: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": identity,
        "name": identity.title(),
        "category": "LA_CSC",
        "dutyBasis": {"basis": "S11_BODY", "evidence": "s11(1)", "from": date(2026, 9, 30)},
        "identifiers": [{"scheme": "LOCAL", "id": identity.upper()}],
        "channel": "kafka",
        "roles": [],
        "contacts": {"office": {"name": "Duty", "phone": "01632 960001"}},
    }
    return {**entry, **changes}


def school(identity: str, urn: str, **changes: Any) -> dict[str, Any]:
    entry = agency(
        identity,
        category="SCHOOL",
        dutyBasis={"basis": "DESIGNATED_EDU", "evidence": "s16E", "from": date(2026, 9, 30)},
        identifiers=[{"scheme": "URN", "id": urn}],
        roles=["dsl"],
    )
    return {**entry, **changes}


def gp(identity: str, ods: str, **changes: Any) -> dict[str, Any]:
    entry = agency(identity, category="GP", identifiers=[{"scheme": "ODS", "id": ods}], roles=["gp-lead"])
    return {**entry, **changes}


ROLES: dict[str, Any] = {
    "front-door": {"title": "Front door", "classes": ALL_CLASSES},
    "dsl": {"title": "Designated safeguarding lead", "classes": ["IDENTITY", "CIRCUMSTANCE", "LOCATING", "NARRATIVE"]},
    "gp-lead": {"title": "Practice lead", "classes": ["IDENTITY", "CIRCUMSTANCE", "HEALTH", "SEXUAL_HEALTH"]},
    "ehe-officer": {"title": "Elective home education officer", "classes": ["IDENTITY", "CIRCUMSTANCE"]},
    "sealed-desk": {"title": "Restricted lane officer", "restricted": True, "classes": ALL_CLASSES},
    "offender-manager": {
        "title": "Offender manager",
        "serves": "PERSON_OF_CONCERN",
        "classes": ["CIRCUMSTANCE", "THIRD_PARTY", "IDENTITY"],
    },
}

PROJECTIONS: dict[str, Any] = {
    "everything": {
        "reason": "all of it",
        "common": EVERYTHING,
        "events": {INCIDENT: ["incidentDate", "service", "note"], ABSENCE: ["sessionsMissed", "clinic", "note"]},
    },
    "name-only": {"reason": "who it is", "common": ["envelope.child.name"], "events": {}},
    "school": {
        "reason": "what a school needs",
        "common": ["envelope.child", "envelope.settings.schoolUrn"],
        "events": {INCIDENT: ["incidentDate"], ABSENCE: ["sessionsMissed"]},
    },
}

AGENCIES: list[dict[str, Any]] = [
    agency("north-police", category="POLICE", identifiers=[{"scheme": "GSS", "id": "E23000099"}]),
    agency("north-csc", roles=["front-door", "sealed-desk"], identifiers=[{"scheme": "GSS", "id": "E10000099"}]),
    agency("north-ehe", roles=["ehe-officer"]),
    school("oak-school", "990001", alternate="north-csc"),
    school("elm-school", "990002"),
    gp("elm-surgery", "Z99001"),
    agency("north-probation", category="PROBATION", roles=["offender-manager"]),
]


def agreement(**changes: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": "north-dsa",
        "title": "Northshire agreement",
        "parties": ["category:LA_CSC", "category:SCHOOL", "category:GP", "category:POLICE", "category:PROBATION"],
        "purposes": ["SAFEGUARDING", "WELFARE"],
        "gateways": ["S16LA", "S49A_DAA"],
        "lawfulBasis": "Art 6(1)(c)",
        "regimes": ["UKGDPR", "DPA_PART3"],
        "signedOn": date(2026, 9, 1),
        "reviewBy": date(2027, 9, 1),
    }
    return {**entry, **changes}


def allow(identity: str, to: str, of: str, **changes: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": identity,
        "effect": "allow",
        "events": [INCIDENT],
        "gateways": ["S16LA"],
        "to": {"role": to, "of": of},
        "share": "name-only",
        "under": "north-dsa",
        "reason": "because",
    }
    return {**entry, **changes}


def deny(identity: str, to: str, of: str, **changes: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": identity,
        "effect": "deny",
        "events": [INCIDENT],
        "to": {"role": to, "of": of},
        "reason": "never",
    }
    return {**entry, **changes}


def area(rules: list[dict[str, Any]], **changes: Any) -> Area:
    """An area; `spec`, `agencies`, `agreements`, `projections` may be given."""
    spec: dict[str, Any] = {
        "area": "north",
        "name": "North",
        "authorities": ["E10000099", "E06000098"],
        "dutyCommencedOn": date(2026, 9, 30),
        "legalText": "s16LA",
        "frontDoor": "north-csc",
        "responsibleOfficerRole": "ehe-officer",
        "reviewBy": date(2028, 9, 30),
        "locatingRoles": ["front-door"],
        "roles": ROLES,
        **changes.get("spec", {}),
    }
    return Area(
        spec=AreaFile.model_validate(spec),
        agencies=tuple(AgencyModel.model_validate(a) for a in changes.get("agencies", AGENCIES)),
        agreements=tuple(AgreementModel.model_validate(a) for a in changes.get("agreements", [agreement()])),
        projections={
            name: ProjectionModel.model_validate(p) for name, p in changes.get("projections", PROJECTIONS).items()
        },
        rules=tuple(RuleModel.model_validate(r) for r in rules),
    )


def east(rules: list[dict[str, Any]], **changes: Any) -> Area:
    """A second, neighbouring area with a council and a school."""
    given: dict[str, Any] = {
        "spec": {
            "area": "east",
            "name": "East",
            "authorities": ["E06000099"],
            "frontDoor": "east-csc",
            "responsibleOfficerRole": None,
            **changes.pop("spec", {}),
        },
        "agencies": [
            agency("east-csc", roles=["front-door"], identifiers=[{"scheme": "GSS", "id": "E06000099"}]),
            school("ash-school", "990003"),
        ],
        "agreements": [agreement(id="east-dsa")],
        **changes,
    }
    return area([{**r, **({"under": "east-dsa"} if r["effect"] == "allow" else {})} for r in rules], **given)


def artefact(*areas: Area) -> Artefact:
    return compile_areas(areas, EVENT_TYPES, TODAY)


def rule_set(*areas: Area) -> RuleSet:
    return RuleSet.build(artefact(*areas), EVENT_TYPES, token)


def judgement(
    agency: str | None, judged: str = "CONFIRMED", role: str | None = None, ground: str | None = None
) -> Judgement:
    return Judgement(
        None if agency is None else AgencyId(agency), None if role is None else RoleId(role), judged, ground
    )


def exclusion(agency: str, role: str | None = None) -> Exclusion:
    return Exclusion(AgencyId(agency), None if role is None else RoleId(role), "CLOSE_TO_PERSON_OF_CONCERN")


FACTS = Facts(
    event_id="0190c0de-0000-7000-8000-000000000001",
    event_type=INCIDENT,
    source=AgencyId("north-police"),
    source_category="POLICE",
    masa_id=AreaId("north"),
    area_gss="E10000099",
    gateway="S16LA",
    regime="UKGDPR",
    purpose="SAFEGUARDING",
    urgency="URGENT",
    grade="MEDIUM",
    marking="OFFICIAL_SENSITIVE",
    do_not_disclose_to_subject=True,
    sensitive_service=False,
    restricted=False,
    protection="NONE",
    match="MATCH",
    age_years=9,
    unborn=False,
    concerns=("DOMESTIC_ABUSE",),
    school=token("URN", "990001"),
    gp=token("ODS", "Z99001"),
    community_health=None,
    placing_la=None,
    host_la=None,
    accused_setting=None,
    judgements=(),
    exclusions=(),
    supersedes=None,
    subject=None,
    occurred_at=millis("2026-10-05T07:00"),
    published_at=millis("2026-10-05T08:00"),
)


def facts(**changes: Any) -> Facts:
    return FACTS._replace(**changes)
