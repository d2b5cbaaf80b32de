"""The traffic and the areas that `masa bench` measures with: synthetic, seeded, built in code.

The standard scenario: four police forces publish domestic-abuse incidents; each event goes to the child's school (one
of 48), to children's social care and to the 0-19 provider, three deliveries with three projections, 50 inboxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from random import Random
from typing import Any, NamedTuple

from schemas.codec import encode_event
from schemas.dates import iso_instant
from schemas.examples import example, new_event_id
from schemas.registry import EventType, EventTypes
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.model import AgencyModel, AgreementModel, Area, AreaFile, ProjectionModel, RuleModel

EVENT_TYPE = "police.domestic-abuse-incident"
AREA = "bench"
HOME = "E10000099"
PUBLISHERS = 4
TODAY = date(2026, 10, 5)
_FROM = "2026-09-30"
_FAR = "2099-12-31"
_NAMES = ("Ada Byron", "Olu Adeyemi", "Maja Kowalska", "Tom Baker", "Zoya Khan", "Rhys Pryce", "Ines Costa")
_COMMON = ["envelope.child.name", "envelope.child.dateOfBirth", "envelope.childVoice", "envelope.contact"]
_SCHOOL = [*_COMMON, "envelope.concerns", "incidentDate", "circumstances", "childPresent"]
_HEALTH = [*_COMMON, "envelope.child.nhsNumber", "envelope.concerns", "incidentDate"]
_CARE = [*_HEALTH, "envelope.settings", "envelope.relatedPersons", "envelope.relevanceReason", "policeRef", "note"]
_CLASSES = [
    "CIRCUMSTANCE", "IDENTITY", "LOCATING", "CONTACT", "THIRD_PARTY", "HEALTH", "OFFENCE", "NARRATIVE", "WORKER",
]  # fmt: skip


class Size(NamedTuple):
    """How large the synthetic area is. `recipients` is the deliveries an event has (1 to 30)."""

    schools: int = 48
    rules: int = 3
    recipients: int = 3


def area_of(size: Size) -> Area:
    """An area of that size: rules beyond those that fire are for other councils, as in a national rule set."""
    return Area(
        spec=_spec(size),
        agencies=tuple(AgencyModel.model_validate(each) for each in _agencies(size)),
        agreements=(AgreementModel.model_validate(_agreement(size)),),
        projections={
            name: ProjectionModel(reason="measured", common=tuple(paths))
            for name, paths in (("school", _SCHOOL), ("health", _HEALTH), ("care", _CARE))
        },
        rules=tuple(RuleModel.model_validate(each) for each in _rules(size)),
    )


def artefact_of(size: Size, event_types: EventTypes) -> Artefact:
    """The compiled rule set of an area of that size."""
    return compile_areas([area_of(size)], event_types, TODAY)


def urn(school: int) -> str:
    return str(100_000 + school)


class Sample(NamedTuple):
    """One encoded event and the publisher whose outbox it belongs in."""

    publisher: str
    key: str
    value: bytes
    headers: list[tuple[str, str | bytes | None]]  # CloudEvents, as a publisher sends them


def samples(
    event_types: EventTypes, count: int, seed: int, now: datetime, schools: int = 48, *, practices: bool = False
) -> Iterator[Sample]:
    """`count` different valid events, the same for the same seed and instant.

    With `practices` each names a GP practice of its own, so that no two are about the same settings.
    """
    random = Random(seed)
    contract = event_types[EVENT_TYPE]
    now_ms = int(now.timestamp() * 1000)
    for number in range(count):
        publisher = number % PUBLISHERS
        datum = _datum(contract, random, now_ms, publisher, schools)
        if practices:
            datum["envelope"]["settings"]["gpOds"] = f"P{number:05d}"
        headers = _headers(datum["envelope"], f"police-{publisher}")
        yield Sample(f"police-{publisher}", f"record-{number % 997}", encode_event(contract, datum), headers)


def _headers(envelope: dict[str, Any], publisher: str) -> list[tuple[str, str | bytes | None]]:
    return [
        ("ce_specversion", "1.0"),
        ("ce_id", envelope["eventId"]),
        ("ce_source", f"urn:agency:{publisher}"),
        ("ce_type", EVENT_TYPE),
        ("ce_time", iso_instant(envelope["occurredAt"])),
        ("content-type", "application/avro"),
    ]


def _datum(contract: EventType, random: Random, now_ms: int, publisher: int, schools: int) -> dict[str, Any]:
    return example(
        contract,
        now_ms=now_ms,
        event_id=new_event_id(now_ms, random.getrandbits),
        overrides={
            "envelope.masaId": AREA,
            "envelope.sourceOrg.scheme": "LOCAL",
            "envelope.sourceOrg.id": f"FORCE-{publisher}",
            "envelope.settings.schoolUrn": urn(random.randrange(schools)),
            "envelope.settings.gpOds": None,
            "envelope.settings.communityHealthOds": "RB1",
            "envelope.child.name": random.choice(_NAMES),
            "envelope.child.nhsNumber": nhs_number(random),
            "envelope.sourceRef": f"NICHE-{random.randrange(10**8)}",
        },
    )


def nhs_number(random: Random) -> str:
    """A number of the test range 999 with a right check digit."""
    while True:
        digits = [9, 9, 9, *(random.randrange(10) for _ in range(6))]
        check = 11 - sum((10 - place) * digit for place, digit in enumerate(digits)) % 11
        if check != 10:
            return "".join(map(str, (*digits, check % 11)))


def _spec(size: Size) -> AreaFile:
    others = [_gss(number) for number in range(_others(size))]
    return AreaFile.model_validate(
        {
            "area": AREA,
            "name": "Bench",
            "authorities": [HOME, *others],
            "dutyCommencedOn": _FROM,
            "legalText": "s16LA",
            "frontDoor": "care",
            "reviewBy": _FAR,
            "locatingRoles": ["front-door"],
            "bankHolidays": [],
            "schoolTerms": [{"from": "2026-09-01", "to": "2099-07-20"}],
            "roles": {
                role: {"title": role, "classes": _CLASSES}
                for role in ("dsl", "front-door", "health-visitor", *_extra_roles(size))
            },
        }
    )


def _agency(name: str, category: str, scheme: str, code: str, roles: list[str], basis: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "category": category,
        "dutyBasis": {"basis": basis, "evidence": "bench", "from": _FROM},
        "identifiers": [{"scheme": scheme, "id": code}],
        "channel": "kafka",
        "roles": roles,
        "contacts": {"office": {"name": "Duty", "phone": "01632 960000"}},
    }


def _agencies(size: Size) -> Iterator[dict[str, Any]]:
    for number in range(PUBLISHERS):
        yield _agency(f"police-{number}", "POLICE", "LOCAL", f"FORCE-{number}", [], "S11_BODY")
    yield _agency("care", "LA_CSC", "GSS", HOME, ["front-door"], "S11_BODY")
    yield _agency("health", "HV_SN", "ODS", "RB1", ["health-visitor"], "S11_BODY")
    for number in range(size.schools):
        yield _agency(f"school-{number}", "SCHOOL", "URN", urn(number), ["dsl"], "DESIGNATED_EDU")
    for number, role in enumerate(_extra_roles(size)):
        yield _agency(f"partner-{number}", "YOT", "LOCAL", f"PARTNER-{number}", [role], "S11_BODY")


def _agreement(size: Size) -> dict[str, Any]:
    del size
    return {
        "id": "dsa",
        "title": "Bench agreement",
        "parties": [f"category:{name}" for name in ("POLICE", "LA_CSC", "HV_SN", "SCHOOL", "YOT")],
        "purposes": ["SAFEGUARDING"],
        "gateways": ["S16LA", "S49A_DAA"],
        "lawfulBasis": "Art 6(1)(c)",
        "regimes": ["UKGDPR", "DPA_PART3"],
        "signedOn": _FROM,
        "reviewBy": _FAR,
    }


def _rules(size: Size) -> Iterator[dict[str, Any]]:
    firing = [("dsl", "child.school", "school"), ("front-door", "area", "care")]
    firing.append(("health-visitor", "child.communityHealth", "health"))
    firing += [(role, "area", "health") for role in _extra_roles(size)]
    for number, (role, of, share) in enumerate(firing[: size.recipients]):
        yield _rule(f"fires-{number}", role, of, share, {"areaGss": [HOME]})
    others, categories = _others(size), ("LA_CSC", "NHS_TRUST", "SCHOOL", "YOT", "PROBATION")
    for number in range(size.rules - size.recipients):
        gss = _gss(number % others) if others else HOME
        when: dict[str, Any] = {
            "areaGss": [gss],
            "sourceCategory": ["POLICE" if number % 7 else categories[number % 5]],
        }
        yield _rule(f"elsewhere-{number}", "dsl", "child.school", "school", when)


def _rule(name: str, role: str, of: str, share: str, when: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": name,
        "effect": "allow",
        "events": [EVENT_TYPE],
        "when": when,
        "gateways": ["S16LA", "S49A_DAA"],
        "regimes": ["UKGDPR", "DPA_PART3"],
        "to": {"role": role, "of": of},
        "share": share,
        "under": "dsa",
        "clock": "PT4H",
        "reason": "Measured by the bench; fires for events of the home authority only.",
    }


def _extra_roles(size: Size) -> list[str]:
    return [f"partner-role-{number}" for number in range(max(0, size.recipients - 3))]


def _others(size: Size) -> int:
    """Councils elsewhere: about 20 rules each."""
    return max(0, (size.rules - size.recipients + 19) // 20)


def _gss(number: int) -> str:
    return f"E08{number:06d}"


def instant(text: str) -> datetime:
    """An ISO instant in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
