"""Random rule sets and events for the policy properties, small enough that everything interesting collides often.

Plain `random.Random` in, models out, so that Hypothesis can shrink them and a seeded run can prove what they reach.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from streams.policy.facts import AgencyId, AreaId, EpochMillis, Exclusion, Facts, Judgement, RoleId
from streams.policy.model import Area
from streams.policy.stops import Stop, StopId
from tests.unit.policy.builders import (
    ABSENCE,
    AGENCIES,
    FACTS,
    INCIDENT,
    agency,
    agreement,
    allow,
    area,
    deny,
    east,
    gp,
    millis,
    school,
    token,
)

EXPIRY = date(2026, 10, 10)
NORTH_AGENCIES: list[dict[str, Any]] = [
    *(a | {"organisation": "north-council"} if a["id"] == "north-ehe" else a for a in AGENCIES),
    agency("port-csc", authorities=["E06000098"], roles=["front-door", "gp-lead"], alternate="north-csc",
           organisation="north-council"),
    gp("oak-surgery", "Z99002", organisation="north-council", alternate="elm-surgery"),
    agency("landlord", category="HOUSING_RP", roles=["offender-manager", "front-door"], alternate="port-csc",
           dutyBasis={"basis": "NONE", "evidence": "-", "from": date(2026, 1, 1)}),
    agency("charity", category="CONTRACTED_VCS", roles=["gp-lead", "front-door"], alternate="landlord",
           dutyBasis={"basis": "CONTRACTED", "evidence": "contract", "from": date(2026, 10, 2)},
           contract={"commissioner": "north-csc", "scope": {"eventTypes": [INCIDENT]}, "until": EXPIRY}),
    agency("nursery", category="EARLY_YEARS", roles=["dsl"], alternate="charity",
           identifiers=[{"scheme": "OFSTED_URN", "id": "990009"}, {"scheme": "ODS", "id": "Z99009"}]),
    school("yew-school", "990004", roles=["dsl", "sealed-desk"], alternate="landlord",
           dutyBasis={"basis": "DESIGNATED_EDU", "evidence": "-", "from": date(2026, 9, 30), "until": EXPIRY}),
]  # fmt: skip
AGREEMENTS = [
    agreement(
        parties=["category:LA_CSC", "category:SCHOOL", "category:GP", "category:POLICE", "category:HOUSING_RP",
                 "charity", "nursery", "category:SCHOOL@east"]
    ),
    agreement(id="short-dsa", lawfulBasis="Art 6(1)(e)", signedOn=date(2026, 10, 3), reviewBy=EXPIRY,
              purposes=["WELFARE"],
              parties=["north-csc", "category:LA_CSC@east", "oak-school", "category:PROBATION", "charity"]),
]  # fmt: skip
SHARES = {
    "front-door": ["everything", "school", "name-only"],
    "sealed-desk": ["everything", "school", "name-only"],
    "dsl": ["school", "name-only"],
    "gp-lead": ["clinic", "name-only"],
    "ehe-officer": ["name-only"],
    "offender-manager": ["name-only"],
}
PROJECTIONS: dict[str, Any] = {
    "clinic": {"reason": "health", "common": ["envelope.child.name"], "events": {ABSENCE: ["clinic"]}},
    "everything": {
        "reason": "all",
        "common": ["envelope.settings", "envelope.relatedPersons", "envelope.contact", "envelope.child"],
        "events": {INCIDENT: ["incidentDate", "service", "note"], ABSENCE: ["sessionsMissed", "clinic", "note"]},
    },
    "name-only": {"reason": "who", "common": ["envelope.child.name"]},
    "school": {"reason": "school", "common": ["envelope.child", "envelope.settings.schoolUrn"]},
}
SELECTORS = [
    "child.school", "child.school", "child.gp", "child.communityHealth", "child.homeAuthority",
    "child.placingAuthority", "child.hostAuthority", "child.allocatedTeam",
    "area", "explicit", "source", "category:SCHOOL", "category:LA_CSC",
]  # fmt: skip
TEAMS = ["north-csc", "port-csc", "north-ehe", "east-csc"]  # who may have declared a child's case
DAYS = [date(2026, 9, 28) + timedelta(days=n) for n in (0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 13, 17, 18, 20)]
GSS = ["E10000099", "E06000098", "E06000099", "E09000001", None]


def some(rnd: Random, values: list[Any], most: int = 2) -> list[Any]:
    return sorted(set(rnd.choices(values, k=rnd.randint(1, most))))


def conditions(rnd: Random) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "sourceCategory": some(rnd, ["POLICE", "LA_CSC", "SCHOOL"]),
        "source": some(rnd, ["north-police", "north-csc", "oak-school"]),
        "urgency": some(rnd, ["URGENT", "ROUTINE", "UNKNOWN"]),
        "grade": some(rnd, ["HIGH", "MEDIUM", "LOW"], 3),
        "purpose": some(rnd, ["SAFEGUARDING", "WELFARE"]),
        "protection": some(rnd, ["NONE", "PROTECTED", "REFUGE"]),
        "match": some(rnd, ["MATCH", "NO_MATCH", "MANY_MATCH"]),
        "marking": some(rnd, ["OFFICIAL", "OFFICIAL_SENSITIVE"]),
        "areaGss": some(rnd, GSS[:3]),
        "concerns": some(rnd, ["DOMESTIC_ABUSE", "NEGLECT"]),
        "restricted": rnd.random() < 0.5,
        "sensitiveService": rnd.random() < 0.5,
        "doNotDiscloseToSubject": rnd.random() < 0.5,
        "unborn": rnd.random() < 0.5,
        "hasSchool": True,
        "hasGp": True,
        "ageYears": rnd.choice([{"atLeast": 4}, {"atMost": 17}, {"atLeast": 0, "atMost": 11}]),
    }
    return {name: whole[name] for name in rnd.sample(sorted(whole), k=rnd.choice([0, 0, 0, 0, 1, 1, 2, 5]))}


def rule(rnd: Random, identity: str, *, effect: str | None = None) -> dict[str, Any]:
    role = rnd.choice(["front-door", "front-door", "dsl", "dsl", "gp-lead", "sealed-desk", "offender-manager"])
    given: dict[str, Any] = {
        "events": some(rnd, [INCIDENT, ABSENCE]),
        "when": conditions(rnd),
        "validFrom": rnd.choice([None, None, None, None, None, None, *DAYS[:8]]),
        "validUntil": None if rnd.random() < 0.8 else date(2026, 10, 15),
    }
    gateways = rnd.choice([["S16LA"], ["S16LA", "S49A_DAA"], ["S16LA", "S49A_DAA"], ["S49A_DAA"]])
    if (effect or rnd.choice(["allow", "allow", "allow", "allow", "allow", "deny"])) == "deny":
        if rnd.random() < 0.3:
            given["gateways"] = gateways
        return deny(identity, role, rnd.choice(SELECTORS), **given)
    given |= {"gateways": gateways, "share": rnd.choice(SHARES[role])}
    given["under"] = rnd.choice(["north-dsa", "north-dsa", "short-dsa"])
    given["regimes"] = rnd.choice([None, ["UKGDPR", "DPA_PART3"]])
    given["clock"] = rnd.choice([None, "PT1H", "5WD"])
    return allow(identity, role, rnd.choice(SELECTORS), **given)


def rules(rnd: Random, most: int = 16) -> list[dict[str, Any]]:
    return [rule(rnd, f"rule-{n:02}") for n in range(rnd.randint(0, most))]


def areas(rnd: Random, given: list[dict[str, Any]] | None = None) -> list[Area]:
    """Two areas; `given` are the rules of the main one."""
    spec = {
        "dutyCommencedOn": rnd.choice([date(2026, 9, 30), date(2026, 9, 30), date(2026, 10, 4)]),
        "reviewBy": rnd.choice([date(2028, 9, 30), date(2028, 9, 30), date(2028, 9, 30), date(2026, 10, 12)]),
        "responsibleOfficerRole": rnd.choice(["ehe-officer", "ehe-officer", "front-door", None]),
        "locatingRoles": rnd.choice([["front-door"], [], ["front-door", "dsl"]]),
        "frontDoor": rnd.choice(["north-csc", "north-csc", "port-csc"]),
    }
    here = area(
        rules(rnd) if given is None else given,
        spec=spec, agencies=NORTH_AGENCIES, agreements=AGREEMENTS, projections=PROJECTIONS,
    )  # fmt: skip
    there = [r | {"id": f"east-{r['id']}"} for r in rules(rnd, 4)]
    return [here, east(there, projections=PROJECTIONS)]


def judgements(rnd: Random) -> tuple[Judgement, ...]:
    names = [a["id"] for a in NORTH_AGENCIES] + ["ash-school", "east-csc", "nobody", None]
    return tuple(
        Judgement(
            rnd.choice(names),
            rnd.choice([None, None, RoleId("dsl"), RoleId("front-door"), RoleId("gp-lead")]),
            rnd.choice(["CONFIRMED", "CONFIRMED", "CONFIRMED", "CONFIRMED", "WITHHELD", "UNKNOWN"]),
            rnd.choice([None, "DETRIMENT", "OPERATIONAL_RISK", "UNKNOWN"]),
        )
        for _ in range(rnd.choice([0, 0, 0, 0, 1, 2, 5]))
    )


def exclusions(rnd: Random) -> tuple[Exclusion, ...]:
    names = [a["id"] for a in NORTH_AGENCIES] + ["nobody", "north-ehe", *["yew-school", "oak-school"] * 4]
    return tuple(
        Exclusion(
            AgencyId(rnd.choice(names)),
            rnd.choice([None, None, RoleId("dsl"), RoleId("front-door"), RoleId("ehe-officer")]),
            "X",
        )
        for _ in range(rnd.choice([0, 0, 0, 1, 2, 4]))
    )


def event(rnd: Random) -> Facts:
    """An ordinary event with some of its fields drawn anew, so that most rules meet what they ask for."""

    def la() -> Any:
        return rnd.choice([None, None, None, token("GSS", "E06000099"), token("GSS", "E06000098"), "nowhere"])

    drawn: dict[str, Any] = {
        "event_type": rnd.choice([*[INCIDENT, ABSENCE] * 8, "no.such-type"]),
        "source": AgencyId(rnd.choice([*["north-police"] * 6, "north-csc", "oak-school", "east-csc", "ghost"])),
        "source_category": rnd.choice(["POLICE", "POLICE", "LA_CSC", "SCHOOL", "UNKNOWN"]),
        "masa_id": AreaId(rnd.choice(["north", "north", "east", "west"])),
        "area_gss": rnd.choice([*GSS, GSS[0], GSS[0]]),
        "gateway": rnd.choice(["S16LA", "S16LA", "S49A_DAA", "CONSENT", "UNKNOWN"]),
        "regime": rnd.choice(["UKGDPR", "UKGDPR", "DPA_PART3", "UNKNOWN"]),
        "purpose": rnd.choice(["SAFEGUARDING", "WELFARE", "EARLY_HELP"]),
        "urgency": rnd.choice(["URGENT", "ROUTINE", "UNKNOWN"]),
        "grade": rnd.choice(["HIGH", "MEDIUM", "LOW", "UNKNOWN"]),
        "marking": rnd.choice(["OFFICIAL", "OFFICIAL_SENSITIVE", "UNKNOWN"]),
        "do_not_disclose_to_subject": rnd.random() < 0.5,
        "sensitive_service": rnd.random() < 0.2,
        "restricted": rnd.random() < 0.2,
        "protection": rnd.choice(["NONE", "NONE", "PROTECTED", "REFUGE", "UNKNOWN"]),
        "match": rnd.choice([*["MATCH"] * 5, "NO_MATCH", "NOT_ATTEMPTED", "UNKNOWN", "MANY_MATCH", "ERROR"]),
        "age_years": rnd.choice([None, 0, 3, 4, 11, 17, 18]),
        "unborn": rnd.random() < 0.15,
        "concerns": rnd.choice([(), ("DOMESTIC_ABUSE",), ("NEGLECT", "UNKNOWN"), ("UNKNOWN",), ("MISSING",)]),
        "school": rnd.choice([None, *(token("URN", u) for u in ("990001", "990003", "990004")), "lost"]),
        "gp": rnd.choice([None, token("ODS", "Z99001"), token("ODS", "Z99002"), token("ODS", "Z99009"), "lost"]),
        "community_health": rnd.choice([None, token("ODS", "Z99001"), "lost"]),
        "placing_la": la(),
        "host_la": la(),
        "accused_setting": rnd.choice([None, None, None, token("URN", "990001"), token("URN", "990009"), "lost"]),
        "judgements": judgements(rnd),
        "exclusions": exclusions(rnd),
        "allocated_team": rnd.choice([None, None, *(token("AGENCY", a) for a in TEAMS), "lost"]),
    }
    kept = {
        "event_type",
        "source",
        "judgements",
        "exclusions",
        "school",
        "gp",
        "match",
        "grade",
        "age_years",
        "allocated_team",
    }
    odd = rnd.sample(sorted(set(drawn) - kept), k=rnd.choice([0, 0, 1, 2, 3, 5, len(drawn) - len(kept)]))
    facts = FACTS._replace(**{name: value for name, value in drawn.items() if name in kept or name in odd})
    return facts._replace(registered=tuple(name for name, token in _settings(facts) if token and rnd.random() < 0.4))


def _settings(facts: Facts) -> list[tuple[str, str | None]]:
    """What a register may have filled in, as selectors call it."""
    return [
        ("school", facts.school), ("gp", facts.gp), ("communityHealth", facts.community_health),
        ("allocatedTeam", facts.allocated_team),
    ]  # fmt: skip


def stops(rnd: Random) -> tuple[Stop, ...]:
    """Stops by rule, agency, event type and their combinations; none most of the time."""
    drawn = []
    for n in range(rnd.choice([0, 0, 0, 0, 1, 1, 2, 3])):
        parts: dict[str, Any] = {
            "rule": rnd.choice([f"rule-{n:02}" for n in range(12)]),
            "agency": rnd.choice([*(a["id"] for a in NORTH_AGENCIES), "north-police", "east-csc", "ghost"]),
            "event_type": rnd.choice([INCIDENT, ABSENCE]),
        }
        named = rnd.sample(sorted(parts), k=rnd.choice([1, 1, 1, 2, 2, 3]))
        given = {name: parts[name] for name in named}
        drawn.append(Stop(id=StopId(f"s{3 - n}"), reason="-", by="-", since=EpochMillis(0), **given))
    return tuple(drawn)


def instant(rnd: Random) -> EpochMillis:
    day = rnd.choice([*DAYS, *DAYS[6:11]])
    return EpochMillis(millis(day.isoformat()) + rnd.choice([0, 1, 43_200_000, 86_399_999]))
