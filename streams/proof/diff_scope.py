"""What a comparison can leave out without losing anything: event types and recipients that no difference can reach.

Two rule sets answer alike wherever everything that a decision reads is alike; recipients between whom no rule can tell
are asked about once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from streams.policy.artefact import Document, canonical
from streams.policy.compiled import CompiledRule
from streams.policy.facts import AgencyId
from streams.policy.recipients import UNRESOLVED
from streams.proof.diff_reach import chain_to
from streams.proof.diff_space import Pair, Roles, Side, transparent

_AREA_READS = ("authorities", "dutyCommencedOn", "frontDoor", "responsibleOfficerRole", "reviewBy", "locatingRoles")
_ROLE_READS = ("serves", "restricted", "classes")
_AGENCY_READS = (
    "id",
    "area",
    "organisation",
    "category",
    "identifiers",
    "roles",
    "authorities",
    "alternate",
    "contract",
)
_RULE_READS = ("area", "effect", "when", "gateways", "regimes", "to", "validFrom", "validUntil", "clock")
_AGREEMENT_READS = ("parties", "purposes", "lawfulBasis", "signedOn", "reviewBy")

HOME = AgencyId(UNRESOLVED + "child.homeAuthority")


def ground(side: Side) -> bytes:
    """All that decisions read beside the rules: areas, roles, agencies."""
    areas = {
        name: {
            **_only(area, _AREA_READS),
            "roles": {role: _only(held, _ROLE_READS) for role, held in area["roles"].items()},
        }
        for name, area in side.document["areas"].items()
    }
    agencies = [
        {**_only(agency, _AGENCY_READS), "dutyBasis": _only(agency["dutyBasis"], ("basis", "from", "until"))}
        for agency in side.document["agencies"]
    ]
    return canonical({"areas": areas, "agencies": agencies})


def rules_read(side: Side, event_type: str) -> dict[bytes, CompiledRule]:
    """All that decisions read of the rules of a type, each rule by its content: no names, no reasons."""
    default = side.document["clocks"].get(event_type)
    out: dict[bytes, CompiledRule] = {}
    for rule, entry in side.rules_of(event_type):
        area = side.document["areas"][entry["area"]]
        content = _only(entry, _RULE_READS)
        if not rule.deny:
            content["clock"] = content["clock"] or default
            content["under"] = _only(area["agreements"][entry["under"]], _AGREEMENT_READS)
            content["share"] = area["projections"][entry["share"]]["events"].get(event_type)
        out[canonical(content)] = rule
    return out


def _only(entry: Document, names: Iterable[str]) -> Document:
    return {name: entry.get(name) for name in names}


def recipients(pair: Pair, event_type: str, changed: list[tuple[Side, CompiledRule]] | None) -> list[AgencyId]:
    """Who can be answered differently; `changed` are the rules of one side only, None when more than rules differs."""
    everyone = sorted({agency for side in pair for agency in side.rules.agencies})
    selectors = {UNRESOLVED + rule.of for side in pair for rule, _ in side.rules_of(event_type)}
    candidates = [*everyone, *(AgencyId(name) for name in sorted(selectors | {HOME}) if "child." in name)]
    if changed is None:
        return [each for each in candidates if each == HOME or _may_be_told(pair, event_type, each)]
    reached = {each for each in candidates if any(may_reach(side, rule, each) for side, rule in changed)}
    return [each for each in candidates if each in reached or not reached.isdisjoint(stands_in_for(pair, each))]


def _may_be_told(pair: Pair, event_type: str, agency: AgencyId) -> bool:
    """Whether any rule, or the charge of events about children of unknown areas, can bring the agency in."""
    fronts = {area.front_door for side in pair for area in side.rules.areas.values()}
    family = (agency, *stands_in_for(pair, agency))
    told = (may_reach(side, rule, each) for side in pair for rule, _ in side.rules_of(event_type) for each in family)
    return agency in fronts or any(told)


def may_reach(side: Side, rule: CompiledRule, agency: AgencyId) -> bool:
    """False only if no event lets the rule name the agency, or deny it."""
    if agency.startswith(UNRESOLVED):
        return agency == UNRESOLVED + rule.of
    known = side.rules.agencies.get(agency)
    officer = side.rules.areas[rule.area].officer_role if rule.of == "child.school" else None
    return known is not None and (rule.role in known.roles or officer in known.roles)


def stands_in_for(pair: Pair, recipient: AgencyId) -> tuple[AgencyId, ...]:
    """Agencies in whose place the recipient may be told when they are excluded, on either side."""
    found = {
        agency
        for side in pair
        for agency in side.rules.agencies
        if agency != recipient and chain_to(side, agency, recipient) is not None
    }
    return tuple(sorted(found))


def chain_both(pair: Pair, agency: AgencyId, recipient: AgencyId) -> tuple[AgencyId, ...]:
    """The agency and the alternates before the recipient, on either side."""
    chains = (chain_to(side, agency, recipient) or () for side in pair)
    return tuple(dict.fromkeys([agency, *(each for chain in chains for each in chain)]))


def roles_addressed(pair: Pair, event_type: str, targets: tuple[AgencyId, ...]) -> Roles:
    """Roles through which rules can address each target; the first also has those of the others, to stand in."""
    found = {each: frozenset(_addressed(pair, event_type, each)) for each in targets}
    first = (side.rules.agencies.get(targets[0]) for side in pair)
    own = {agency.roles[0] for agency in first if agency is not None and agency.roles}
    if len(targets) > 1:
        found[targets[0]] = frozenset().union(own, *found.values())
    return found


def _addressed(pair: Pair, event_type: str, agency: AgencyId) -> Iterator[str]:
    for side in pair:
        for rule, _ in side.rules_of(event_type):
            if may_reach(side, rule, agency):
                yield rule.role
                officer = side.rules.areas[rule.area].officer_role
                if rule.of == "child.school" and officer is not None:
                    yield officer


def alike(pair: Pair, event_type: str, agency: AgencyId) -> tuple[Any, ...]:
    """Agencies with equal answers to this, on both sides, are told alike, each in events about itself."""
    return tuple(_profile(side, event_type, agency) for side in pair)


def _profile(side: Side, event_type: str, agency: AgencyId) -> tuple[Any, ...]:
    """Everything about an agency that an answer to it can depend on; its name where it is one of its kind."""
    rules, known = side.rules, side.rules.agencies.get(agency)
    if known is None:
        return (agency if agency.startswith(UNRESOLVED) else None,)
    asked = {source for _, entry in side.rules_of(event_type) for source in entry["when"].get("source", ())}
    fronts = {area.front_door for area in rules.areas.values()}
    single = agency in asked | fronts or known.organisation != agency
    tables = (("URN", rules.tokens.school), ("ODS", rules.tokens.health))
    leads = tuple(
        any(scheme == name and table.get(transparent(scheme, code)) == agency for scheme, code in known.identifiers)
        for name, table in tables
    )
    agreements = {rule.agreement.id for rule in rules.rules if rule.agreement and agency in rule.agreement.agencies}
    alone = [
        (role, gss)
        for role in known.roles
        for gss in known.authorities
        if rules.serving[(known.area, role, gss)] == (agency,)
    ]
    return (
        agency if single else None, leads, any(scheme in ("URN", "OFSTED_URN") for scheme, _ in known.identifiers),
        frozenset(agreements), tuple(alone), known.area, known.category, known.roles, known.authorities, known.basis,
        known.basis_from, known.basis_until, known.contract_until, known.contract_types,
    )  # fmt: skip
