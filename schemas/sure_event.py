"""Whether an encoded event is surely valid: true only where `schemas.validation` would find nothing.

For whoever makes many events and wants to know quickly that most of them are in order; what this is not sure of, the
validation decides and explains. A property test holds it to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.cutter import Cuts, Cutter, Run, compile_cutter
from schemas.dates import MILLIS_PER_DAY
from schemas.event_rules import ALLEGATION, CLOCK_SKEW_MS
from schemas.framing import FINGERPRINT_BYTES, SINGLE_OBJECT_MARK
from schemas.identifiers import SCHEME_FORMATS, check_format
from schemas.registry import EventType, EventTypes
from schemas.sure_checks import Check, sure_checks
from schemas.vocabulary import AddressProtection, LegalGateway

_FRAME_BYTES = len(SINGLE_OBJECT_MARK) + FINGERPRINT_BYTES
_SURELY_YOUNG_DAYS = 25 * 365
_UNSURE_GATEWAYS = frozenset({LegalGateway.UNKNOWN, LegalGateway.S213B_HOUSING})  # the latter has conditions (L-05)
_PLAIN_PROTECTION = frozenset({AddressProtection.NONE, AddressProtection.PROTECTED, AddressProtection.PLACEMENT})

WANTED = tuple(
    "envelope." + path
    for path in (
        "eventType", "schemaVersion", "masaId", "sourceOrg.category", "sourceOrg.scheme", "sourceOrg.id",
        "legalGateway", "dpRegime", "purpose", "urgency", "occurredAt", "recordedAt", "publishedAt",
        "addressProtection", "proposedRecipients", "settings.schoolUrn", "child.dateOfBirth",
        "child.expectedDeliveryDate",
    )
)  # fmt: skip
# What events of one agency and type have in common, more or less.
_RUNS = (
    Run("envelope.eventType", "envelope.urgency"),
    Run("envelope.handling.marking", "envelope.familyInformed"),
    Run("envelope.settings.schoolUrn", "envelope.settings.accusedSettingUrn"),
    Run("envelope.contact.role", "envelope.contact.phone"),
)


class _Compiled(NamedTuple):
    event_type: EventType
    cutter: Cutter
    permitted: frozenset[tuple[str, str, str, str]]  # (category, gateway, regime, purpose)
    required: tuple[int, ...]  # units that must not be null


class SureEvents:
    """Knows every event type; compiles what it needs of one when the first of its events comes."""

    def __init__(self, types: EventTypes, *, allow_synthetic: bool) -> None:
        self._types, self._checks = types, sure_checks(synthetic_ok=allow_synthetic)
        self._compiled: dict[bytes, _Compiled | None] = {}
        self._codes: dict[tuple[Any, ...], bool] = {}

    def occurred_at(self, value: bytes, received_at_ms: int) -> int | None:
        """When a framed event occurred (epoch milliseconds) if it is surely valid on receipt; None when in doubt."""
        frame = value[:_FRAME_BYTES]
        try:
            compiled = self._compiled[frame]
        except KeyError:
            compiled = self._compiled[frame] = self._compile(frame)
        if compiled is None:
            return None
        try:
            values, cuts = compiled.cutter.cut(value, _FRAME_BYTES)
        except (ValueError, LookupError, ArithmeticError):
            return None
        return self._sure(compiled, value, values, cuts, received_at_ms)

    def _sure(
        self, compiled: _Compiled, data: bytes, values: tuple[Any, ...], cuts: Cuts, received_at_ms: int
    ) -> int | None:
        (
            name, version, masa_id, category, scheme, code, gateway, regime, purpose, urgency,
            occurred, recorded, published, protection, proposed, school, born, expected,
        ) = values  # fmt: skip
        event_type = compiled.event_type
        if (
            name != event_type.name
            or version != event_type.version
            or (category, gateway, regime, purpose) not in compiled.permitted
            or (gateway == "S49A_DAA" and school is None)
            or urgency == "UNKNOWN"
            or protection not in _PLAIN_PROTECTION
            or not 0 < occurred <= recorded <= published <= received_at_ms + CLOCK_SKEW_MS
            or expected is not None
            or proposed
            or not self._sound_codes(masa_id, scheme, code)
        ):
            return None
        if born is not None and not 0 <= received_at_ms // MILLIS_PER_DAY - born <= _SURELY_YOUNG_DAYS:
            return None
        for unit in compiled.required:
            start = cuts[unit]
            if start == cuts[unit + 1] or data[start] == 0 or data[start + 1] == 0:
                return None  # absent, or perhaps empty
        return int(occurred)

    def _sound_codes(self, *codes: str | None) -> bool:
        """The publisher's codes have their forms. There are few publishers."""
        known = self._codes.get(codes)
        if known is None:
            masa_id, scheme, code = codes
            fmt = SCHEME_FORMATS.get(scheme or "")
            sound = fmt is None or code is None or check_format(fmt, code) is None
            known = self._codes[codes] = sound and check_format("agency-id", masa_id or "") is None
        return known

    def _compile(self, frame: bytes) -> _Compiled | None:
        event_type = self._types.by_fingerprint(frame[len(SINGLE_OBJECT_MARK) :])
        if not frame.startswith(SINGLE_OBJECT_MARK) or event_type is None or event_type.name == ALLEGATION:
            return None  # an allegation's payload says more than is looked at here (P-16)
        if frame[len(SINGLE_OBJECT_MARK) :] != event_type.fingerprint:
            return None
        return _compiled(event_type, self._checks)


def _compiled(event_type: EventType, checks: Mapping[str, Check]) -> _Compiled:
    cutter = compile_cutter(event_type.schema, WANTED, checks, _RUNS)
    permitted = frozenset(
        (category, gateway, regime, purpose)
        for category in event_type.publishers
        for gateway in event_type.gateways
        for regime in event_type.regimes
        for purpose in event_type.purposes
        if gateway not in _UNSURE_GATEWAYS
    )
    place = {unit.path: index for index, unit in enumerate(cutter.units)}
    required = tuple(place[path] for path in event_type.requires if event_type.leaf_by_path[path].nullable)
    return _Compiled(event_type, cutter, permitted, required)
