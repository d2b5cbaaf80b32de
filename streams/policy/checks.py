"""What must hold inside one area, beyond the shape of its files: names that exist, dates that make sense.

Each check is a small generator of problems; `check_area` runs them all. What needs the event contract is in
`contract_checks.py`, what needs several areas in `cross_checks.py`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import date
from typing import Literal

from schemas.vocabulary import AgencyCategory, DpRegime, DutyBasis, FieldClass
from streams.policy.code_checks import check_codes
from streams.policy.follow_up_checks import check_follow_up
from streams.policy.located import Path, Problem, nearest
from streams.policy.model import SELECTORS, AgencyModel, AgreementModel, Area, RuleModel, at
from streams.policy.reasons import ReasonCode
from streams.policy.words import Effect, Serves

CATEGORIES = frozenset(f"category:{c.value}" for c in AgencyCategory if c is not AgencyCategory.UNKNOWN)
Agreements = Mapping[str, AgreementModel]
NEVER_FOR_PERSON_OF_CONCERN = frozenset({FieldClass.LOCATING, FieldClass.CONTACT, FieldClass.PLACEMENT})


def check_area(area: Area, today: date) -> list[Problem]:
    """Every problem that can be seen without other areas and without the event contract."""
    found = [*_spec(area, today), *_roles(area), *_agreements(area, today), *check_codes(area)]
    ids = set(area.names("agencies"))
    for agency in area.agencies:
        found.extend(_agency(area, agency, ids))
    agreements = {agreement.id: agreement for agreement in area.agreements}
    for rule in area.rules:
        found.extend(_rule(area, rule, agreements))
    found.extend(_cases(area))
    found.extend(check_follow_up(area))
    return found


def _spec(area: Area, today: date) -> Iterator[Problem]:
    spec = area.spec
    if spec.review_by < today:
        yield at(area, "area", "", ("reviewBy",), f"the area's review date {spec.review_by} is past",
                 "have the partnership review the rules, then set a new date")  # fmt: skip
    agencies = area.names("agencies")
    if spec.front_door not in agencies:
        yield at(area, "area", "", ("frontDoor",), f"there is no agency `{spec.front_door}`",
                 nearest(spec.front_door, agencies))  # fmt: skip
    named = [(("responsibleOfficerRole",), spec.responsible_officer_role)]
    named += [(("locatingRoles", i), role) for i, role in enumerate(spec.locating_roles)]  # type: ignore[misc]
    for path, role in named:
        if role is not None and role not in spec.roles:
            yield at(area, "area", "", path, f"there is no role `{role}`", nearest(role, spec.roles))
    for i, term in enumerate(spec.school_terms):
        if term.to < term.from_:
            yield at(area, "area", "", ("schoolTerms", i), "the term ends before it begins",
                     "swap `from` and `to`")  # fmt: skip
    for i, gss in enumerate(spec.authorities):
        if gss in spec.authorities[:i]:
            yield at(area, "area", "", ("authorities", i), f"`{gss}` is given twice", "keep one of the two")
    if spec.area in spec.neighbours:
        yield at(area, "area", "", ("neighbours",), "an area is not its own neighbour", "remove it")


def _roles(area: Area) -> Iterator[Problem]:
    for name, role in area.spec.roles.items():
        if FieldClass.CONTROL in role.classes:
            yield at(area, "area", "", ("roles", name, "classes"), "no role may hold `CONTROL` fields",
                     "remove it: they are instructions to the exchange")  # fmt: skip
        barred = sorted(NEVER_FOR_PERSON_OF_CONCERN & set(role.classes))
        if role.serves is Serves.PERSON_OF_CONCERN and barred:
            yield at(area, "area", "", ("roles", name, "classes"),
                     f"a role that serves a person of concern may not hold {', '.join(barred)}",
                     "remove them (P-06)")  # fmt: skip
        if role.serves is Serves.PERSON_OF_CONCERN and name in area.spec.locating_roles:
            yield at(area, "area", "", ("locatingRoles", area.spec.locating_roles.index(name)),
                     f"`{name}` serves a person of concern", "it can never receive locating fields")  # fmt: skip


def _agency(area: Area, agency: AgencyModel, ids: set[str]) -> Iterator[Problem]:
    def bad(path: Path, message: str, hint: str | None = None) -> Problem:
        return at(area, "agencies", agency.id, path, message, hint)

    if agency.category is AgencyCategory.UNKNOWN:
        yield bad(("category",), "`UNKNOWN` is no category", "choose one of domain categories")
    for i, role in enumerate(agency.roles):
        if role not in area.spec.roles:
            yield bad(("roles", i), f"there is no role `{role}`", nearest(role, area.spec.roles))
        if role in agency.roles[:i]:
            yield bad(("roles", i), f"role `{role}` is given twice", "keep one of the two")
    for i, gss in enumerate(agency.authorities or ()):
        if gss not in area.spec.authorities:
            yield bad(("authorities", i), f"`{gss}` is not an authority of this area",
                      nearest(gss, area.spec.authorities))  # fmt: skip
    basis = agency.duty_basis
    if basis.until is not None and basis.until < basis.from_:
        yield bad(("dutyBasis", "until"), "the duty basis ends before it begins", "swap the dates")
    if agency.alternate is not None and (agency.alternate not in ids or agency.alternate == agency.id):
        yield bad(("alternate",), f"there is no other agency `{agency.alternate}`",
                  nearest(agency.alternate, ids - {agency.id}))  # fmt: skip
    yield from _contract(area, agency, ids)


def _contract(area: Area, agency: AgencyModel, ids: set[str]) -> Iterator[Problem]:
    contracted = agency.duty_basis.basis is DutyBasis.CONTRACTED
    if contracted and agency.contract is None:
        yield at(area, "agencies", agency.id, ("contract",), "a contracted agency needs its `contract`",
                 "add commissioner, scope and until (L-08)")  # fmt: skip
    if agency.contract is None:
        return
    if not contracted:
        yield at(area, "agencies", agency.id, ("contract",), "only a CONTRACTED agency has a contract",
                 "set dutyBasis.basis to CONTRACTED, or remove the contract")  # fmt: skip
    commissioner = agency.contract.commissioner
    if commissioner not in ids or commissioner == agency.id:
        yield at(area, "agencies", agency.id, ("contract", "commissioner"),
                 f"there is no other agency `{commissioner}`", nearest(commissioner, ids - {agency.id}))  # fmt: skip


def _agreements(area: Area, today: date) -> Iterator[Problem]:
    agencies = area.names("agencies")
    for agreement in area.agreements:
        if agreement.review_by < today:
            yield at(area, "agreements", agreement.id, ("reviewBy",),
                     f"the agreement's review date {agreement.review_by} is past",
                     "renew the agreement, then set a new date")  # fmt: skip
        if agreement.review_by < agreement.signed_on:
            yield at(area, "agreements", agreement.id, ("reviewBy",), "reviewed before it was signed",
                     "swap the dates")  # fmt: skip
        for i, party in enumerate(agreement.parties):
            known = agencies if area.spec.neighbours == () else None
            if not party.startswith("category:") and known is not None and party not in known:
                yield at(area, "agreements", agreement.id, ("parties", i), f"there is no agency `{party}`",
                         nearest(party, known))  # fmt: skip
            category = party.removeprefix("category:").partition("@")[0]
            if party.startswith("category:") and category not in AgencyCategory.__members__:
                yield at(area, "agreements", agreement.id, ("parties", i), f"no category `{category}`",
                         nearest(category, AgencyCategory.__members__))  # fmt: skip


def _rule(area: Area, rule: RuleModel, agreements: Agreements) -> Iterator[Problem]:
    def bad(path: Path, message: str, hint: str | None = None) -> Problem:
        return at(area, "rules", rule.id, path, message, hint)

    if rule.to.role not in area.spec.roles:
        yield bad(("to", "role"), f"there is no role `{rule.to.role}`", nearest(rule.to.role, area.spec.roles))
    yield from _selector(area, rule)
    for i, name in enumerate(rule.events):
        if name in rule.events[:i]:
            yield bad(("events", i), f"`{name}` is given twice", "keep one of the two")
    if rule.valid_from and rule.valid_until and rule.valid_until < rule.valid_from:
        yield bad(("validUntil",), "the rule ends before it begins", "swap the dates")
    ages = rule.when.age_years
    if ages and ages.at_least is not None and ages.at_most is not None and ages.at_most < ages.at_least:
        yield bad(("when", "ageYears"), "no age is in this range", "swap `atLeast` and `atMost`")
    if rule.effect is Effect.DENY:
        for key in ("share", "under", "clock"):
            if getattr(rule, key) is not None:
                yield bad((key,), f"a deny rule has no `{key}`", "remove it")
    else:
        yield from _allow(area, rule, agreements)


def _allow(area: Area, rule: RuleModel, agreements: Agreements) -> Iterator[Problem]:
    def bad(path: Path, message: str, hint: str | None = None) -> Problem:
        return at(area, "rules", rule.id, path, message, hint)

    if rule.gateways is None:
        yield bad(("gateways",), "an allow rule names the legal gateways it holds for", "add `gateways:`")
    yield from _named(area, rule, "share", "projection", area.projections)
    yield from _named(area, rule, "under", "agreement", agreements)
    agreement = agreements.get(rule.under or "")
    if agreement is None:
        return
    for key, wanted, covered in (
        ("gateways", rule.gateways or (), agreement.gateways),
        ("regimes", rule.regimes or (DpRegime.UKGDPR,), agreement.regimes),
    ):
        for i, value in enumerate(wanted):
            if value not in covered:
                yield bad((key, i), f"agreement `{agreement.id}` does not cover {key[:-1]} `{value}`",
                          f"it covers {', '.join(covered)}")  # fmt: skip


def _named(
    area: Area, rule: RuleModel, key: Literal["share", "under"], what: str, known: Container[str]
) -> Iterator[Problem]:
    """An allow rule names its projection and its agreement; all names are made only when one is not found."""
    value = getattr(rule, key)
    if value is not None and value in known:
        return
    names = area.names("projections" if key == "share" else "agreements")
    if value is None:
        message = f"an allow rule needs `{key}`, the name of its {what}"
        yield at(area, "rules", rule.id, (key,), message, nearest("", names))
    elif value not in names:
        yield at(area, "rules", rule.id, (key,), f"there is no {what} `{value}`", nearest(value, names))


def _selector(area: Area, rule: RuleModel) -> Iterator[Problem]:
    of = rule.to.of
    if of not in SELECTORS and of not in CATEGORIES:
        hint = nearest(of, CATEGORIES if of.startswith("category:") else SELECTORS)
        yield at(area, "rules", rule.id, ("to", "of"), f"`{of}` selects nobody", hint)
    for selector, asked, key in (
        ("child.school", rule.when.has_school, "hasSchool"),
        ("child.gp", rule.when.has_gp, "hasGp"),
        ("child.communityHealth", rule.when.has_community_health, "hasCommunityHealth"),
    ):
        if of == selector and asked is False:
            yield at(area, "rules", rule.id, ("when", key), f"`{of}` cannot be found when `{key}` is false",
                     "select another recipient, or drop the condition")  # fmt: skip


def _cases(area: Area) -> Iterator[Problem]:
    rules = area.names("rules")
    for case in area.cases:
        if case.rule is not None and case.rule not in rules:
            yield at(area, "cases", case.name, ("rule",), f"there is no rule `{case.rule}`",
                     nearest(case.rule, rules))  # fmt: skip
        for i, expected in enumerate(case.expect):
            if expected.rule is not None and expected.rule not in rules:
                yield at(area, "cases", case.name, ("expect", i, "rule"), f"there is no rule `{expected.rule}`",
                         nearest(expected.rule, rules))  # fmt: skip
            if expected.reason is not None and expected.reason not in ReasonCode.__members__:
                yield at(area, "cases", case.name, ("expect", i, "reason"), f"there is no reason `{expected.reason}`",
                         nearest(expected.reason, ReasonCode))  # fmt: skip
