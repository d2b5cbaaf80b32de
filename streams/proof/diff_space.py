"""What an event can say that matters to a few agencies under two rule sets: the dimensions of a comparison.

Each dimension splits everything that one part of an event can say into finitely many choices, between which neither
rule set can tell apart what lies inside one. Codes of settings are grouped by the agencies they lead to; ages and days
by the numbers that rules and dates name; what a publisher says about recipients is a yes or no for each statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

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
from streams.policy.artefact import Artefact, Document
from streams.policy.compiled import CompiledRule
from streams.policy.contract import EventTypesLike
from streams.policy.facts import AgencyId, AreaId, EpochMillis, Facts, LocatorToken
from streams.policy.index import RuleSet
from streams.proof.boxes import Point

WORDS: dict[str, tuple[str, type[StrEnum], str]] = {  # dimension -> (field of Facts, its words, the ordinary one)
    "gateway": ("gateway", LegalGateway, "S16LA"),
    "regime": ("regime", DpRegime, "UKGDPR"),
    "purpose": ("purpose", Purpose, "SAFEGUARDING"),
    "protection": ("protection", AddressProtection, "NONE"),
    "urgency": ("urgency", Urgency, "ROUTINE"),
    "grade": ("grade", AgencyGrade, "UNGRADED"),
    "marking": ("marking", Marking, "OFFICIAL"),
    "match": ("match", MatchStatus, "MATCH"),
    "sourceCategory": ("source_category", AgencyCategory, "POLICE"),
}
FLAGS = {
    "restricted": "restricted",
    "sensitiveService": "sensitive_service",
    "doNotDiscloseToSubject": "do_not_disclose_to_subject",
}
AGE = "ageYears"
CONCERN = "concern:"
DIMENSION_OF = {field: name for name, (field, _, _) in WORDS.items()} | {
    "restricted": "restricted",
    "sensitive_service": "sensitiveService",
    "do_not_disclose_to_subject": "doNotDiscloseToSubject",
    "unborn": AGE,
    "age_years": AGE,
    "area_gss": "areaGss",
    "source": "source",
    "masa_id": "masaId",
    "school": "school",
    "gp": "gp",
    "community_health": "communityHealth",
    "allocated_team": "allocatedTeam",
    "placing_la": "placingAuthority",
    "host_la": "hostAuthority",
    "accused_setting": "accusedSetting",
}

PLAIN: dict[str, Any] = {  # an event that says as little as it can
    **dict.fromkeys(Facts._fields),
    "event_id": "00000000-0000-7000-8000-000000000000",
    "source": AgencyId(""),
    "masa_id": AreaId(""),
    "unborn": False,
    "concerns": (),
    "judgements": (),
    "exclusions": (),
    **dict.fromkeys(("registered", "released", "waived", "resolved"), ()),
    "occurred_at": EpochMillis(0),
    "published_at": EpochMillis(0),
    **{field: ordinary for field, _, ordinary in WORDS.values()},
    **dict.fromkeys(FLAGS.values(), False),
}


class Choice(NamedTuple):
    """One choice of a dimension: its name, what it is to the laws, and what a fact that makes it looks like."""

    name: str
    value: Any
    sets: tuple[tuple[str, Any], ...] = ()  # fields of Facts
    adds: tuple[tuple[str, Any], ...] = ()  # to tuple fields of Facts
    members: tuple[str, ...] = ()  # what the choice stands for, when that is several or says more than its name


Dimensions = dict[str, tuple[Choice, ...]]
Roles = Mapping[AgencyId, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two rule sets, with the rules of each event type beside their entries in the document."""

    rules: RuleSet
    document: Document
    by_type: Mapping[str, tuple[tuple[CompiledRule, Document], ...]]

    @classmethod
    def of(cls, artefact: Artefact, event_types: EventTypesLike) -> Side:
        rules, document = RuleSet.build(artefact, event_types, transparent), artefact.document()
        by_type: dict[str, list[tuple[CompiledRule, Document]]] = {}
        for rule, entry in zip(rules.rules, document["rules"], strict=True):
            for name in entry["events"]:
                by_type.setdefault(name, []).append((rule, entry))
        return cls(rules=rules, document=document, by_type={k: tuple(v) for k, v in by_type.items()})

    def rules_of(self, event_type: str) -> tuple[tuple[CompiledRule, Document], ...]:
        return self.by_type.get(event_type, ())


Pair = tuple[Side, Side]


def transparent(scheme: str, code: str) -> LocatorToken:
    """A locator token that can be read: both rule sets need the same ones, and no key."""
    return LocatorToken(f"{scheme}:{code}")


class Space(NamedTuple):
    """The dimensions of one question about one event type."""

    event_type: str
    dimensions: Dimensions

    def facts(self, point: Point) -> Facts:
        """An event at a point; a dimension that the point does not name has its first choice."""
        return _said(self.event_type, (choices[point.get(name, 0)] for name, choices in self.dimensions.items()))

    def probe(self, names: Sequence[str], chosen: Sequence[int]) -> Facts:
        """An event that says what is chosen in the dimensions named and otherwise as little as it can."""
        return _said(self.event_type, (self.dimensions[n][number] for n, number in zip(names, chosen, strict=True)))


def _said(event_type: str, choices: Iterable[Choice]) -> Facts:
    values: dict[str, Any] = {**PLAIN, "event_type": event_type}
    for choice in choices:
        values.update(choice.sets)
        for field, value in choice.adds:
            values[field] = (*values[field], value)
    return Facts(**values)


def dimensions_of(space: Space, fields: Iterable[str]) -> list[str]:
    """The dimensions that say fields of Facts."""
    found = {f for field in fields for f in ([DIMENSION_OF[field]] if field in DIMENSION_OF else ())}
    if "concerns" in fields:
        found |= {name for name in space.dimensions if name.startswith(CONCERN)}
    return [name for name in space.dimensions if name in found]
