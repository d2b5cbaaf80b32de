"""Which rules apply to the symbolic event, and whom each names: the first half of the encoding.

Says what `streams.policy.conditions`, `special.concerned_areas` and `recipients` say, from the document alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from schemas.vocabulary import MatchStatus
from streams.proof.event import OLDEST, OTHER, SymbolicEvent
from streams.proof.terms import Term, every, no, some
from streams.proof.world import Entry, World, within

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
DOUBTFUL = (MatchStatus.POTENTIAL_MATCH, MatchStatus.LOW_CONFIDENCE, MatchStatus.MANY_MATCH, MatchStatus.ERROR)
CODES = {"child.school": ("school", "URN"), "child.gp": ("gp", "ODS"),
         "child.communityHealth": ("community_health", "ODS")}  # fmt: skip
PLACES = {"child.placingAuthority": "placing_la", "child.hostAuthority": "host_la"}
THROUGH_CHILD = (*CODES, *PLACES, "child.allocatedTeam")


class Answer(NamedTuple):
    """Whether conditions hold: for sure, and at all (sure, or the event does not say)."""

    sure: Term
    possible: Term


class Naming(NamedTuple):
    """A way in which a rule names an agency: through which role, when, and when it then waits for a person."""

    role: str
    when: Term
    doubtful: Term


class Namer:
    def __init__(self, world: World, event: SymbolicEvent) -> None:
        self.world, self.event = world, event
        self._concerned: dict[str, Term] = {}
        self._applies: dict[str, Answer] = {}

    # which areas' rules apply (R-07)

    def home_in(self, area: str) -> Term:
        return self.event.among("area_gss", (gss for gss, own in self.world.area_of_gss.items() if own == area))

    def no_home(self) -> Term:
        """The home authority is not stated, or in no area that takes part."""
        return no(self.event.among("area_gss", self.world.area_of_gss))

    def published_in(self, area: str) -> Term:
        """The publisher belongs to the area, or, not being known, says so."""
        known = self.event.among("source", (a for a, e in self.world.agencies.items() if e["area"] == area))
        stated = every([self.event.among("source", (OTHER,)), self.event.among("masa_id", (area,))])
        return some([known, stated])

    def concerned(self, area: str) -> Term:
        term = self._concerned.get(area)
        if term is None:
            gss = tuple(self.world.areas[area]["authorities"])
            term = self._concerned[area] = some([
                self.home_in(area),
                every([self.no_home(), self.published_in(area)]),
                *(self.event.among(name, gss) for name in PLACES.values()),
            ])  # fmt: skip
        return term

    # whether a rule applies

    def on_days(self, first: str | None, last: str | None) -> Term:
        return self.event.day.among(day for day in self.event.days if within(day, first, last))

    def applies(self, rule: Entry) -> Answer:
        answer = self._applies.get(rule["id"])
        if answer is None:
            frame = [self.concerned(rule["area"]), self.on_days(rule["validFrom"], rule["validUntil"])]
            answers = [self._gateway(rule), *(self.answer(name, want) for name, want in rule["when"].items())]
            answer = self._applies[rule["id"]] = Answer(
                every([*frame, *(each.sure for each in answers)]), every([*frame, *(each.possible for each in answers)])
            )
        return answer

    def _gateway(self, rule: Entry) -> Answer:
        if rule["gateways"] is None:
            return Answer(True, True)
        sure = self.event.among("gateway", rule["gateways"])
        unstated = self.event.among("gateway", ("UNKNOWN",)) if rule["effect"] == "deny" else False
        return Answer(sure, some([sure, unstated]))

    def answer(self, name: str, wanted: Any) -> Answer:
        """Whether one condition holds."""
        event = self.event
        if name in LISTS:
            sure = event.among(LISTS[name], wanted)
            unknown = None if name == "areaGss" else "UNKNOWN"
            return Answer(sure, some([sure, event.among(LISTS[name], (unknown,))]))
        if name == "concerns":
            sure = some(event.concern(code) for code in wanted)
            return Answer(sure, some([sure, event.concern("UNKNOWN")]))
        if name == "ageYears":
            return self._aged(*wanted)
        if name in FLAGS:
            flag = event.flags[FLAGS[name]]
            sure = flag if wanted else no(flag)
        else:
            absent = event.among(PRESENT[name], (None,))
            sure = no(absent) if wanted else absent
        return Answer(sure, sure)

    def _aged(self, at_least: int | None, at_most: int | None) -> Answer:
        low, high = at_least or 0, OLDEST if at_most is None else at_most
        unborn = self.event.flags["unborn"]
        fits = self.event.among("age_years", range(low, high + 1))
        sure = some([every([unborn, at_least is None]), every([no(unborn), fits])])
        untold = every([no(unborn), self.event.among("age_years", (None,))])
        return Answer(sure, some([sure, untold]))

    # whom it names

    def named(self, rule: Entry, agency: Entry) -> Iterator[Naming]:
        """Every way in which the rule names the agency, if it applies."""
        of, role = rule["to"]["of"], rule["to"]["role"]
        answer = self.applies(rule)
        doubt = no(answer.sure)
        if of in THROUGH_CHILD:
            doubt = some([doubt, self.event.among("match", DOUBTFUL)])
        if role in agency["roles"]:
            chosen = _CHOICES.get(of, _in_category)(self, rule, agency)
            if chosen is not False:
                yield Naming(role, every([answer.possible, chosen]), doubt)
        if of == "child.school" and rule["effect"] == "allow":
            chosen = self._instead_of_school(rule, agency)
            if chosen is not False:
                yield Naming(self._officer(rule), every([answer.possible, chosen]), doubt)

    def _officer(self, rule: Entry) -> str:
        found: str = self.world.areas[rule["area"]]["responsibleOfficerRole"]
        return found

    def _instead_of_school(self, rule: Entry, agency: Entry) -> Term:
        """The responsible officer for a child without a school (R-11)."""
        if self._officer(rule) not in agency["roles"] or agency["area"] != rule["area"]:
            return False
        lives = self.event.among("area_gss", self.world.served[agency["id"]])
        return every([self.event.among("school", (None,)), lives])


def _in_area(namer: Namer, rule: Entry, agency: Entry) -> Term:
    return bool(agency["area"] == rule["area"])


def _in_category(namer: Namer, rule: Entry, agency: Entry) -> Term:
    return bool(agency["area"] == rule["area"] and rule["to"]["of"] == f"category:{agency['category']}")


def _publishing(namer: Namer, rule: Entry, agency: Entry) -> Term:
    return namer.event.among("source", (agency["id"],))


def _by_name(namer: Namer, rule: Entry, agency: Entry) -> Term:
    says, name = namer.event.says, agency["id"]
    return some([says("confirmed", name), says("confirmed", name, rule["to"]["role"])])


def _by_code(namer: Namer, rule: Entry, agency: Entry) -> Term:
    dimension, scheme = CODES[rule["to"]["of"]]
    own = [code for (kind, code), holder in namer.world.holders.items() if kind == scheme and holder == agency["id"]]
    return namer.event.among(dimension, own)


def _community_health(namer: Namer, rule: Entry, agency: Entry) -> Term:
    """By its code, or as the only one that serves where the child lives."""
    served, role = namer.world.served, rule["to"]["role"]
    named = _by_code(namer, rule, agency)
    if rule["effect"] == "deny" or agency["area"] != rule["area"]:
        return named
    rivals = [
        name
        for name, other in namer.world.agencies.items()
        if other["area"] == rule["area"] and role in other["roles"] and name != agency["id"]
    ]
    alone = served[agency["id"]].difference(*(served[name] for name in rivals))
    unsaid = namer.event.among("community_health", (None,))
    return some([named, every([unsaid, namer.event.among("area_gss", alone)])])


def _authority(namer: Namer, rule: Entry, agency: Entry) -> Term:
    """An agency of the rule's area that serves the authority, which belongs to that area."""
    if agency["area"] != rule["area"]:
        return False
    own = namer.world.served[agency["id"]] & set(namer.world.areas[rule["area"]]["authorities"])
    return namer.event.among(PLACES.get(rule["to"]["of"], "area_gss"), own)


def _allocated_team(namer: Namer, rule: Entry, agency: Entry) -> Term:
    """Who declared the child's case, or the only one with the role in the same organisation."""
    role, area = rule["to"]["role"], rule["area"]
    if agency["area"] != area:
        return False
    there = [each for each in namer.world.agencies.values() if each["area"] == area]
    fellows = [each for each in there if each["organisation"] == agency["organisation"]]
    alone = sum(role in each["roles"] for each in fellows) == 1
    declared = [each["id"] for each in fellows if each is agency or (alone and role not in each["roles"])]
    return namer.event.among("allocated_team", declared)


_CHOICES: dict[str, Callable[[Namer, Entry, Entry], Term]] = {
    "area": _in_area,
    "source": _publishing,
    "explicit": _by_name,
    "child.school": _by_code,
    "child.gp": _by_code,
    "child.communityHealth": _community_health,
    "child.homeAuthority": _authority,
    "child.placingAuthority": _authority,
    "child.hostAuthority": _authority,
    "child.allocatedTeam": _allocated_team,
}
