"""What must hold between areas that are compiled together: one name means one thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from schemas.vocabulary import IdentifierScheme
from streams.policy.located import Path, Problem, nearest
from streams.policy.model import Area, at


def check_together(areas: Sequence[Area]) -> list[Problem]:
    """Problems between areas: names used twice, codes claimed twice, parties that nobody is."""
    return [
        *_once(areas, "agencies", ((a, x.id, ("id",)) for a in areas for x in a.agencies)),
        *_once(areas, "rules", ((a, x.id, ("id",)) for a in areas for x in a.rules)),
        *_authorities(areas),
        *_identifiers(areas),
        *_parties(areas),
        *_conditions(areas),
        *_cases(areas),
    ]


def _once(areas: Sequence[Area], kind: str, entries: Iterable[tuple[Area, str, Path]]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for area, identity, path in entries:
        if identity in owners:
            yield at(area, kind, identity, path, f"`{identity}` is already used in area `{owners[identity]}`",
                     f"choose another, for example `{area.spec.area}-{identity}`")  # fmt: skip
        owners.setdefault(identity, area.spec.area)


def _authorities(areas: Sequence[Area]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for area in areas:
        for i, gss in enumerate(area.spec.authorities):
            if gss in owners and owners[gss] != area.spec.area:
                yield at(area, "area", "", ("authorities", i), f"`{gss}` already belongs to `{owners[gss]}`",
                         "an authority is in one area only")  # fmt: skip
            owners.setdefault(gss, area.spec.area)


def _identifiers(areas: Sequence[Area]) -> Iterator[Problem]:
    owners: dict[tuple[IdentifierScheme, str], str] = {}
    for area in areas:
        for agency in area.agencies:
            for i, identifier in enumerate(agency.identifiers):
                code = (identifier.scheme, identifier.id)
                if code in owners:
                    yield at(area, "agencies", agency.id, ("identifiers", i, "id"),
                             f"{identifier.scheme} `{identifier.id}` already identifies `{owners[code]}`",
                             "give this agency its own code, or a LOCAL one")  # fmt: skip
                owners.setdefault(code, agency.id)


def _parties(areas: Sequence[Area]) -> Iterator[Problem]:
    agencies = {name for area in areas for name in area.names("agencies")}
    names = {area.spec.area for area in areas}
    for area in areas:
        for agreement in area.agreements:
            for i, party in enumerate(agreement.parties):
                elsewhere = party.partition("@")[2]
                if party.startswith("category:"):
                    if elsewhere and elsewhere not in names:
                        yield at(area, "agreements", agreement.id, ("parties", i),
                                 f"there is no area `{elsewhere}`", nearest(elsewhere, names))  # fmt: skip
                elif party not in agencies:
                    yield at(area, "agreements", agreement.id, ("parties", i),
                             f"there is no agency `{party}`", nearest(party, agencies))  # fmt: skip


def _conditions(areas: Sequence[Area]) -> Iterator[Problem]:
    """A condition on an agency or authority that does not exist would never hold, silently."""
    agencies = {name for area in areas for name in area.names("agencies")}
    authorities = {gss for area in areas for gss in area.spec.authorities}
    for area in areas:
        for rule in area.rules:
            for key, values, known in (
                ("source", rule.when.source, agencies),
                ("areaGss", rule.when.area_gss, authorities),
            ):
                for i, value in enumerate(values or ()):
                    if value not in known:
                        what = "agency" if key == "source" else "authority"
                        yield at(area, "rules", rule.id, ("when", key, i), f"there is no {what} `{value}`",
                                 nearest(value, known))  # fmt: skip


def _cases(areas: Sequence[Area]) -> Iterator[Problem]:
    """A case that expects a misspelt agency to be absent would always pass."""
    agencies = {name for area in areas for name in area.names("agencies")}
    for area in areas:
        for case in area.cases:
            named: list[tuple[Path, str]] = [
                (("expect", i, "agency"), expected.agency) for i, expected in enumerate(case.expect)
            ]
            if case.event.source is not None:
                named.append((("event", "source"), case.event.source))
            for path, agency in named:
                if agency not in agencies and not agency.startswith("unresolved:"):
                    yield at(area, "cases", case.name, path, f"there is no agency `{agency}`",
                             nearest(agency, agencies))  # fmt: skip
