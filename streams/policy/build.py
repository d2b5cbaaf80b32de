"""From the artefact's document to compiled parts.

Repeated strings and sets are shared, to keep a rule set of 25,000 agencies small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time
from sys import intern
from typing import Any

from schemas.vocabulary import FieldClass
from streams.policy.artefact import Document
from streams.policy.calendar_days import Calendar
from streams.policy.compiled import (
    FOREVER,
    NO_ROLE,
    CompiledAgency,
    CompiledAgreement,
    CompiledArea,
    CompiledRule,
    RoleView,
    day_of,
)
from streams.policy.conditions import split
from streams.policy.facts import AgencyId, AreaId, RoleId, RuleId
from streams.policy.recipients import resolver_for

Keys = dict[tuple[str, AreaId], dict[tuple[int, ...], dict[Any, list[tuple[CompiledRule, bool]]]]]


def build_areas(document: Document) -> dict[AreaId, CompiledArea]:
    out: dict[AreaId, CompiledArea] = {}
    for name, entry in document["areas"].items():
        locating = set(entry["locatingRoles"])
        out[AreaId(name)] = CompiledArea(
            id=AreaId(name),
            name=entry["name"],
            authorities=frozenset(entry["authorities"]),
            commenced=day_of(entry["dutyCommencedOn"], FOREVER),
            front_door=AgencyId(entry["frontDoor"]),
            officer_role=entry["responsibleOfficerRole"],
            review_by=day_of(entry["reviewBy"], -1),
            roles={
                RoleId(role): RoleView(
                    frozenset(FieldClass(c) for c in held["classes"]),
                    held["restricted"],
                    held["serves"] == "PERSON_OF_CONCERN",
                    role in locating,
                )
                for role, held in entry["roles"].items()
            },
            titles={RoleId(role): held["title"] for role, held in entry["roles"].items()},
        )
    return out


def build_calendars(document: Document) -> dict[AreaId, Calendar]:
    return {AreaId(name): _calendar(entry) for name, entry in document["areas"].items()}


def _calendar(entry: Mapping[str, Any]) -> Calendar:
    days = Calendar(
        bank_holidays=frozenset(map(date.fromisoformat, entry["bankHolidays"])),
        terms=tuple((date.fromisoformat(a), date.fromisoformat(b)) for a, b in entry["schoolTerms"]),
    )
    said = (entry.get("followUp") or {}).get("calendar")
    if said is None:
        return days
    insets = frozenset(map(date.fromisoformat, said["insetDays"]))
    return replace(days, inset_days=insets, school_begins=time.fromisoformat(said["schoolBegins"]))


def build_school_calendars(document: Document, areas: Mapping[AreaId, Calendar]) -> dict[AgencyId, Calendar]:
    """Of schools whose days differ from their area's."""
    return {
        AgencyId(school["agency"]): _school(school, areas[AreaId(name)])
        for name, entry in document["areas"].items()
        for school in (entry.get("followUp") or {}).get("calendar", {}).get("schools", ())
    }


def _school(school: Mapping[str, Any], area: Calendar) -> Calendar:
    own = school["terms"]
    terms = area.terms if own is None else tuple(
        (date.fromisoformat(term["from"]), date.fromisoformat(term["to"])) for term in own
    )  # fmt: skip
    return replace(area, terms=terms, inset_days=area.inset_days | set(map(date.fromisoformat, school["insetDays"])))


def build_agencies(document: Document, areas: Mapping[AreaId, CompiledArea]) -> dict[AgencyId, CompiledAgency]:
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}

    def same(values: list[str]) -> tuple[str, ...]:
        key = tuple(map(intern, values))
        return shared.setdefault(key, key)

    everywhere = {area.id: same(sorted(area.authorities)) for area in areas.values()}
    out: dict[AgencyId, CompiledAgency] = {}
    for entry in document["agencies"]:
        area = AreaId(intern(entry["area"]))
        basis, contract = entry["dutyBasis"], entry.get("contract")
        identity = AgencyId(intern(entry["id"]))
        out[identity] = CompiledAgency(
            id=identity,
            name=entry["name"],
            category=intern(entry["category"]),
            channel=intern(entry["channel"]),
            identifiers=tuple((intern(scheme), code) for scheme, code in entry["identifiers"]),
            area=area,
            organisation=intern(entry["organisation"]),
            roles=same(entry["roles"]),  # type: ignore[arg-type]
            authorities=everywhere[area] if entry["authorities"] is None else same(entry["authorities"]),
            basis=intern(basis["basis"]),
            basis_from=day_of(basis["from"], FOREVER),
            basis_until=day_of(basis["until"], FOREVER),
            alternate=entry["alternate"],
            contract_until=FOREVER if contract is None else day_of(contract["until"], -1),
            contract_types=None if contract is None else frozenset(contract["eventTypes"]),
        )
    return out


def build_rules(document: Document, areas: Mapping[AreaId, CompiledArea]) -> tuple[tuple[CompiledRule, ...], Keys]:
    """All rules in order of id, and their index keys by (event type, area) and shape."""
    parts = _Shared(document)
    rules: list[CompiledRule] = []
    keys: Keys = {}
    for number, entry in enumerate(document["rules"]):
        deny = entry["effect"] == "deny"
        parted = split(entry["when"], entry["gateways"], deny=deny)
        area = AreaId(entry["area"])
        rule = CompiledRule(
            number=number,
            id=RuleId(entry["id"]),
            area=area,
            deny=deny,
            of=intern(entry["to"]["of"]),
            role=RoleId(intern(entry["to"]["role"])),
            view=areas[area].roles.get(entry["to"]["role"], NO_ROLE),
            first_day=day_of(entry["validFrom"], -FOREVER),
            last_day=day_of(entry["validUntil"], FOREVER),
            regimes=parts.regimes(entry["regimes"]),
            when=parted.rest,
            agreement=None if deny else parts.agreements[(area, entry["under"])],
            clock=entry.get("clock"),
            shares={} if deny else parts.shares[(area, entry["share"])],
            needs_school=entry["when"].get("hasSchool") is True,
            reason=entry["reason"],
            resolve=resolver_for(entry["to"]["of"]),
        )
        rules.append(rule)
        for event_type in entry["events"]:
            table = keys.setdefault((event_type, area), {}).setdefault(parted.dims, {})
            for values, certain in parted.entries:
                table.setdefault(values[0] if len(values) == 1 else values, []).append((rule, certain))
    return tuple(rules), keys


class _Shared:
    """Agreements, shares and regime sets, each made once however many rules use it."""

    def __init__(self, document: Document) -> None:
        self.agreements = {
            (AreaId(area), name): _agreement(area, name, agreement)
            for area, entry in document["areas"].items()
            for name, agreement in entry["agreements"].items()
        }
        self.shares: dict[tuple[AreaId, str], dict[str, frozenset[str]]] = {
            (AreaId(area), name): {kind: frozenset(paths) for kind, paths in share["events"].items()}
            for area, entry in document["areas"].items()
            for name, share in entry["projections"].items()
        }
        self._regimes: dict[tuple[str, ...], frozenset[str]] = {}

    def regimes(self, values: list[str] | None) -> frozenset[str] | None:
        if values is None:
            return None
        return self._regimes.setdefault(tuple(values), frozenset(values))


def _agreement(area: str, name: str, entry: Mapping[str, Any]) -> CompiledAgreement:
    categories: set[tuple[str, str]] = set()
    for party in entry["parties"]:
        if party.startswith("category:"):
            category, _, elsewhere = party.removeprefix("category:").partition("@")
            categories.add((elsewhere or area, category))
    return CompiledAgreement(
        id=name,
        signed_on=day_of(entry["signedOn"], FOREVER),
        review_by=day_of(entry["reviewBy"], -1),
        lawful_basis=entry["lawfulBasis"],
        purposes=frozenset(entry["purposes"]),
        agencies=frozenset(p for p in entry["parties"] if not p.startswith("category:")),
        categories=frozenset(categories),
    )
