"""What a decision is made from: the routing fields of one event, pseudonymised.

`Facts` is exactly what the audit record keeps of an event's content, so any decision can be replayed and any proposed
rule set tried on past traffic. It holds no narrative, no identifier of a child and no locating value: settings (the
child's school, GP …) appear as `LocatorToken`s, keyed pseudonyms that the compiled rule set can resolve to agencies
and nobody else can reverse. Settings that the relationship register filled in are named in `registered`.
"""

from __future__ import annotations

from typing import NamedTuple, NewType

AgencyId = NewType("AgencyId", str)
AreaId = NewType("AreaId", str)  # the MASA's id, e.g. "northshire"
RoleId = NewType("RoleId", str)
RuleId = NewType("RuleId", str)
RuleSetHash = NewType("RuleSetHash", str)  # sha-256 of the compiled artefact, 64 hex digits
LocatorToken = NewType("LocatorToken", str)  # HMAC-SHA-256 of "SCHEME:value", 32 hex digits
SubjectKey = NewType("SubjectKey", str)  # HMAC-SHA-256 of the child's best identifier, 32 hex digits
EpochMillis = NewType("EpochMillis", int)  # UTC


class Judgement(NamedTuple):
    """The publisher's judgement about one recipient, named by agency, by role, or by both (L-02, L-03)."""

    agency: AgencyId | None
    role: RoleId | None
    judgement: str  # RecipientJudgement
    ground: str | None  # WithholdGround, when withheld


class Exclusion(NamedTuple):
    """A conflict of interest: an agency, or one role in it, that must not receive this event (P-05)."""

    agency: AgencyId
    role: RoleId | None
    ground: str  # ExclusionGround


class Facts(NamedTuple):
    """The typed inputs of one decision. Enum-valued fields hold the symbol of the schema's enum."""

    event_id: str
    event_type: str
    source: AgencyId  # authenticated by the topic the event arrived on
    source_category: str
    masa_id: AreaId  # the publisher's area
    area_gss: str | None  # local authority where the child lives; never narrower than a local authority
    gateway: str
    regime: str
    purpose: str
    urgency: str
    grade: str
    marking: str
    do_not_disclose_to_subject: bool
    sensitive_service: bool
    restricted: bool
    protection: str
    match: str
    age_years: int | None  # completed years when it occurred; None if unknown
    unborn: bool
    concerns: tuple[str, ...]
    school: LocatorToken | None
    gp: LocatorToken | None
    community_health: LocatorToken | None  # the 0-19 provider
    placing_la: LocatorToken | None
    host_la: LocatorToken | None
    accused_setting: LocatorToken | None
    judgements: tuple[Judgement, ...]
    exclusions: tuple[Exclusion, ...]
    supersedes: str | None  # event id that this one corrects, retracts, answers or withholds
    subject: SubjectKey | None
    occurred_at: EpochMillis
    published_at: EpochMillis
    # What the relationship register added before the decision; an event never says either.
    allocated_team: LocatorToken | None = None  # the team that has the child's social-care case, an agency
    registered: tuple[str, ...] = ()  # settings that it filled in, as selectors call them: `school` of `child.school`
    # A release of those who waited: only they are decided on, the others have had their answer. Empty: everybody.
    released: tuple[AgencyId, ...] = ()
    waived: tuple[str, ...] = ()  # reasons to wait that the person who released them has set aside
    resolved: tuple[str, ...] = ()  # who a recipient that was not found is: `child.school=oakfield-primary`
    operation: str | None = None  # under which operation id it was released; decides nothing
    release_of: str | None = None  # where it was held, `topic:partition:offset`; decides nothing
