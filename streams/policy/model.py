"""The area files as frozen models: what a policy lead writes, checked for shape only.

Keys are lowerCamelCase in the files. References between entries are checked in `checks.py`, references to the event
contract in `contract_checks.py`; a model here is only well formed, not yet right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from schemas.vocabulary import (
    AddressProtection,
    AgencyCategory,
    AgencyGrade,
    DpRegime,
    DutyBasis,
    FieldClass,
    IdentifierScheme,
    LegalGateway,
    Marking,
    MatchStatus,
    Purpose,
    Urgency,
)
from streams.policy.follow_up import FollowUpFile
from streams.policy.governance import ApprovalModel, ContactModel, GovernanceModel
from streams.policy.located import Marks, Path, Place, Problem, problem_at
from streams.policy.shapes import Day as Day
from streams.policy.shapes import Gss as Gss
from streams.policy.shapes import Model as Model
from streams.policy.shapes import Slug as Slug
from streams.policy.shapes import Term as Term
from streams.policy.shapes import Text as Text
from streams.policy.words import Channel, Clock, Effect, OutcomeExpected, Serves, Staffed

Party = Annotated[
    str, StringConstraints(pattern=r"^(category:[A-Z_]+(@[a-z0-9][a-z0-9-]{0,62})?|[a-z0-9][a-z0-9-]{0,62})$")
]

SELECTORS = (
    "child.school",
    "child.gp",
    "child.communityHealth",
    "child.homeAuthority",
    "child.placingAuthority",
    "child.hostAuthority",
    "child.allocatedTeam",
    "area",
    "explicit",
    "source",
)


class RoleModel(Model):
    title: Text
    plain: Text | None = None  # the same in words for a child of twelve, for the privacy notice
    serves: Serves = Serves.CHILD
    restricted: bool = False  # may receive restricted-lane events (P-08)
    staffed: Staffed = Staffed.OFFICE_HOURS
    classes: tuple[FieldClass, ...]  # ceiling of what this role may ever hold; ROUTING always


class AreaFile(Model):
    """area.yaml."""

    area: Slug
    name: Text
    authorities: tuple[Gss, ...] = Field(min_length=1)
    duty_commenced_on: Day
    legal_text: Text
    front_door: Slug
    responsible_officer_role: Slug | None = None
    review_by: Day
    neighbours: tuple[Slug, ...] = ()
    locating_roles: tuple[Slug, ...] = ()
    bank_holidays: Literal["england"] | tuple[Day, ...] = "england"
    school_terms: tuple[Term, ...] = ()
    roles: Mapping[Slug, RoleModel]
    governance: GovernanceModel | None = None


class DutyBasisModel(Model):
    basis: DutyBasis
    evidence: Text
    from_: Day = Field(alias="from")
    until: Day | None = None  # last day


class IdentifierModel(Model):
    scheme: IdentifierScheme
    id: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class ContactsModel(Model):
    office: ContactModel
    out_of_hours: ContactModel | None = None


class ScopeModel(Model):
    event_types: tuple[str, ...] = Field(min_length=1)


class ContractModel(Model):
    commissioner: Slug
    scope: ScopeModel
    until: Day  # last day


class AgencyModel(Model):
    id: Slug
    name: Text
    organisation: Slug | None = None  # legal person; default: the agency itself
    category: AgencyCategory
    duty_basis: DutyBasisModel
    identifiers: tuple[IdentifierModel, ...] = Field(min_length=1)
    channel: Channel
    connected_from: Day | None = None  # first day on which somebody reads what the channel brings; None: it is read
    roles: tuple[Slug, ...] = ()
    authorities: tuple[Gss, ...] | None = None  # LAs it serves; default: all of the area
    contacts: ContactsModel
    alternate: Slug | None = None
    contract: ContractModel | None = None


class AgreementModel(Model):
    id: Slug
    title: Text
    parties: tuple[Party, ...] = Field(min_length=1)  # agency ids, category:SCHOOL (this area), category:SCHOOL@other
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    gateways: tuple[LegalGateway, ...] = Field(min_length=1)
    lawful_basis: Text
    regimes: tuple[DpRegime, ...] = Field(min_length=1)
    signed_on: Day
    review_by: Day  # last day
    retention: Text | None = None  # what this agreement adds to the area's own retention
    approvals: tuple[ApprovalModel, ...] = ()


class ProjectionModel(Model):
    reason: Text
    common: tuple[str, ...] = ()
    events: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class Range(Model):
    at_least: int | None = Field(default=None, ge=0, le=30)
    at_most: int | None = Field(default=None, ge=0, le=30)


class When(Model):
    """Conditions that must all hold. `None` means not asked."""

    source_category: tuple[AgencyCategory, ...] | None = Field(default=None, min_length=1)
    source: tuple[Slug, ...] | None = Field(default=None, min_length=1)
    urgency: tuple[Urgency, ...] | None = Field(default=None, min_length=1)
    grade: tuple[AgencyGrade, ...] | None = Field(default=None, min_length=1)
    purpose: tuple[Purpose, ...] | None = Field(default=None, min_length=1)
    protection: tuple[AddressProtection, ...] | None = Field(default=None, min_length=1)
    match: tuple[MatchStatus, ...] | None = Field(default=None, min_length=1)
    marking: tuple[Marking, ...] | None = Field(default=None, min_length=1)
    area_gss: tuple[Gss, ...] | None = Field(default=None, min_length=1)
    concerns: tuple[str, ...] | None = Field(default=None, min_length=1)
    restricted: bool | None = None
    sensitive_service: bool | None = None
    do_not_disclose_to_subject: bool | None = None
    unborn: bool | None = None
    has_school: bool | None = None
    has_gp: bool | None = None
    has_community_health: bool | None = None
    age_years: Range | None = None


class To(Model):
    role: Slug
    of: Annotated[str, StringConstraints(max_length=60)]  # one of SELECTORS or category:<CATEGORY>


class RuleModel(Model):
    id: Slug
    effect: Effect
    events: tuple[str, ...] = Field(min_length=1)
    when: When = When()
    gateways: tuple[LegalGateway, ...] | None = Field(default=None, min_length=1)  # an allow rule must name them
    regimes: tuple[DpRegime, ...] | None = Field(default=None, min_length=1)  # allow: [UKGDPR]; deny: all
    to: To
    share: str | None = None
    under: str | None = None
    clock: Clock | None = None
    reason: Text
    valid_from: Day | None = None
    valid_until: Day | None = None  # last day


class CaseEvent(Model):
    type: str
    source: Slug | None = None  # publisher; default: the agency that the example's sourceOrg names
    set: Mapping[str, Any] = Field(default_factory=dict)


class CaseRegistered(Model):
    """What the relationship register knows of the child before the event: codes, and the agency with the case."""

    school: str | None = None  # URN
    gp: str | None = None  # ODS
    community_health: str | None = None  # ODS
    allocated_team: Slug | None = None  # agency that declared the child's social-care case


class Expectation(Model):
    agency: Annotated[str, StringConstraints(pattern=r"^(unresolved:[A-Za-z.]+|[a-z0-9][a-z0-9-]{0,62})$")]
    outcome: OutcomeExpected
    rule: Slug | None = None
    reason: str | None = None
    gets: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()


class CaseModel(Model):
    name: Text
    rule: Slug | None = None
    event: CaseEvent
    registered: CaseRegistered = CaseRegistered()
    at: AwareDatetime
    expect: tuple[Expectation, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One area folder, read. `places` knows where each entry stands; empty for an area built in code."""

    spec: AreaFile
    agencies: tuple[AgencyModel, ...]
    agreements: tuple[AgreementModel, ...]
    projections: Mapping[str, ProjectionModel]
    rules: tuple[RuleModel, ...]
    cases: tuple[CaseModel, ...] = ()
    follow_up: FollowUpFile | None = None
    bank_holidays: tuple[date, ...] = ()
    places: Mapping[tuple[str, str], Place] = field(default_factory=dict)
    marks: Mapping[str, Marks] = field(default_factory=dict)
    broken: frozenset[tuple[str, str]] = frozenset()  # (kind, identity) of entries in its files that are no models

    def names(self, kind: Literal["agencies", "agreements", "projections", "rules"]) -> frozenset[str]:
        """Names of that kind which the files define, well formed or not: what may be referred to."""
        by_kind = {"agencies": self.agencies, "agreements": self.agreements, "rules": self.rules}
        well_formed = self.projections if kind == "projections" else [each.id for each in by_kind[kind]]  # type: ignore[attr-defined]
        return frozenset(well_formed) | {identity for where, identity in self.broken if where == kind}


def at(area: Area, kind: str, identity: str, path: Path, message: str, hint: str | None = None) -> Problem:
    """A problem inside the entry `identity`; without a file when the area was built in code."""
    place = area.places.get((kind, identity))
    if place is None:
        return Problem(file=area.spec.area, line=0, column=0, key=f"{kind} {identity}", message=message,
                       suggestion=hint)  # fmt: skip
    return problem_at(place.file, area.marks[place.file], (*place.path, *path), message, hint)
