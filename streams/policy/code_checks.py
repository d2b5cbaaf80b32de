"""Codes in area files have the form their scheme wants: GSS, ODS, URN, LAESTAB, telephone numbers.

That a code is well formed does not say that it is issued; nothing here asks a register.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.identifiers import SCHEME_FORMATS, check_format
from schemas.vocabulary import IdentifierScheme
from streams.policy.located import Path, Problem
from streams.policy.model import AgencyModel, Area, at


def check_codes(area: Area) -> Iterator[Problem]:
    """A problem for each code that cannot be one."""
    for i, gss in enumerate(area.spec.authorities):
        yield from _code(area, "area", "", ("authorities", i), "gss", gss)
    for agency in area.agencies:
        yield from _agency(area, agency)


def _agency(area: Area, agency: AgencyModel) -> Iterator[Problem]:
    for i, identifier in enumerate(agency.identifiers):
        path: Path = ("identifiers", i, "id")
        if identifier.scheme is IdentifierScheme.UNKNOWN:
            schemes = ", ".join(s for s in IdentifierScheme if s is not IdentifierScheme.UNKNOWN)
            yield at(area, "agencies", agency.id, ("identifiers", i, "scheme"), "`UNKNOWN` is no scheme",
                     f"one of {schemes}")  # fmt: skip
        elif identifier.scheme in SCHEME_FORMATS:
            yield from _code(area, "agencies", agency.id, path, SCHEME_FORMATS[identifier.scheme], identifier.id)
    for when, contact in (("office", agency.contacts.office), ("outOfHours", agency.contacts.out_of_hours)):
        if contact is not None:
            yield from _code(area, "agencies", agency.id, ("contacts", when, "phone"), "phone", contact.phone)


def _code(area: Area, kind: str, identity: str, path: Path, form: str, value: str) -> Iterator[Problem]:
    right = check_format(form, value)
    if right is not None:
        yield at(area, kind, identity, path, f"`{value}` is no {form} code", f"should be {right}")
