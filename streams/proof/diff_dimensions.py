"""The dimensions of a comparison: everything that an event can say and either rule set can tell apart.

Codes of settings are grouped by the agencies they lead to, ages and days by the numbers that rules and dates name; what
a publisher says about recipients is a yes or no for each statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from streams.policy.compiled import FOREVER, CompiledAgency
from streams.policy.facts import AgencyId, Exclusion, Judgement, LocatorToken
from streams.policy.index import AGENCY_SCHEME
from streams.policy.recipients import UNRESOLVED
from streams.proof.diff_space import (
    AGE,
    CONCERN,
    FLAGS,
    WORDS,
    Choice,
    Dimensions,
    Pair,
    Roles,
    Side,
    Space,
    transparent,
)

OTHER = "another"
NONE = "none"
NO, YES = "no", "yes"


def space_for(pair: Pair, event_type: str, targets: tuple[AgencyId, ...], at: int, roles: Roles) -> Space:
    """Every dimension that can matter to `targets`, from the day `at` on.

    The first target is the recipient, the second one it may stand in for, the others those between the two.
    `roles` are those through which rules of either side address each target.
    """
    asked = [entry["when"] for side in pair for _, entry in side.rules_of(event_type)]
    dims: Dimensions = {"day": _days(pair, at)}
    for name, (field, words, ordinary) in WORDS.items():
        dims[name] = _words(field, words, ordinary, (w for when in asked for w in when.get(name, ())))
    dims |= {name: _flag(field) for name, field in FLAGS.items()}
    dims[AGE] = _ages([when[AGE] for when in asked if AGE in when])
    for concern in sorted({"UNKNOWN", *(c for when in asked for c in when.get("concerns", ()))}):
        dims[CONCERN + concern] = (Choice(NO, False), Choice(YES, True, adds=(("concerns", concern),)))
    dims |= _places(pair, asked)
    dims["source"] = _sources(pair, targets, {s for when in asked for s in when.get("source", ())})
    dims |= _settings(pair, targets)
    named = {rule.role for side in pair for rule, _ in side.rules_of(event_type) if rule.of == "explicit"}
    dims |= _statements(roles, frozenset(named), frozenset(targets[2:]))
    return Space(event_type, dims)


def _words(field: str, words: type[StrEnum], ordinary: str, mentioned: Iterable[str]) -> tuple[Choice, ...]:
    names = dict.fromkeys([ordinary, *(word.value for word in words), *sorted(mentioned)])
    return tuple(Choice(name, name, ((field, name),)) for name in names)


def _flag(field: str) -> tuple[Choice, ...]:
    return Choice(NO, False, ((field, False),)), Choice(YES, True, ((field, True),))


def _ages(asked: Sequence[Sequence[int | None]]) -> tuple[Choice, ...]:
    """The age not known, the child not born, and the spans between the ages that conditions name."""
    lows = {low for low, _ in asked if low is not None} | {high + 1 for _, high in asked if high is not None}
    cuts = sorted({0, *lows})
    spans = [
        Choice(_span(low, following), low, (("age_years", low), ("unborn", False)))
        for low, following in zip(cuts, [*cuts[1:], None], strict=True)
    ]
    unborn = Choice("unborn", None, (("age_years", None), ("unborn", True)))
    unknown = Choice("unknown", None, (("age_years", None), ("unborn", False)))
    return (*spans, unborn, unknown)


def _span(low: int, following: int | None) -> str:
    if following is None:
        return f"{low} or older"
    return str(low) if following == low + 1 else f"{low} to {following - 1}"


def _days(pair: Pair, at: int) -> tuple[Choice, ...]:
    """Spans of days from `at` on, between which dates of either side lie. The value is a span's first day."""
    cuts = {at} | {day for side in pair for day in _turns(side) if at < day < FOREVER}
    ordered = sorted(cuts)
    return tuple(
        Choice(_iso(first), first, (), (), () if following is None else (_iso(following - 1),))
        for first, following in zip(ordered, [*ordered[1:], None], strict=True)
    )


def _turns(side: Side) -> Iterator[int]:
    """Days on which an answer may become another one."""
    for rule in side.rules.rules:
        yield from (rule.first_day, rule.last_day + 1)
        if rule.agreement is not None:
            yield from (rule.agreement.signed_on, rule.agreement.review_by + 1)
    for agency in side.rules.agencies.values():
        yield from (agency.basis_from, agency.basis_until + 1, agency.contract_until + 1)
    for area in side.rules.areas.values():
        yield from (area.commenced, area.review_by + 1)


def _iso(day: int) -> str:
    return date.fromordinal(day + 719_163).isoformat()


def _places(pair: Pair, asked: Sequence[Mapping[str, Any]]) -> Dimensions:
    known = {gss for side in pair for gss in side.rules.area_of_gss if gss is not None}
    named = sorted(known | {gss for when in asked for gss in when.get("areaGss", ())})
    here = [Choice(gss, gss, (("area_gss", gss),)) for gss in named]
    out: Dimensions = {
        "areaGss": (*here, Choice(OTHER, None, (("area_gss", "elsewhere"),)), Choice(NONE, None, (("area_gss", None),)))
    }
    for name, field in (("placingAuthority", "placing_la"), ("hostAuthority", "host_la")):
        of = [Choice(gss, gss, ((field, transparent("GSS", gss)),)) for gss in sorted(known)]
        out[name] = (Choice(NONE, None, ((field, None),)), *of, Choice(OTHER, None, ((field, "elsewhere"),)))
    areas = sorted({area for side in pair for area in side.rules.areas})
    named_areas = [Choice(area, area, (("masa_id", area),)) for area in areas]
    out["masaId"] = (*named_areas, Choice(OTHER, None, (("masa_id", ""),)))
    return out


def _sources(pair: Pair, targets: tuple[AgencyId, ...], mentioned: set[str]) -> tuple[Choice, ...]:
    """Publishers, grouped unless either side can tell them apart."""
    single = mentioned | set(targets) | {area.front_door for side in pair for area in side.rules.areas.values()}

    def told_apart(agency: str) -> tuple[Any, ...]:
        known = [side.rules.agencies.get(AgencyId(agency)) for side in pair]
        roles = [() if a is None or targets[0] != agency else a.roles for a in known]
        return (agency if agency in single else None, *(None if a is None else a.area for a in known), *roles)

    everyone = sorted({agency for side in pair for agency in side.rules.agencies} | mentioned)
    groups = _grouped(everyone, told_apart)
    choices = [_choice(group, "source", group[0]) for group in groups]
    return (*choices, Choice(OTHER, None, (("source", ""),)))


def _settings(pair: Pair, targets: tuple[AgencyId, ...]) -> Dimensions:
    """Settings of the child, by the agencies that their codes lead to."""
    odd = targets[0].startswith(UNRESOLVED)

    def leads_to(table: Callable[[Side], Mapping[LocatorToken, AgencyId]], scheme: str, code: str) -> tuple[Any, ...]:
        found: list[Any] = []
        for side in pair:
            agency = table(side).get(transparent(scheme, code))
            found.append((agency if agency in targets else None, _roles(side, agency) if odd else None))
        return tuple(found)

    def settings(field: str, scheme: str, table: Callable[[Side], Mapping[LocatorToken, AgencyId]]) -> Any:
        groups = _grouped(_codes(pair, (scheme,)), lambda code: leads_to(table, scheme, code))
        names = {code: tuple({a for s in pair if (a := table(s).get(transparent(scheme, code)))}) for g in groups
                 for code in g}  # fmt: skip
        known = [
            _choice(tuple(sorted({a for code in g for a in names[code]})), field, transparent(scheme, g[0]))
            for g in groups
        ]
        return (Choice(NONE, None, ((field, None),)), *known, Choice(OTHER, None, ((field, "elsewhere"),)))

    def accuses(code: str) -> tuple[Any, ...]:
        token = transparent("URN", code)
        return tuple(frozenset(side.rules.tokens.accused.get(token, ())) & set(targets) for side in pair)

    groups = _grouped(_codes(pair, ("URN", "OFSTED_URN")), accuses)
    accused = [
        _choice(tuple(sorted(frozenset().union(*accuses(g[0])))), "accused_setting", transparent("URN", g[0]))
        for g in groups
    ]
    none, other = Choice(NONE, None, (("accused_setting", None),)), Choice(OTHER, None, (("accused_setting", "x"),))
    return {
        "allocatedTeam": _teams(pair, targets),
        "school": settings("school", "URN", lambda side: side.rules.tokens.school),
        "gp": settings("gp", "ODS", lambda side: side.rules.tokens.health),
        "communityHealth": settings("community_health", "ODS", lambda side: side.rules.tokens.health),
        "accusedSetting": (none, *accused, other),
    }


def _teams(pair: Pair, targets: tuple[AgencyId, ...]) -> tuple[Choice, ...]:
    """Agencies that may have declared the child's case, by the teams that this can lead to."""
    odd = targets[0].startswith(UNRESOLVED)
    owners = {side.rules.agencies[t].organisation for side in pair for t in targets if t in side.rules.agencies}

    def leads_to(agency: str) -> tuple[Any, ...]:
        found: list[Any] = [agency if agency in targets else None]
        for side in pair:
            known = side.rules.agencies.get(AgencyId(agency))
            if known is not None and (odd or known.organisation in owners):
                found.append((known.area, known.organisation, known.roles))
            else:
                found.append(None if known is None else known.area)
        return tuple(found)

    groups = _grouped(sorted({a for side in pair for a in side.rules.agencies}), leads_to)
    known = [_choice(g, "allocated_team", transparent(AGENCY_SCHEME, g[0])) for g in groups]
    none = Choice(NONE, None, (("allocated_team", None),))
    return (none, *known, Choice(OTHER, None, (("allocated_team", "elsewhere"),)))


def _roles(side: Side, agency: AgencyId | None) -> tuple[str, ...] | None:
    known: CompiledAgency | None = None if agency is None else side.rules.agencies.get(agency)
    return None if known is None else known.roles


def _choice(agencies: tuple[str, ...], field: str, value: Any) -> Choice:
    """The choice of a group of agencies, of which `value` is one."""
    name = agencies[0] if len(agencies) == 1 else OTHER
    return Choice(name, None, ((field, value),), (), agencies)


def _codes(pair: Pair, schemes: tuple[str, ...]) -> list[str]:
    agencies = (agency for side in pair for agency in side.rules.agencies.values())
    return sorted({code for agency in agencies for scheme, code in agency.identifiers if scheme in schemes})


def _grouped(values: Iterable[str], key: Callable[[str], Any]) -> list[tuple[str, ...]]:
    groups: dict[Any, list[str]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    return [tuple(group) for group in groups.values()]


def _statements(roles: Roles, explicit: frozenset[str], between: frozenset[AgencyId]) -> Dimensions:
    """What the publisher can say of the targets. Statements that come to the same are one dimension:

    `withheld:A` from agency A or from everybody; `withheldRole:R` from whoever is addressed through role R;
    `confirmed:A/R` agency A, as a whole or in role R, or role R wherever it is; for roles that rules address by
    `explicit`, which only names reach, these are `confirmedByName:A/R` and `confirmedRole:R`. `excluded:A/R` agency A
    as a whole or in role R, `excluded:A/*` in any way; `excluded:A` as a whole, where it differs from each role.
    """
    out: Dimensions = {}

    def judged(name: str, agency: str | None, role: str | None, judgement: str) -> None:
        made = Judgement(None if agency is None else AgencyId(agency), role, judgement, None)  # type: ignore[arg-type]
        out[name] = (Choice(NO, False), Choice(YES, True, adds=(("judgements", made),)))

    def excluded(name: str, agency: AgencyId, role: str | None) -> None:
        made = Exclusion(agency, role, "UNKNOWN")  # type: ignore[arg-type]
        out[name] = (Choice(NO, False), Choice(YES, True, adds=(("exclusions", made),)))

    everywhere = sorted(frozenset().union(*roles.values()))
    for role in everywhere:
        judged(f"withheldRole:{role}", None, role, "WITHHELD")
    for role in (each for each in everywhere if each in explicit):
        judged(f"confirmedRole:{role}", None, role, "CONFIRMED")
    for agency, addressed in roles.items():
        if agency.startswith(UNRESOLVED):
            # nobody can name it, but its role can be confirmed or all be withheld from
            judged(f"withheld:{agency}", None, None, "WITHHELD")
            for role in sorted(addressed - explicit):
                judged(f"confirmed:{agency}/{role}", None, role, "CONFIRMED")
            continue
        judged(f"withheld:{agency}", agency, None, "WITHHELD")
        if agency in between:
            excluded(f"excluded:{agency}", agency, None)
        for role in sorted(addressed):
            kind = "confirmedByName" if role in explicit else "confirmed"
            judged(f"{kind}:{agency}/{role}", agency, role, "CONFIRMED")
            excluded(f"excluded:{agency}/{role}", agency, role)
        excluded(f"excluded:{agency}/*", agency, "no-such-role")
    return out
