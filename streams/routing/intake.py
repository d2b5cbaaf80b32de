"""From a record's bytes to an event that can be decided on, or a named reason why not.

The quick way cuts the bytes (`schemas.cutter`) and vouches for the common case only. Whatever it is not sure of goes
the slow way: decode, validate, explain. Both give the same facts (a property test holds them to it); only the slow way
ever rejects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.codec import decode_event, encode_event
from schemas.cutter import Cuts, Cutter, compile_cutter, compile_projector
from schemas.dates import MILLIS_PER_DAY, completed_years
from schemas.errors import EventInvalid, FrameError
from schemas.event_rules import CLOCK_SKEW_MS
from schemas.framing import SINGLE_OBJECT_MARK
from schemas.identifiers import SCHEME_FORMATS, check_format
from schemas.projection import project_datum
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType, EventTypes
from schemas.sure_checks import sure_checks
from schemas.validation import validate
from schemas.vocabulary import AddressProtection, LegalGateway, RejectReason
from streams.policy.decision import FieldPlan
from streams.policy.facts import AgencyId, AreaId, EpochMillis, Exclusion, Facts, Judgement, LocatorToken, SubjectKey
from streams.policy.facts_from import facts_from_datum

MAX_EVENT_BYTES = 256 * 1024
_FRAME_BYTES = 10
_SURELY_YOUNG_DAYS = 25 * 365
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


class Rejection(NamedTuple):
    """Why a record is not routed. Holds no value of the event."""

    reason: RejectReason
    path: str | None
    explanation: str


class Claim(NamedTuple):
    """Who the envelope says published it; compared with whose topic it came on."""

    category: str
    scheme: str | None
    identifier: str | None
    masa_id: str


class Event(NamedTuple):
    """A readable, valid event. `cuts` is None when it came the slow way; then `datum` is there.

    `times` is occurred and published time as encoded in `data`, when cut.
    """

    event_type: EventType
    claim: Claim
    facts: Facts
    data: bytes
    cuts: Cuts | None
    datum: dict[str, Any] | None
    times: bytes | None = None


class _Compiled(NamedTuple):
    event_type: EventType
    cutter: Cutter
    gateways: frozenset[tuple[str, str, str, str]]  # surely permitted (category, gateway, regime, purpose)
    required: tuple[int, ...]  # units that must not be null
    occurred: int  # units
    published: int


class Intake:
    """Reads events under one set of event types and one pseudonym key."""

    def __init__(
        self,
        event_types: EventTypes,
        pseudonymiser: Pseudonymiser,
        *,
        schema_ids: Mapping[int, bytes] | None = None,
        allow_synthetic: bool = True,
    ) -> None:
        """`schema_ids` maps a registry's schema ids to fingerprints, for the Confluent frame. `allow_synthetic=False`
        (production) rejects NHS numbers of the test range."""
        self._event_types = event_types
        self._pseudonymiser = pseudonymiser
        self._schema_ids = schema_ids
        self._allow_synthetic = allow_synthetic
        self._token: Callable[[str, str], str] = lru_cache(_TOKEN_MEMORY)(pseudonymiser.locator)
        checks = sure_checks(synthetic_ok=allow_synthetic)
        self._compiled = {
            SINGLE_OBJECT_MARK + each.fingerprint: _compile(each, checks) for each in event_types.values()
        }
        self._projectors: dict[tuple[str, frozenset[str]], Callable[[bytes, Cuts], bytes]] = {}

    def read(self, value: bytes | None, source: AgencyId, received_at: EpochMillis) -> Event | Rejection:
        """The event in `value`, whose facts name `source` as publisher. Times are epoch milliseconds."""
        if not value:
            return Rejection(RejectReason.EMPTY, None, "the record has no value: an event is needed")
        if len(value) > MAX_EVENT_BYTES:
            return Rejection(RejectReason.OVERSIZE, None, f"{len(value)} bytes: an event has at most {MAX_EVENT_BYTES}")
        return self._quick(value, source, received_at) or self._slow(value, source, received_at)

    def project(self, event: Event, plan: FieldPlan) -> bytes:
        """The event with only the plan's fields, framed with its schema's fingerprint."""
        if event.cuts is None:
            assert event.datum is not None  # noqa: S101 - Event's own promise
            return encode_event(event.event_type, project_datum(event.event_type.schema, event.datum, plan.kept))
        return self.projector(event.event_type, plan)(event.data, event.cuts)

    def projector(self, event_type: EventType, plan: FieldPlan) -> Callable[[bytes, Cuts], bytes]:
        """The compiled projection of cut events; one for each distinct set of fields."""
        key = (event_type.name, plan.kept)
        projector = self._projectors.get(key)
        if projector is None:
            frame = SINGLE_OBJECT_MARK + event_type.fingerprint
            units = self._compiled[frame].cutter.units
            projector = self._projectors[key] = compile_projector(units, plan.kept, frame)
        return projector

    def _quick(self, value: bytes, source: AgencyId, received_at: EpochMillis) -> Event | None:
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
            if age < 0 or received_at // MILLIS_PER_DAY - born > _SURELY_YOUNG_DAYS:
                return None
        if proposed and not all(map(_whole, proposed)):
            return None
        token = self._token
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
            occurred, published,
        ))  # fmt: skip
        first, last = compiled.occurred, compiled.published
        times = data[cuts[first] : cuts[first + 1]] + data[cuts[last] : cuts[last + 1]]
        return Event(contract, Claim(category, scheme, identifier, masa_id), facts, data, cuts, None, times)

    def _slow(self, value: bytes, source: AgencyId, received_at: EpochMillis) -> Event | Rejection:
        try:
            decoded = decode_event(value, schema_ids=self._schema_ids)
        except FrameError as error:
            return Rejection(error.reason, None, str(error))
        except EventInvalid as error:
            first = error.problems[0]
            return Rejection(first.code, first.path or None, first.message)
        contract, datum = decoded.event_type, decoded.datum
        problems = validate(contract, datum, received_at_ms=received_at, allow_synthetic=self._allow_synthetic)
        if problems:
            first = problems[0]
            return Rejection(first.code, first.path or None, f"{first.message}: {first.expected}")
        envelope = datum["envelope"]
        organisation = envelope["sourceOrg"]
        claim = Claim(organisation["category"], organisation["scheme"], organisation["id"], envelope["masaId"])
        facts = facts_from_datum(contract, datum, source, self._pseudonymiser)
        return Event(contract, claim, facts, value, None, datum)


def _compile(contract: EventType, checks: Mapping[str, Callable[[str], bool]]) -> _Compiled:
    cutter = compile_cutter(contract.schema, WANTED, checks)
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
