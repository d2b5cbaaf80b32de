"""The compiled rule set: one canonical JSON document and its SHA-256.

The content depends on the areas and the contract only, never on the order of files, the day or the machine, so two
people who compile the same folder hold the same hash. Everything a decision needs is in it: shares are expanded to
single fields at compile time, so that a field added to a schema later is shared by nobody until a rule names it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.vocabulary import DpRegime
from streams.policy.checks import check_area
from streams.policy.contract import EventTypesLike
from streams.policy.contract_checks import check_contract, expand
from streams.policy.cross_checks import check_together
from streams.policy.facts import RuleSetHash
from streams.policy.governance import GovernanceModel
from streams.policy.located import AreaInvalid
from streams.policy.model import AgencyModel, AgreementModel, Area, RuleModel, When
from streams.policy.words import Effect

ARTEFACT_VERSION = 1  # of the document's shape; a reader refuses any other

Document = dict[str, Any]


class ArtefactBroken(ValueError):  # noqa: N818 (a state, not an error of ours)
    """The bytes are not an artefact this reader can use. Keep the last good one and raise an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    content: bytes  # canonical JSON, UTF-8
    hash: RuleSetHash
    version: int

    @classmethod
    def from_bytes(cls, content: bytes, expected: RuleSetHash | None = None) -> Artefact:
        """Read what was published. Raises ArtefactBroken if it is damaged, of another shape, or not `expected`."""
        digest = RuleSetHash(hashlib.sha256(content).hexdigest())
        if expected is not None and digest != expected:
            raise ArtefactBroken(f"rule set hash is `{digest}`, expected `{expected}`")
        try:
            document = json.loads(content)
        except ValueError as error:
            raise ArtefactBroken("rule set is not readable as JSON") from error
        if not isinstance(document, dict) or document.get("version") != ARTEFACT_VERSION:
            raise ArtefactBroken(f"rule set is not of version {ARTEFACT_VERSION}")
        if canonical(document) != content:
            raise ArtefactBroken("rule set is not in canonical form")
        return cls(content=content, hash=digest, version=ARTEFACT_VERSION)

    def document(self) -> Document:
        parsed: Document = json.loads(self.content)
        return parsed


def compile_areas(areas: Sequence[Area], event_types: EventTypesLike, today: date) -> Artefact:
    """Compile areas that belong together. Raises AreaInvalid with every located problem.

    `today` decides only whether review dates are past; it is not part of the content.
    """
    problems = [problem for area in areas for problem in check_area(area, today)]
    problems += check_together(areas)
    if not problems:
        problems += [problem for area in areas for problem in check_contract(area, event_types)]
    if problems:
        raise AreaInvalid(problems)
    content = canonical(_document(areas, event_types))
    return Artefact(content=content, hash=RuleSetHash(hashlib.sha256(content).hexdigest()), version=ARTEFACT_VERSION)


def canonical(document: Document) -> bytes:
    """JSON with sorted keys and no spaces: equal documents give equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _document(areas: Sequence[Area], event_types: EventTypesLike) -> Document:
    rules = sorted(((rule, area.spec.area) for area in areas for rule in area.rules), key=lambda pair: pair[0].id)
    types = sorted({name for rule, _ in rules for name in rule.events})
    found = {name: event_types.get(name) for name in types}
    return {
        "version": ARTEFACT_VERSION,
        "areas": {area.spec.area: _area(area, event_types) for area in areas},
        "agencies": sorted(
            (_agency(agency, area.spec.area) for area in areas for agency in area.agencies),
            key=lambda entry: str(entry["id"]),
        ),
        "clocks": {name: str(kind.clock) for name, kind in found.items() if kind is not None},
        "rules": [_rule(rule, area) for rule, area in rules],
    }


def _area(area: Area, event_types: EventTypesLike) -> Document:
    spec = area.spec
    return {
        "name": spec.name,
        "authorities": sorted(spec.authorities),
        "dutyCommencedOn": spec.duty_commenced_on.isoformat(),
        "legalText": spec.legal_text,
        "frontDoor": spec.front_door,
        "responsibleOfficerRole": spec.responsible_officer_role,
        "reviewBy": spec.review_by.isoformat(),
        "locatingRoles": sorted(spec.locating_roles),
        "bankHolidays": sorted(day.isoformat() for day in area.bank_holidays),
        "schoolTerms": sorted([t.from_.isoformat(), t.to.isoformat()] for t in spec.school_terms),
        "roles": {
            name: {
                "title": role.title,
                "plain": role.plain,
                "serves": role.serves.value,
                "restricted": role.restricted,
                "staffed": role.staffed.value,
                "classes": sorted(c.value for c in role.classes),
            }
            for name, role in spec.roles.items()
        },
        "agreements": {a.id: _agreement(a) for a in area.agreements},
        "projections": _shares(area, event_types),
        "governance": None if spec.governance is None else _governance(spec.governance),
        "followUp": None if area.follow_up is None else area.follow_up.model_dump(mode="json", by_alias=True),
    }


def _governance(governance: GovernanceModel) -> Document:
    """Decides nothing; it is here so that paper and code have one version (A-10)."""
    return governance.model_dump(mode="json", by_alias=True)


def _agreement(agreement: AgreementModel) -> Document:
    return {
        "title": agreement.title,
        "parties": sorted(set(agreement.parties)),
        "purposes": _sorted(agreement.purposes),
        "gateways": _sorted(agreement.gateways),
        "lawfulBasis": agreement.lawful_basis,
        "regimes": _sorted(agreement.regimes),
        "signedOn": agreement.signed_on.isoformat(),
        "reviewBy": agreement.review_by.isoformat(),
        "retention": agreement.retention,
        "approvals": [a.model_dump(mode="json", by_alias=True) for a in agreement.approvals],
    }


def _shares(area: Area, event_types: EventTypesLike) -> Document:
    """Projection name -> event type -> single fields, for the combinations that rules use."""
    used: dict[str, set[str]] = {}
    for rule in area.rules:
        if rule.share is not None:
            used.setdefault(rule.share, set()).update(rule.events)
    out: Document = {}
    for name, types in used.items():
        projection = area.projections[name]
        out[name] = {"reason": projection.reason, "events": {}}
        for type_name in types:
            kind = event_types.get(type_name)
            if kind is not None:
                paths = (*projection.common, *projection.events.get(type_name, ()))
                out[name]["events"][type_name] = sorted({leaf.path for path in paths for leaf in expand(path, kind)})
    return out


def _agency(agency: AgencyModel, area: str) -> Document:
    basis = agency.duty_basis
    entry: Document = {
        "id": agency.id,
        "area": area,
        "name": agency.name,
        "organisation": agency.organisation or agency.id,
        "category": agency.category.value,
        "dutyBasis": {
            "basis": basis.basis.value,
            "evidence": basis.evidence,
            "from": basis.from_.isoformat(),
            "until": _day(basis.until),
        },
        "identifiers": sorted([i.scheme.value, i.id] for i in agency.identifiers),
        "channel": agency.channel.value,
        "roles": list(agency.roles),  # in the order given: the first stands in for roles it does not have
        "authorities": None if agency.authorities is None else sorted(agency.authorities),
        "contacts": agency.contacts.model_dump(mode="json", by_alias=True, exclude_none=True),
        "alternate": agency.alternate,
    }
    if agency.contract is not None:
        entry["contract"] = {
            "commissioner": agency.contract.commissioner,
            "eventTypes": sorted(set(agency.contract.scope.event_types)),
            "until": agency.contract.until.isoformat(),
        }
    return entry


def _rule(rule: RuleModel, area: str) -> Document:
    regimes = rule.regimes or ((DpRegime.UKGDPR,) if rule.effect is Effect.ALLOW else None)
    entry: Document = {
        "id": rule.id,
        "area": area,
        "effect": rule.effect.value,
        "events": sorted(set(rule.events)),
        "when": _when(rule.when),
        "gateways": None if rule.gateways is None else _sorted(rule.gateways),
        "regimes": None if regimes is None else _sorted(regimes),
        "to": {"role": rule.to.role, "of": rule.to.of},
        "reason": rule.reason,
        "validFrom": _day(rule.valid_from),
        "validUntil": _day(rule.valid_until),
    }
    if rule.effect is Effect.ALLOW:
        entry |= {"share": rule.share, "under": rule.under, "clock": rule.clock and rule.clock.value}
    return entry


def _when(when: When) -> Document:
    """Only the conditions asked, by their name in the file."""
    out: Document = {}
    for name, info in type(when).model_fields.items():
        value = getattr(when, name)
        if value is None:
            continue
        key = str(info.alias)
        if isinstance(value, tuple):
            out[key] = _sorted(value)
        elif isinstance(value, bool):
            out[key] = value
        else:
            out[key] = [value.at_least, value.at_most]
    return out


def _sorted(values: Sequence[Any]) -> list[str]:
    return sorted({str(value) for value in values})


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
