"""Reference interpreter: what no rule of an area can allow, law by law."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from streams.policy.reference_match import Entry, Named, World


def agency_laws(world: World, agency: Entry | None) -> list[str]:
    """Laws that deny an agency whatever the rules say."""
    return [] if agency is None else list(_agency_laws(world, agency))


def _agency_laws(world: World, agency: Entry) -> Iterator[str]:
    facts, day, basis = world.facts, world.day, agency["dutyBasis"]
    for scheme, code in agency["identifiers"]:
        if scheme in ("URN", "OFSTED_URN") and world.token("URN", code) == facts.accused_setting:
            yield "ACCUSED_SETTING"
    if facts.gateway == "S16LA" and day < date.fromisoformat(world.areas[agency["area"]]["dutyCommencedOn"]):
        yield "DUTY_NOT_COMMENCED"
    begun = date.fromisoformat(basis["from"]) <= day
    ended = basis["until"] is not None and day > date.fromisoformat(basis["until"])
    if facts.gateway == "S16LA" and (basis["basis"] == "NONE" or not begun or ended):
        yield "NO_DUTY_BASIS"
    contract = agency.get("contract")
    if contract is not None and day > date.fromisoformat(contract["until"]):
        yield "CONTRACT_EXPIRED"
    if contract is not None and facts.event_type not in contract["eventTypes"]:
        yield "OUT_OF_CONTRACT_SCOPE"


def hit_laws(world: World, agency: str, hit: Named, *, cleared: bool, confirmed: bool) -> list[str]:
    """Laws that take one rule away. `cleared`: the role may see restricted events."""
    return list(_hit_laws(world, agency, hit, cleared=cleared, confirmed=confirmed))


def _hit_laws(world: World, agency: str, hit: Named, *, cleared: bool, confirmed: bool) -> Iterator[str]:
    facts, rule, day = world.facts, hit.rule, world.day
    area = world.areas[rule["area"]]
    agreement = area["agreements"][rule["under"]]
    if agency == facts.source and rule["to"]["of"] != "source":
        yield "SOURCE_IS_RECIPIENT"
    if facts.gateway == "S16LA" and day < date.fromisoformat(area["dutyCommencedOn"]):
        yield "DUTY_NOT_COMMENCED"
    if facts.restricted and not cleared:
        yield "RESTRICTED_LANE"
    if facts.sensitive_service and not confirmed:
        yield "SENSITIVE_SERVICE_UNCONFIRMED"
    if facts.regime not in rule["regimes"]:
        yield "REGIME_NOT_IN_RULE"
    if facts.purpose not in agreement["purposes"]:
        yield "PURPOSE_NOT_IN_AGREEMENT"
    if not date.fromisoformat(agreement["signedOn"]) <= day <= date.fromisoformat(agreement["reviewBy"]):
        yield "AGREEMENT_EXPIRED"
    entry = world.agencies.get(agency)
    if entry is not None and not _is_party(agreement, rule["area"], entry):
        yield "AGREEMENT_NOT_PARTY"


def _is_party(agreement: Entry, area: str, agency: Entry) -> bool:
    parties = agreement["parties"]
    if agency["id"] in parties or f"category:{agency['category']}@{agency['area']}" in parties:
        return True
    return agency["area"] == area and f"category:{agency['category']}" in parties
