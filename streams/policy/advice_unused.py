"""Entries that nothing refers to. Often a misspelt name, sometimes what is left of a rule that was removed."""

from __future__ import annotations

from collections.abc import Iterator

from streams.policy.findings import Findings
from streams.policy.located import Path, Problem, nearest
from streams.policy.model import Area, at


def unused_advice(findings: Findings) -> Iterator[Problem]:
    """Agreements, projections, their event types, and roles that no rule or agency uses."""
    names = {agency.id for area in findings.areas for agency in area.agencies}
    for area in findings.areas:
        names |= set(area.spec.governance.organisations if area.spec.governance is not None else ())
    for area in findings.areas:
        yield from _agreements(area)
        yield from _projections(area)
        yield from _roles(findings, area)
        yield from _organisations(area, names)
        yield from _locating_reasons(area)


def _agreements(area: Area) -> Iterator[Problem]:
    used = {rule.under for rule in area.rules}
    for agreement in area.agreements:
        if agreement.id not in used:
            yield at(area, "agreements", agreement.id, (), f"no rule is under agreement `{agreement.id}`",
                     "name it under `under:` in a rule, or remove it")  # fmt: skip


def _projections(area: Area) -> Iterator[Problem]:
    used: dict[str, set[str]] = {}
    for rule in area.rules:
        used.setdefault(rule.share or "", set()).update(rule.events)
    for name, projection in area.projections.items():
        if name not in used:
            yield at(area, "projections", name, (), f"no rule shares projection `{name}`",
                     "name it under `share:` in a rule, or remove it")  # fmt: skip
            continue
        for type_name in projection.events:
            if type_name not in used[name]:
                message = f"no rule shares `{name}` for `{type_name}`"
                hint = "remove it: whoever writes such a rule should choose its fields anew"
                yield at(area, "projections", name, ("events", type_name), message, hint)


def _roles(findings: Findings, area: Area) -> Iterator[Problem]:
    held = {role for agency in area.agencies for role in agency.roles}
    addressed = {rule.to.role for each in findings.areas for rule in each.rules}
    addressed |= {role for role in (area.spec.responsible_officer_role,) if role is not None}
    for name in area.spec.roles:
        if name not in held and name not in addressed:
            yield at(area, "area", "", ("roles", name), f"no agency has role `{name}` and no rule addresses it",
                     "give it to an agency, or remove it")  # fmt: skip
    for name in area.spec.locating_roles:
        if name not in held:
            path = ("locatingRoles", area.spec.locating_roles.index(name))
            hint = "remove it: the list of who may know where a protected child is stays as short as it can be (P-02)"
            yield at(area, "area", "", path, f"no agency has role `{name}`", hint)


def _organisations(area: Area, names: set[str]) -> Iterator[Problem]:
    """Documents name every organisation that takes part or has signed (domain catalogue 7.1)."""
    if area.spec.governance is None:
        return
    named: list[tuple[str, str, Path, str | None]] = [
        ("agencies", agency.id, ("organisation",), agency.organisation) for agency in area.agencies
    ]
    named += [
        ("agreements", agreement.id, ("approvals", i, "organisation"), each.organisation)
        for agreement in area.agreements
        for i, each in enumerate(agreement.approvals)
    ]
    for kind, identity, path, organisation in named:
        if organisation is not None and organisation not in names:
            message = f"`{organisation}` is neither an agency nor in `governance.organisations`"
            yield at(
                area, kind, identity, path, message, nearest(organisation, names) or f"add `{organisation}:` there"
            )


def _locating_reasons(area: Area) -> Iterator[Problem]:
    """Each role that may know where a protected child is has a reason, and no other has (P-02)."""
    governance, roles = area.spec.governance, area.spec.locating_roles
    for i, role in enumerate(roles if governance is not None else ()):
        if governance is not None and role not in governance.locating_reasons:
            yield at(area, "area", "", ("locatingRoles", i),
                     f"nothing says why `{role}` may know where a protected child is",
                     f"add `{role}:` under `governance.locatingReasons` (P-02)")  # fmt: skip
    for role in governance.locating_reasons if governance is not None else ():
        if role not in roles:
            yield at(area, "area", "", ("governance", "locatingReasons", role), f"`{role}` is no locating role",
                     nearest(role, roles) or "remove it")  # fmt: skip
