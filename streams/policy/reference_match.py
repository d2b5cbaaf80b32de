"""Reference interpreter, first half: which rules of an artefact apply to an event, and whom they name.

Reads the artefact's document from front to back for every question: no index, nothing of the compiled rule set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from streams.policy.facts import EpochMillis, Facts

Entry = dict[str, Any]
Token = Callable[[str, str], str]

LISTS = {
    "sourceCategory": "source_category",
    "source": "source",
    "urgency": "urgency",
    "grade": "grade",
    "purpose": "purpose",
    "protection": "protection",
    "match": "match",
    "marking": "marking",
    "areaGss": "area_gss",
}
FLAGS = {
    "restricted": "restricted",
    "sensitiveService": "sensitive_service",
    "doNotDiscloseToSubject": "do_not_disclose_to_subject",
    "unborn": "unborn",
}
PRESENT = {"hasSchool": "school", "hasGp": "gp", "hasCommunityHealth": "community_health"}
DOUBTFUL = ("POTENTIAL_MATCH", "LOW_CONFIDENCE", "MANY_MATCH", "ERROR")


@dataclass(frozen=True)
class World:
    """Everything a question is asked of. `day` is the UTC date of the decision."""

    document: Entry
    token: Token
    facts: Facts
    day: date

    @cached_property
    def areas(self) -> dict[str, Entry]:
        found: dict[str, Entry] = self.document["areas"]
        return found

    @cached_property
    def agencies(self) -> dict[str, Entry]:
        return {agency["id"]: agency for agency in self.document["agencies"]}

    def authorities(self, agency: Entry) -> list[str]:
        own: list[str] | None = agency["authorities"]
        everywhere: list[str] = self.areas[agency["area"]]["authorities"]
        return everywhere if own is None else own

    def gss_of(self, token: str | None) -> str | None:
        """The authority that a token stands for."""
        for area in self.areas.values():
            for gss in area["authorities"]:
                if token is not None and self.token("GSS", gss) == token:
                    return str(gss)
        return None

    def agency_of(self, scheme: str, token: str | None) -> Entry | None:
        """The agency whose code of that scheme a token stands for."""
        for agency in self.document["agencies"]:
            for own, code in agency["identifiers"]:
                if own == scheme and token is not None and self.token(scheme, code) == token:
                    return dict(agency)
        return None


@dataclass
class Named:
    """One rule that names one agency: through which role, how it came to it, what makes it wait."""

    rule: Entry
    role: str
    marks: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)

    def addresses(self, role: str | None) -> bool:
        return role in (self.role, self.rule["to"]["role"])


def day_of(now: EpochMillis) -> date:
    return datetime.fromtimestamp(now // 1000, UTC).date()


def home_area(world: World) -> str | None:
    for name, area in world.areas.items():
        if world.facts.area_gss in area["authorities"]:
            return name
    return None


def source_area(world: World) -> str:
    source = world.agencies.get(world.facts.source)
    return world.facts.masa_id if source is None else str(source["area"])


def concerned(world: World) -> list[str]:
    """Areas whose rules apply, each once."""
    names = [home_area(world) or source_area(world)]
    for token in (world.facts.placing_la, world.facts.host_la):
        gss = world.gss_of(token)
        names += [name for name, area in world.areas.items() if gss in area["authorities"]]
    return [name for name in dict.fromkeys(names) if name in world.areas]


def applying(world: World) -> Iterator[tuple[Entry, bool]]:
    """(rule, whether a condition could not be told) for every rule that applies."""
    areas = concerned(world)
    for rule in world.document["rules"]:
        if rule["area"] not in areas or world.facts.event_type not in rule["events"]:
            continue
        if rule["validFrom"] is not None and world.day < date.fromisoformat(rule["validFrom"]):
            continue
        if rule["validUntil"] is not None and world.day > date.fromisoformat(rule["validUntil"]):
            continue
        answers = [gateway_answer(rule, world.facts)]
        answers += [answer(name, wanted, world.facts) for name, wanted in rule["when"].items()]
        if "no" not in answers:
            yield rule, "unsure" in answers


def gateway_answer(rule: Entry, facts: Facts) -> str:
    if rule["gateways"] is None or facts.gateway in rule["gateways"]:
        return "yes"
    return "unsure" if rule["effect"] == "deny" and facts.gateway == "UNKNOWN" else "no"


def answer(name: str, wanted: Any, facts: Facts) -> str:
    """Whether one condition of a rule's `when` holds: yes, no, or unsure when the event does not say."""
    if name in LISTS:
        value = getattr(facts, LISTS[name])
        unknown = value is None if name == "areaGss" else value == "UNKNOWN"
        return "yes" if value in wanted else "unsure" if unknown else "no"
    if name in FLAGS:
        return "yes" if getattr(facts, FLAGS[name]) == wanted else "no"
    if name in PRESENT:
        return "yes" if (getattr(facts, PRESENT[name]) is not None) == wanted else "no"
    return _concerns(wanted, facts) if name == "concerns" else _age(wanted, facts)


def _concerns(wanted: list[str], facts: Facts) -> str:
    if any(concern in wanted for concern in facts.concerns):
        return "yes"
    return "unsure" if "UNKNOWN" in facts.concerns else "no"


def _age(wanted: list[int | None], facts: Facts) -> str:
    at_least, at_most = wanted
    if facts.unborn:
        return "yes" if at_least is None else "no"
    if facts.age_years is None:
        return "unsure"
    old_enough = at_least is None or facts.age_years >= at_least
    young_enough = at_most is None or facts.age_years <= at_most
    return "yes" if old_enough and young_enough else "no"


def named_by(world: World, rule: Entry, unsure: bool) -> dict[str, Named]:
    """Agency id, or `unresolved:<selector>`, to how the rule names it."""
    role, of, facts = rule["to"]["role"], rule["to"]["of"], world.facts
    holds = ["CONDITION_UNKNOWN"] if unsure else []
    through_child = of.startswith("child.") and of != "child.homeAuthority"
    if through_child and facts.match in DOUBTFUL:
        holds.append("LOW_MATCH_STATUS")
    found, addressed, marks = _chosen(world, rule)
    if of in [f"child.{setting}" for setting in facts.registered]:
        marks = [*marks, "RELATIONSHIP_REGISTER"]
    if found is None:
        if rule["effect"] == "deny":
            return {}
        return {f"unresolved:{of}": Named(rule, role, marks, [*holds, "UNRESOLVED_RECIPIENT"])}
    return {agency["id"]: Named(rule, addressed, list(marks), list(holds)) for agency in found}


def _chosen(world: World, rule: Entry) -> tuple[list[Entry] | None, str, list[str]]:
    """(agencies or None when they cannot be found, role addressed, marks)."""
    role, of, facts = rule["to"]["role"], rule["to"]["of"], world.facts
    there = [a for a in world.document["agencies"] if a["area"] == rule["area"]]
    with_role = [a for a in there if role in a["roles"]]
    if of == "area":
        return with_role, role, []
    if of.startswith("category:"):
        return [a for a in with_role if "category:" + a["category"] == of], role, []
    if of == "source":
        return [a for a in world.document["agencies"] if a["id"] == facts.source and role in a["roles"]], role, []
    if of == "explicit":
        return [a for a in world.document["agencies"] if _confirmed_by_name(facts, a, role)], role, []
    if of == "child.school" and facts.school is None:
        return _no_school(world, rule, there)
    if of in ("child.school", "child.gp", "child.communityHealth"):
        return _setting(world, rule, with_role), role, []
    if of == "child.allocatedTeam":
        return _team(world, rule, with_role), role, []
    return _authority(world, rule, with_role), role, []


def _confirmed_by_name(facts: Facts, agency: Entry, role: str) -> bool:
    return role in agency["roles"] and any(
        j.agency == agency["id"] and j.judgement == "CONFIRMED" and j.role in (None, role) for j in facts.judgements
    )


def _no_school(world: World, rule: Entry, there: list[Entry]) -> tuple[list[Entry] | None, str, list[str]]:
    officer = world.areas[rule["area"]]["responsibleOfficerRole"]
    gss = world.facts.area_gss
    officers = [a for a in there if officer in a["roles"] and gss in world.authorities(a)]
    if rule["effect"] == "deny" or officer is None or gss is None or not officers:
        return None, rule["to"]["role"], []
    return officers, officer, ["NO_SCHOOL_FALLBACK"]


def _setting(world: World, rule: Entry, with_role: list[Entry]) -> list[Entry] | None:
    of, facts = rule["to"]["of"], world.facts
    scheme, token = {
        "child.school": ("URN", facts.school),
        "child.gp": ("ODS", facts.gp),
        "child.communityHealth": ("ODS", facts.community_health),
    }[of]
    if token is None and of == "child.communityHealth" and rule["effect"] == "allow":
        serving = [a for a in with_role if facts.area_gss in world.authorities(a)]
        return serving if len(serving) == 1 else None
    agency = world.agency_of(scheme, token)
    return [agency] if agency is not None and rule["to"]["role"] in agency["roles"] else None


def _team(world: World, rule: Entry, with_role: list[Entry]) -> list[Entry] | None:
    """Who declared the child's case, or whoever has the role in the same organisation."""
    token = world.facts.allocated_team
    if token is None:
        return []
    declared = [a for a in world.document["agencies"] if world.token("AGENCY", a["id"]) == token]
    if not declared:
        return None
    if declared[0]["area"] != rule["area"]:
        return []
    if declared[0] in with_role:
        return declared
    same = [a for a in with_role if a["organisation"] == declared[0]["organisation"]]
    return same if len(same) == 1 else None


def _authority(world: World, rule: Entry, with_role: list[Entry]) -> list[Entry] | None:
    of, facts = rule["to"]["of"], world.facts
    if of == "child.homeAuthority":
        if facts.area_gss is None:
            return None
        gss: str | None = facts.area_gss
    else:
        token = facts.placing_la if of == "child.placingAuthority" else facts.host_la
        if token is None:
            return []
        gss = world.gss_of(token)
        if gss is None:
            return None
    if gss not in world.areas[rule["area"]]["authorities"]:
        return []
    return [a for a in with_role if gss in world.authorities(a)] or None
