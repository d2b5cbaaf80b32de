"""The quick way to read an event: cut its bytes, and vouch for the common case only.

Whatever this is not sure of it leaves to the slow way (`streams.routing.intake`), which decides and explains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.cutter import Cuts, Cutter, Run, Unit, compile_cutter
from schemas.dates import MILLIS_PER_DAY, completed_years
from schemas.event_rules import ALLEGATION, CLOCK_SKEW_MS
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.identifiers import SCHEME_FORMATS, check_format
from schemas.projector import compile_projector
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType, EventTypes
from schemas.sure_checks import sure_checks
from schemas.vocabulary import AddressProtection, LegalGateway
from streams.policy.decision import FieldPlan
from streams.policy.facts import AgencyId, AreaId, EpochMillis, Exclusion, Facts, Judgement, LocatorToken, SubjectKey
from streams.routing.event import Claim, Event

_FRAME_BYTES = 10
SURELY_YOUNG_DAYS = 25 * 365
# What has conditions of its own (L-05) or is not stated is left to validation.
_UNSURE_GATEWAYS = frozenset({LegalGateway.UNKNOWN, LegalGateway.S213B_HOUSING})
_PLAIN_PROTECTION = frozenset({AddressProtection.NONE, AddressProtection.PROTECTED, AddressProtection.PLACEMENT})
_TOKEN_MEMORY = 65_536  # organisation codes, not people

WANTED = (
    "envelope.eventId",
    "envelope.eventType",
    "envelope.schemaVersion",
    "envelope.masaId",
    "envelope.sourceOrg.category",
    "envelope.sourceOrg.scheme",
    "envelope.sourceOrg.id",
    "envelope.legalGateway",
    "envelope.dpRegime",
    "envelope.purpose",
    "envelope.urgency",
    "envelope.occurredAt",
    "envelope.recordedAt",
    "envelope.publishedAt",
    "envelope.handling.marking",
    "envelope.handling.doNotDiscloseToSubject",
    "envelope.handling.sensitiveService",
    "envelope.handling.restricted",
    "envelope.addressProtection",
    "envelope.matchStatus",
    "envelope.area.gss",
    "envelope.agencyGrade",
    "envelope.supersedes",
    "envelope.concerns",
    "envelope.proposedRecipients",
    "envelope.excludeRecipients",
    "envelope.settings.schoolUrn",
    "envelope.settings.gpOds",
    "envelope.settings.communityHealthOds",
    "envelope.settings.placingLaGss",
    "envelope.settings.hostLaGss",
    "envelope.settings.accusedSettingUrn",
    "envelope.child.localRef",
    "envelope.child.nhsNumber",
    "envelope.child.upn",
    "envelope.child.dateOfBirth",
    "envelope.child.expectedDeliveryDate",
)


# What an agency says much the same in all its events of a type: its name, legal basis, handling, contact. Settings are
# left out on purpose: an area has as many combinations of them as it has families.
RUNS = (
    Run("envelope.eventType", "envelope.urgency"),
    Run("envelope.handling.marking", "envelope.familyInformed"),
    Run("envelope.contact.role", "envelope.contact.phone"),
)


class _Compiled(NamedTuple):
    event_type: EventType
    cutter: Cutter
    gateways: frozenset[tuple[str, str, str, str]]  # surely permitted (category, gateway, regime, purpose)
    required: tuple[int, ...]  # units that must not be null
    occurred: int  # units
    published: int


class QuickReader:
    """Reads events whose bytes it can vouch for. Compiles one cutter an event type."""

    def __init__(self, event_types: EventTypes, pseudonymiser: Pseudonymiser, *, allow_synthetic: bool) -> None:
        self._pseudonymiser = pseudonymiser
        self.token: Callable[[str, str], str] = lru_cache(_TOKEN_MEMORY)(pseudonymiser.locator)
        checks = sure_checks(synthetic_ok=allow_synthetic)
        self._compiled = {
            SINGLE_OBJECT_MARK + each.fingerprint: _compile(each, checks) for each in event_types.values()
        }
        self._projectors: dict[tuple[str, frozenset[str]], Callable[[bytes, Cuts], bytes]] = {}

    def read(self, value: bytes, source: AgencyId, received_at: EpochMillis) -> Event | None:
        """The event in `value`, or None when not sure of everything about it."""
        compiled = self._compiled.get(value[:_FRAME_BYTES])
        if compiled is None:
            return None
        try:
            values, cuts = compiled.cutter.cut(value, _FRAME_BYTES)
            return self._vouched(compiled, value, values, cuts, source, received_at)
        except (ValueError, LookupError, ArithmeticError):
            return None  # CutError is a ValueError: not sure, so the slow way decides

    def _vouched(
        self,
        compiled: _Compiled,
        data: bytes,
        values: tuple[Any, ...],
        cuts: Cuts,
        source: AgencyId,
        received_at: EpochMillis,
    ) -> Event | None:
        """The event if everything about it is surely in order."""
        (
            event_id, event_type, version, masa_id, category, scheme, identifier, gateway, regime, purpose, urgency,
            occurred, recorded, published, marking, do_not_disclose, sensitive, restricted, protection, match,
            area_gss, grade, supersedes, concerns, proposed, excluded, school, gp, community_health, placing_la,
            host_la, accused, local_ref, nhs_number, upn, born, expected,
        ) = values  # fmt: skip
        contract = compiled.event_type
        if (
            event_type != contract.name
            or version != contract.version
            or (category, gateway, regime, purpose) not in compiled.gateways
            or (gateway == "S49A_DAA" and school is None)
            or (accused is None and event_type == ALLEGATION)  # its payload says whether there must be one
            or urgency == "UNKNOWN"
            or protection not in _PLAIN_PROTECTION
            or not _sure_codes(masa_id, scheme, identifier)
            or not 0 < occurred <= recorded <= published <= received_at + CLOCK_SKEW_MS
            or expected is not None
        ):
            return None
        for unit in compiled.required:
            start = cuts[unit]
            if start == cuts[unit + 1] or data[start] == 0 or data[start + 1] == 0:
                return None  # absent, or perhaps empty
        age = None
        if born is not None:
            age = completed_years(born, occurred)
            if age < 0 or received_at // MILLIS_PER_DAY - born > SURELY_YOUNG_DAYS:
                return None
        if proposed and not all(map(_whole, proposed)):
            return None
        token = self.token
        subject = self._pseudonymiser.subject(nhs_number=nhs_number, upn=upn, source=source, local_ref=local_ref)
        facts = Facts._make((
            event_id, event_type, source, category, AreaId(masa_id), area_gss, gateway, regime, purpose, urgency,
            grade, marking, do_not_disclose, sensitive, restricted, protection, match, age, False,
            tuple(concerns) if concerns else (),
            LocatorToken(token("URN", school)) if school else None,
            LocatorToken(token("ODS", gp)) if gp else None,
            LocatorToken(token("ODS", community_health)) if community_health else None,
            LocatorToken(token("GSS", placing_la)) if placing_la else None,
            LocatorToken(token("GSS", host_la)) if host_la else None,
            LocatorToken(token("URN", accused)) if accused else None,
            _judgements(proposed) if proposed else (),
            _exclusions(excluded) if excluded else (),
            supersedes,
            None if subject is None else SubjectKey(subject),
            occurred, published, None, (), (), (), (), None, None,
        ))  # fmt: skip
        first, last = compiled.occurred, compiled.published
        times = data[cuts[first] : cuts[first + 1]] + data[cuts[last] : cuts[last + 1]]
        return Event(contract, Claim(category, scheme, identifier, masa_id), facts, data, cuts, None, times)

    def units(self, event_type: EventType) -> tuple[Unit, ...]:
        """What an event of that type is cut into."""
        return self._compiled[SINGLE_OBJECT_MARK + event_type.fingerprint].cutter.units

    def projector(self, event_type: EventType, plan: FieldPlan) -> Callable[[bytes, Cuts], bytes]:
        """The compiled projection of cut events; one for each distinct set of fields."""
        key = (event_type.name, plan.kept)
        projector = self._projectors.get(key)
        if projector is None:
            frame = SINGLE_OBJECT_MARK + event_type.fingerprint
            units = self.units(event_type)
            projector = self._projectors[key] = compile_projector(units, plan.kept, frame)
        return projector


def _compile(contract: EventType, checks: Mapping[str, Callable[[str], bool]]) -> _Compiled:
    cutter = compile_cutter(contract.schema, WANTED, checks, RUNS)
    gateways = frozenset(
        (category, gateway, regime, purpose)
        for category in contract.publishers
        for gateway in contract.gateways
        for regime in contract.regimes
        for purpose in contract.purposes
        if gateway not in _UNSURE_GATEWAYS
    )
    place = {unit.path: index for index, unit in enumerate(cutter.units)}
    required = [path for path in contract.requires if contract.leaf_by_path[path].nullable]
    return _Compiled(
        contract,
        cutter,
        gateways,
        tuple(place[path] for path in required),
        place["envelope.occurredAt"],
        place["envelope.publishedAt"],
    )


def _whole(proposed: Mapping[str, Any]) -> bool:
    """A judgement that surely says about whom, which, and why."""
    named = proposed["agency"] is not None or proposed["role"] is not None
    grounded = proposed["judgement"] == "CONFIRMED" or proposed["ground"] not in (None, "UNKNOWN")
    return named and grounded and proposed["judgement"] != "UNKNOWN"


@lru_cache(_TOKEN_MEMORY)
def _sure_codes(masa_id: str, scheme: str | None, identifier: str | None) -> bool:
    """Whether the publisher's codes surely have their right form; remembered, since publishers are few."""
    fmt = SCHEME_FORMATS.get(scheme or "")
    sound = fmt is None or identifier is None or check_format(fmt, identifier) is None
    return sound and check_format("agency-id", masa_id) is None


def _judgements(proposed: list[Mapping[str, Any]]) -> tuple[Judgement, ...]:
    return tuple(Judgement(each["agency"], each["role"], each["judgement"], each["ground"]) for each in proposed)


def _exclusions(excluded: list[Mapping[str, Any]]) -> tuple[Exclusion, ...]:
    return tuple(Exclusion(each["agency"], each["role"], each["ground"]) for each in excluded)
