"""Agencies and authorities that are left out: reached by no rule, not connected, or asleep when it matters (R-09)."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.vocabulary import DutyBasis, Urgency
from streams.policy.event_space import Axis, side
from streams.policy.findings import Findings
from streams.policy.located import Problem
from streams.policy.model import AgencyModel, Area, RuleModel, at
from streams.policy.reach import Reached, served
from streams.policy.words import Clock, Staffed

AROUND_THE_CLOCK = (Clock.PT15M, Clock.PT1H, Clock.PT4H)  # clocks that run at night
DESIGNATED = (DutyBasis.S11_BODY, DutyBasis.DESIGNATED_EDU, DutyBasis.CONTRACTED)
_ADDRESSED = ("explicit", "source")  # selectors by which a publisher answers for who is told
_SHOWN = 3


def agencies_advice(findings: Findings) -> Iterator[Problem]:
    """Coverage of agencies, authorities and event types."""
    by_agency: dict[str, list[Reached]] = {}
    for each in findings.delivered():
        by_agency.setdefault(each.agency.id, []).append(each)
    for area in findings.areas:
        for agency in area.agencies:
            mine = by_agency.get(agency.id, [])
            if not mine and agency.duty_basis.basis in DESIGNATED:
                hint = "write a rule that addresses one of its roles, or give it a role that rules address"
                yield at(
                    area, "agencies", agency.id, (), f"no rule reaches `{agency.id}`, which is under the duty", hint
                )
            yield from _connected(findings, area, agency, mine)
            yield from _asleep(findings, area, agency, mine)
        yield from _unserved(findings, area)
        yield from _types(findings, area)


def _connected(findings: Findings, area: Area, agency: AgencyModel, mine: list[Reached]) -> Iterator[Problem]:
    if agency.connected_from is not None and agency.connected_from > findings.day and mine:
        yield at(area, "agencies", agency.id, ("connectedFrom",),
                 f"{_rules(mine)} would deliver to an inbox that nobody reads before {agency.connected_from}",
                 "connect it first, or let the rules begin then (`validFrom`)")  # fmt: skip


def _asleep(findings: Findings, area: Area, agency: AgencyModel, mine: list[Reached]) -> Iterator[Problem]:
    """Who may get what is immediate needs somebody to answer at night: a contact, or a role staffed round the clock.

    Asked of bodies under the duty, and of anybody whom a rule tells with a clock that runs at night or because the
    event is immediate. Others hear of it in the morning, beside somebody who is awake.
    """
    if agency.contacts.out_of_hours is not None or any(_awake(area, role) for role in agency.roles):
        return
    urgent = [each for each in mine if _immediate(findings, each) and (_pressing(each) or _on_duty(agency))]
    if urgent:
        yield at(area, "agencies", agency.id, ("contacts",),
                 f"{_rules(urgent)} may bring it IMMEDIATE events, and nobody answers at night (R-09)",
                 "add `outOfHours:` under `contacts`, or give it a role that is staffed ROUND_THE_CLOCK")  # fmt: skip


def _unserved(findings: Findings, area: Area) -> Iterator[Problem]:
    """Authorities whose children a rule for the home authority finds nobody for: their events wait for a person."""
    told: set[tuple[str, str]] = set()
    for owner, rule in findings.allows():
        if owner is not area or rule.to.of != "child.homeAuthority" or not findings.reached[rule.id]:
            continue
        serving = {gss for agency in area.agencies if rule.to.role in agency.roles for gss in served(area, agency)}
        for gss in area.spec.authorities:
            asked = rule.when.area_gss is None or gss in rule.when.area_gss
            if asked and gss not in serving and (rule.to.role, gss) not in told:
                told.add((rule.to.role, gss))
                message = f"no agency with role `{rule.to.role}` serves `{gss}`: events of children there wait"
                hint = "give an agency that serves it the role, or ask for the other authorities (`areaGss`)"
                yield at(area, "rules", rule.id, ("to", "role"), message, hint)


def _types(findings: Findings, area: Area) -> Iterator[Problem]:
    """Types that the area delivers to nobody without saying so, and immediate ones that wake nobody."""
    mine = [each for each in findings.delivered() if findings.area_of_rule[each.rule.id] is area]
    denied = {name for owner, rule in findings.denies() if owner is area for name in rule.events}
    silent = [name for name in findings.types if name not in denied | {each.kind.name for each in mine}]
    if silent and area.rules:
        more = f" and {len(silent) - _SHOWN} more" if len(silent) > _SHOWN else ""
        listed = ", ".join(f"`{name}`" for name in silent[:_SHOWN]) + more
        yield at(area, "area", "", ("area",), f"no rule of the area delivers {listed} to anybody",
                 "write a rule for it, or a deny rule that says why nobody is told")  # fmt: skip
    for name in findings.types:
        found = [each for each in mine if each.kind.name == name]
        if not all(each.rule.to.of in _ADDRESSED for each in found):
            yield from _wakes(findings, area, name, found)


def _wakes(findings: Findings, area: Area, name: str, found: list[Reached]) -> Iterator[Problem]:
    """Whether an immediate event of the type reaches somebody awake, wherever in the area the child lives."""
    awake = 0
    for each in found:
        if _awake(area, each.rule.to.role) and _immediate(findings, each):
            for box in each.delivered:
                awake |= side(box, Axis.AREA)
    places = [gss for gss in area.spec.authorities if not awake & findings.reach.space.mask(Axis.AREA, [gss])]
    if places:
        where = ", ".join(f"`{gss}`" for gss in places)
        message = f"an IMMEDIATE `{name}` about a child in {where} reaches no role staffed round the clock (R-09)"
        hint = "let a rule tell such a role, for example when `urgency: [IMMEDIATE]`"
        yield at(area, "area", "", ("roles",), message, hint)


def _immediate(findings: Findings, each: Reached) -> bool:
    bit = findings.reach.space.mask(Axis.URGENCY, [Urgency.IMMEDIATE.value])
    return any(side(box, Axis.URGENCY) & bit for box in each.delivered)


def _pressing(each: Reached) -> bool:
    rule: RuleModel = each.rule
    clock = str(rule.clock.value if rule.clock is not None else each.kind.clock)
    return clock in AROUND_THE_CLOCK or (rule.when.urgency is not None and Urgency.IMMEDIATE in rule.when.urgency)


def _on_duty(agency: AgencyModel) -> bool:
    return agency.duty_basis.basis is not DutyBasis.NONE


def _awake(area: Area, role: str) -> bool:
    held = area.spec.roles.get(role)
    return held is not None and held.staffed is Staffed.ROUND_THE_CLOCK


def _rules(found: list[Reached]) -> str:
    names = list(dict.fromkeys(each.rule.id for each in found))
    more = f" and {len(names) - _SHOWN} more rules" if len(names) > _SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + more
