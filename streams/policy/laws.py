"""The laws: what no rule of an area can allow. Each is a small pure function -> reason or None.

`AGENCY_LAWS` deny an agency whatever the rules say; `HIT_LAWS` take one rule away from it, and deny it when no rule is
left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from streams.policy.compiled import CompiledAgency, CompiledArea, CompiledRule, RoleView
from streams.policy.facts import AgencyId
from streams.policy.reasons import ReasonCode

DUTY = "S16LA"


class Circumstances(NamedTuple):
    """What the laws and the stops ask of an event, equal for all its candidates. `day` is days since 1970-01-01."""

    event_type: str
    gateway: str
    regime: str
    purpose: str
    protected: bool  # address protection is anything but NONE
    sensitive: bool
    restricted: bool
    day: int
    stopped_source: AgencyId | None = None  # the publisher, if a stop names it


class Standing(NamedTuple):
    """One candidate before the laws. `agency` is None for `unresolved:<selector>`."""

    agency: CompiledAgency | None
    area: CompiledArea | None  # the agency's own
    is_source: bool
    is_accused: bool


class Claim(NamedTuple):
    """One rule that names the candidate, with what its role may hold there."""

    rule: CompiledRule
    rule_area: CompiledArea
    view: RoleView
    confirmed: bool  # the publisher confirmed this recipient


AgencyLaw = Callable[[Circumstances, CompiledAgency, Standing], ReasonCode | None]
HitLaw = Callable[[Circumstances, Standing, Claim], ReasonCode | None]


def accused_setting(case: Circumstances, agency: CompiledAgency, standing: Standing) -> ReasonCode | None:
    """P-16: an allegation about a professional never reaches the setting where they work."""
    return ReasonCode.ACCUSED_SETTING if standing.is_accused else None


def duty_commenced(case: Circumstances, agency: CompiledAgency, standing: Standing) -> ReasonCode | None:
    """L-09: nobody receives under s16LA before the duty is in force in their area."""
    late = case.gateway == DUTY and standing.area is not None and case.day < standing.area.commenced
    return ReasonCode.DUTY_NOT_COMMENCED if late else None


def duty_basis(case: Circumstances, agency: CompiledAgency, standing: Standing) -> ReasonCode | None:
    """L-07: who is not under the duty on this day receives under another gateway only."""
    under = agency.basis != "NONE" and agency.basis_from <= case.day <= agency.basis_until
    return None if under or case.gateway != DUTY else ReasonCode.NO_DUTY_BASIS


def contract_in_time(case: Circumstances, agency: CompiledAgency, standing: Standing) -> ReasonCode | None:
    """L-08: a contractor receives until the last day of its contract, whatever the gateway."""
    return ReasonCode.CONTRACT_EXPIRED if case.day > agency.contract_until else None


def contract_in_scope(case: Circumstances, agency: CompiledAgency, standing: Standing) -> ReasonCode | None:
    """L-08: a contractor receives only what its contract is about."""
    scope = agency.contract_types
    outside = scope is not None and case.event_type not in scope
    return ReasonCode.OUT_OF_CONTRACT_SCOPE if outside else None


def not_the_source(case: Circumstances, standing: Standing, claim: Claim) -> ReasonCode | None:
    """A publisher is no recipient of its own event, but of feedback that a rule sends to the source."""
    own = standing.is_source and claim.rule.of != "source"
    return ReasonCode.SOURCE_IS_RECIPIENT if own else None


def restricted_lane(case: Circumstances, standing: Standing, claim: Claim) -> ReasonCode | None:
    """P-08: restricted events reach roles that are cleared for them only."""
    return ReasonCode.RESTRICTED_LANE if case.restricted and not claim.view.restricted else None


def sensitive_service(case: Circumstances, standing: Standing, claim: Claim) -> ReasonCode | None:
    """P-09: an event of a sensitive service goes only to whom the publisher confirmed."""
    barred = case.sensitive and not claim.confirmed
    return ReasonCode.SENSITIVE_SERVICE_UNCONFIRMED if barred else None


def regime_covered(case: Circumstances, standing: Standing, claim: Claim) -> ReasonCode | None:
    """L-06: no re-purposing across data-protection regimes."""
    regimes = claim.rule.regimes
    return ReasonCode.REGIME_NOT_IN_RULE if regimes is not None and case.regime not in regimes else None


def rule_area_commenced(case: Circumstances, standing: Standing, claim: Claim) -> ReasonCode | None:
    """L-09: no rule speaks under s16LA before the duty is in force in its area."""
    late = case.gateway == DUTY and case.day < claim.rule_area.commenced
    return ReasonCode.DUTY_NOT_COMMENCED if late else None


def purpose_agreed(case: Circumstances, standing: Standing, claim: Claim) -> ReasonCode | None:
    agreement = claim.rule.agreement
    agreed = agreement is not None and case.purpose in agreement.purposes
    return None if agreed else ReasonCode.PURPOSE_NOT_IN_AGREEMENT


def agreement_in_force(case: Circumstances, standing: Standing, claim: Claim) -> ReasonCode | None:
    agreement = claim.rule.agreement
    valid = agreement is not None and agreement.signed_on <= case.day <= agreement.review_by
    return None if valid else ReasonCode.AGREEMENT_EXPIRED


def party_to_agreement(case: Circumstances, standing: Standing, claim: Claim) -> ReasonCode | None:
    """The recipient must be a party. Who cannot be found yet is not asked."""
    agency, agreement = standing.agency, claim.rule.agreement
    if agency is None or agreement is None:
        return None
    party = agency.id in agreement.agencies or (agency.area, agency.category) in agreement.categories
    return None if party else ReasonCode.AGREEMENT_NOT_PARTY


AGENCY_LAWS: tuple[AgencyLaw, ...] = (
    accused_setting,
    duty_commenced,
    duty_basis,
    contract_in_time,
    contract_in_scope,
)
HIT_LAWS: tuple[HitLaw, ...] = (
    not_the_source,
    rule_area_commenced,
    restricted_lane,
    sensitive_service,
    regime_covered,
    purpose_agreed,
    agreement_in_force,
    party_to_agreement,
)
