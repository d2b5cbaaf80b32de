"""Facts from a decoded event: the plain way, used wherever the quick cutter is not.

The cutter of the router gives the same facts for the events it vouches for; a property test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from schemas.dates import completed_years
from streams.policy.facts import AgencyId, AreaId, EpochMillis, Exclusion, Facts, Judgement, LocatorToken, SubjectKey

Datum = Mapping[str, Any]


class Named(Protocol):
    @property
    def name(self) -> str: ...


class PseudonymiserLike(Protocol):
    """`schemas.pseudonym.Pseudonymiser`, or a stand-in that cannot reveal anything either."""

    def locator(self, scheme: str, value: str, /) -> str: ...

    def subject(self, *, nhs_number: str | None, upn: str | None, source: str, local_ref: str | None) -> str | None: ...


def facts_from_datum(event_type: Named, datum: Datum, source: AgencyId, pseudonymiser: PseudonymiserLike) -> Facts:
    """The facts of a valid event that `source` published. `datum` is in wire form: times in milliseconds, days."""
    envelope = datum["envelope"]
    handling, settings = envelope["handling"], envelope["settings"]
    age, unborn = _age(envelope["child"], envelope["occurredAt"])
    tokens = _tokens(settings, pseudonymiser)
    return Facts(
        event_id=envelope["eventId"],
        event_type=event_type.name,
        source=source,
        source_category=envelope["sourceOrg"]["category"],
        masa_id=AreaId(envelope["masaId"]),
        area_gss=envelope["area"]["gss"],
        gateway=envelope["legalGateway"],
        regime=envelope["dpRegime"],
        purpose=envelope["purpose"],
        urgency=envelope["urgency"],
        grade=envelope["agencyGrade"],
        marking=handling["marking"],
        do_not_disclose_to_subject=handling["doNotDiscloseToSubject"],
        sensitive_service=handling["sensitiveService"],
        restricted=handling["restricted"],
        protection=envelope["addressProtection"],
        match=envelope["matchStatus"],
        age_years=age,
        unborn=unborn,
        concerns=tuple(envelope["concerns"] or ()),
        **tokens._asdict(),
        judgements=_judgements(envelope["proposedRecipients"]),
        exclusions=_exclusions(envelope["excludeRecipients"]),
        supersedes=envelope["supersedes"],
        subject=_subject(envelope["child"], source, pseudonymiser),
        occurred_at=EpochMillis(envelope["occurredAt"]),
        published_at=EpochMillis(envelope["publishedAt"]),
    )


class _Tokens(NamedTuple):
    school: LocatorToken | None
    gp: LocatorToken | None
    community_health: LocatorToken | None
    placing_la: LocatorToken | None
    host_la: LocatorToken | None
    accused_setting: LocatorToken | None


def _tokens(settings: Mapping[str, str | None], pseudonymiser: PseudonymiserLike) -> _Tokens:
    def token(scheme: str, key: str) -> LocatorToken | None:
        code = settings[key]
        return LocatorToken(pseudonymiser.locator(scheme, code)) if code else None

    return _Tokens(
        token("URN", "schoolUrn"),
        token("ODS", "gpOds"),
        token("ODS", "communityHealthOds"),
        token("GSS", "placingLaGss"),
        token("GSS", "hostLaGss"),
        token("URN", "accusedSettingUrn"),
    )


def _age(child: Mapping[str, Any], occurred_at: int) -> tuple[int | None, bool]:
    """(completed years when it occurred or None, whether the child is unborn). Before birth the age is not known."""
    born = child["dateOfBirth"]
    if born is None:
        return None, child["expectedDeliveryDate"] is not None
    years = completed_years(born, occurred_at)
    return (years if years >= 0 else None), False


def _subject(child: Mapping[str, Any], source: AgencyId, pseudonymiser: PseudonymiserLike) -> SubjectKey | None:
    key = pseudonymiser.subject(
        nhs_number=child["nhsNumber"], upn=child["upn"], source=source, local_ref=child["localRef"]
    )
    return None if key is None else SubjectKey(key)


def _judgements(proposed: list[Mapping[str, Any]] | None) -> tuple[Judgement, ...]:
    return tuple(Judgement(e["agency"], e["role"], e["judgement"], e["ground"]) for e in proposed or ())


def _exclusions(excluded: list[Mapping[str, Any]] | None) -> tuple[Exclusion, ...]:
    return tuple(Exclusion(e["agency"], e["role"], e["ground"]) for e in excluded or ())
