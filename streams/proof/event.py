"""One event about which nothing is known: a variable for everything that a decision can depend on.

Finite and exact. Codes of settings are those that identify an agency, one that identifies none (`OTHER`), and none.
Judgements and exclusions become what they say about each agency and role, which is all that a decision asks of them.
Days are the spans of `world.periods`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import date
from typing import NamedTuple

from schemas.vocabulary import (
    AddressProtection,
    AgencyCategory,
    AgencyGrade,
    DpRegime,
    LegalGateway,
    Marking,
    MatchStatus,
    Purpose,
    Urgency,
)
from streams.policy.facts import Facts
from streams.proof.terms import Dimension, Term, variable
from streams.proof.world import Token, World

OTHER = "(other)"  # an organisation, authority or area that takes no part
OLDEST = 31  # no rule can name a higher age, so all from here on are alike
ENUMS = {
    "source_category": AgencyCategory,
    "gateway": LegalGateway,
    "regime": DpRegime,
    "purpose": Purpose,
    "urgency": Urgency,
    "grade": AgencyGrade,
    "marking": Marking,
    "protection": AddressProtection,
    "match": MatchStatus,
}
FLAGS = ("do_not_disclose_to_subject", "sensitive_service", "restricted", "unborn")
SETTINGS = {"school": "URN", "gp": "ODS", "community_health": "ODS"}
AUTHORITIES = ("placing_la", "host_la")
SCHEMES = {**SETTINGS, **dict.fromkeys(AUTHORITIES, "GSS"), "accused_setting": "URN", "allocated_team": "AGENCY"}


class Said(NamedTuple):
    """What judgements and exclusions say: `what` about an agency, a role, or a role in an agency."""

    what: str  # withheld | confirmed | excluded
    agency: str | None
    role: str | None


class SymbolicEvent:
    def __init__(self, world: World, days: Iterable[date]) -> None:
        self.world = world
        self.days = tuple(days)  # the first of each span
        self.day = Dimension("day", self.days)
        self.dimensions: dict[str, Dimension] = {
            name: Dimension(name, (word.value for word in words)) for name, words in ENUMS.items()
        }
        gss = [*world.area_of_gss, *_mentioned(world), OTHER, None]
        accused = sorted({code for codes in world.accused_codes.values() for code in codes})
        self.dimensions |= {
            "source": Dimension("source", [*world.agencies, OTHER]),
            "masa_id": Dimension("masa_id", [*world.areas, OTHER]),
            "area_gss": Dimension("area_gss", gss),
            "age_years": Dimension("age_years", [None, *range(OLDEST + 1)]),
            "accused_setting": Dimension("accused_setting", [*accused, OTHER, None]),
            "allocated_team": Dimension("allocated_team", [*world.agencies, OTHER, None]),  # from the register
        }
        for name, scheme in SETTINGS.items():
            codes = [code for own, code in world.holders if own == scheme]
            self.dimensions[name] = Dimension(name, [*codes, OTHER, None])
        for name in AUTHORITIES:
            self.dimensions[name] = Dimension(name, [*world.area_of_gss, OTHER, None])
        self.flags: dict[str, Term] = {name: variable(name) for name in FLAGS}
        self.concerns: dict[str, Term] = {}
        self.said: dict[Said, Term] = {}

    def among(self, name: str, wanted: Iterable[Hashable]) -> Term:
        return self.dimensions[name].among(wanted)

    def concern(self, code: str) -> Term:
        """Whether the event lists this concern."""
        return self.concerns.setdefault(code, variable(f"concern={code}"))

    def says(self, what: str, agency: str | None = None, role: str | None = None) -> Term:
        """Whether a judgement or exclusion says this, in just these words."""
        key = Said(what, agency, role)
        return self.said.setdefault(key, variable(f"{what}:{agency or '*'}:{role or '*'}"))

    def laws_of_dimensions(self) -> Iterator[Term]:
        """What holds of every event whatever it says."""
        for dimension in (self.day, *self.dimensions.values()):
            yield from dimension.exactly_one()

    def assignment(self, facts: Facts, day: date, token: Token) -> dict[str, object]:
        """The value of every dimension for one event; the day is that of its span."""
        found: dict[str, object] = {name: getattr(facts, name) for name in ENUMS}
        found |= {"masa_id": facts.masa_id, "area_gss": facts.area_gss, "source": facts.source}
        found["age_years"] = None if facts.age_years is None else min(facts.age_years, OLDEST)
        for name in SCHEMES:
            found[name] = self._code(name, getattr(facts, name), token)
        for name in ("source", "masa_id", "area_gss"):
            if found[name] not in self.dimensions[name].variables:
                found[name] = OTHER
        found["day"] = max(first for first in self.days if first <= day)
        return found

    def _code(self, name: str, given: str | None, token: Token) -> str | None:
        if given is None:
            return None
        scheme = SCHEMES[name]
        codes = (value for value in self.dimensions[name].values if value not in (OTHER, None))
        return next((str(code) for code in codes if token(scheme, str(code)) == given), OTHER)

    def pinned(self, facts: Facts, day: date, token: Token) -> list[Term]:
        """Literals that make the symbolic event this one. Terms built later may need it said again."""
        literals: list[Term] = []
        for name, value in self.assignment(facts, day, token).items():
            dimension = self.day if name == "day" else self.dimensions[name]
            literals.append(dimension.variables[value])
        booleans: list[tuple[Term, bool]] = [(var, getattr(facts, name)) for name, var in self.flags.items()]
        booleans += [(var, code in facts.concerns) for code, var in self.concerns.items()]
        spoken = said_by(facts)
        booleans += [(var, key in spoken) for key, var in self.said.items()]
        return literals + [var if value else ~var for var, value in booleans]


def said_by(facts: Facts) -> frozenset[Said]:
    """Judgements and exclusions of an event, each as what it says. Whatever is not CONFIRMED withholds, and
    withholding from one role of an agency withholds from the agency, which has one inbox."""
    said = {Said("excluded", each.agency, each.role) for each in facts.exclusions}
    for each in facts.judgements:
        if each.judgement == "CONFIRMED":
            said.add(Said("confirmed", each.agency, each.role))
        else:
            said.add(Said("withheld", each.agency, each.role if each.agency is None else None))
    return frozenset(said)


def _mentioned(world: World) -> list[str]:
    """Authorities that only rules or agencies mention."""
    served = (gss for codes in world.served.values() for gss in codes)
    asked = (gss for rule in world.document["rules"] for gss in rule["when"].get("areaGss", ()))
    return sorted({*served, *asked} - world.area_of_gss.keys())
