"""Dates that somebody should look at: not yet, not any more, or not for much longer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from streams.policy.findings import Findings
from streams.policy.located import Problem
from streams.policy.model import AgencyModel, AgreementModel, Area, at
from streams.policy.words import Clock

SOON = timedelta(days=60)  # a partnership needs about two months to review and sign
_SCHOOL_DAYS = (Clock.SD5, Clock.SD10, Clock.NEXT_SCHOOL_DAY)


def dates_advice(findings: Findings) -> Iterator[Problem]:
    """Reviews that are due, agreements that are not signed, duties, contracts and terms that have ended."""
    day = findings.day
    for area in findings.areas:
        if area.spec.review_by - day <= SOON:
            yield at(area, "area", "", ("reviewBy",), f"the area is due for review {_within(area.spec.review_by, day)}",
                     "after that day every event waits for a person: review the rules now")  # fmt: skip
        for agreement in area.agreements:
            yield from _agreement(area, agreement, day)
        for agency in area.agencies:
            yield from _agency(area, agency, day)
        yield from _terms(findings, area)


def _agreement(area: Area, agreement: AgreementModel, day: date) -> Iterator[Problem]:
    if agreement.signed_on > day:
        yield at(area, "agreements", agreement.id, ("signedOn",),
                 f"`{agreement.id}` is not signed before {agreement.signed_on}: until then nothing is shared under it",
                 "let its rules begin then (`validFrom`), or correct the date")  # fmt: skip
    late = [(i, each) for i, each in enumerate(agreement.approvals) if each.signed_on > agreement.signed_on]
    for i, each in late:
        yield at(area, "agreements", agreement.id, ("approvals", i, "signedOn"),
                 f"`{each.organisation}` signs on {each.signed_on}, after the agreement counts as signed",
                 f"an agreement is signed when the last party has: `signedOn` {each.signed_on}")  # fmt: skip
    if area.spec.governance is not None and not agreement.approvals:
        yield at(area, "agreements", agreement.id, (), f"nobody has approved `{agreement.id}`",
                 "say under `approvals:` which organisation signed, in which capacity and when")  # fmt: skip
    if agreement.review_by - day <= SOON:
        yield at(area, "agreements", agreement.id, ("reviewBy",),
                 f"`{agreement.id}` is due for review {_within(agreement.review_by, day)}",
                 "after that day nothing is shared under it: renew it now")  # fmt: skip


def _agency(area: Area, agency: AgencyModel, day: date) -> Iterator[Problem]:
    basis, contract = agency.duty_basis, agency.contract
    if basis.until is not None and basis.until < day:
        yield at(area, "agencies", agency.id, ("dutyBasis", "until"),
                 f"`{agency.id}` has not been under the duty since {basis.until}",
                 "remove the agency, or say which basis it has now (L-07)")  # fmt: skip
    if contract is not None and contract.until < day:
        yield at(area, "agencies", agency.id, ("contract", "until"),
                 f"the contract of `{agency.id}` ended on {contract.until}: it receives nothing",
                 "renew the contract, or remove the agency (L-08)")  # fmt: skip


def _terms(findings: Findings, area: Area) -> Iterator[Problem]:
    """Clocks counted in school days need terms that have not ended."""
    last = max((term.to for term in area.spec.school_terms), default=None)
    counted = next(
        (
            rule
            for owner, rule in findings.allows()
            if owner is area and any(_clock(findings, rule.clock, name) in _SCHOOL_DAYS for name in rule.events)
        ),
        None,
    )
    if counted is not None and (last is None or last - findings.day <= SOON):
        known = "no school terms are given" if last is None else f"the last school term known ends on {last}"
        yield at(area, "area", "", ("schoolTerms",),
                 f"{known}: clocks in school days, as that of `{counted.id}`, would have no end",
                 "add the terms of the next years")  # fmt: skip


def _clock(findings: Findings, clock: Clock | None, name: str) -> str:
    return clock.value if clock is not None else str(findings.types[name].clock)


def _within(due: date, day: date) -> str:
    days = (due - day).days
    return "today" if days == 0 else f"in {days} day{'s' if days > 1 else ''}"
