"""From a record's bytes to an event that can be decided on, or a named reason why not.

The quick way (`streams.routing.quick`) vouches for the common case only. Whatever it is not sure of goes the slow way:
decode, validate, explain. Both give the same facts (a property test holds them to it); only the slow way ever rejects.
"""

from __future__ import annotations

from schemas.codec import SchemaIds, decode_event, encode_event
from schemas.errors import EventInvalid, FrameError
from schemas.identifiers import check_format
from schemas.projection import project_datum
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventTypes
from schemas.validation import validate
from schemas.vocabulary import RejectReason
from streams.policy.decision import FieldPlan
from streams.policy.facts import AgencyId, EpochMillis
from streams.policy.facts_from import facts_from_datum
from streams.routing.event import Claim, Event, Rejection
from streams.routing.quick import QuickReader

MAX_EVENT_BYTES = 256 * 1024


class Intake:
    """Reads events under one set of event types and one pseudonym key."""

    def __init__(
        self,
        event_types: EventTypes,
        pseudonymiser: Pseudonymiser,
        *,
        schema_ids: SchemaIds | None = None,
        allow_synthetic: bool = True,
    ) -> None:
        """`schema_ids` maps a registry's schema ids to fingerprints, for the Confluent frame. `allow_synthetic=False`
        (production) rejects NHS numbers of the test range."""
        self._pseudonymiser = pseudonymiser
        self._schema_ids = schema_ids
        self.allow_synthetic = allow_synthetic
        self.event_types = event_types
        quick = QuickReader(event_types, pseudonymiser, allow_synthetic=allow_synthetic)
        self._quick = quick.read
        self.projector = quick.projector
        self.units = quick.units
        self.token = quick.token  # of an organisation's code, remembered

    def read(self, value: bytes | None, source: AgencyId, received_at: EpochMillis) -> Event | Rejection:
        """The event in `value`, whose facts name `source` as publisher. Times are epoch milliseconds."""
        if not value:
            return Rejection(RejectReason.EMPTY, None, "the record has no value: an event is needed")
        if len(value) > MAX_EVENT_BYTES:
            return Rejection(RejectReason.OVERSIZE, None, f"{len(value)} bytes: an event has at most {MAX_EVENT_BYTES}")
        quick = self._quick(value, source, received_at)
        if quick is not None:
            return quick
        try:
            return self._slow(value, source, received_at)
        except Exception as error:  # noqa: BLE001 - no bytes whatever may stop the router; they are kept
            fault = f"the reader failed on it ({type(error).__name__}): report it"
            return Rejection(RejectReason.UNDECODABLE, None, fault)

    def surely(self, value: bytes, source: AgencyId, received_at: EpochMillis) -> Event | None:
        """The event, if the quick way vouches for it."""
        return self._quick(value, source, received_at)

    def project(self, event: Event, plan: FieldPlan) -> bytes:
        """The event with only the plan's fields, framed with its schema's fingerprint."""
        if event.cuts is None:
            assert event.datum is not None  # noqa: S101 - Event's own promise
            return encode_event(event.event_type, project_datum(event.event_type.schema, event.datum, plan.kept))
        return self.projector(event.event_type, plan)(event.data, event.cuts)

    def _slow(self, value: bytes, source: AgencyId, received_at: EpochMillis) -> Event | Rejection:
        try:
            decoded = decode_event(value, schema_ids=self._schema_ids, event_types=self.event_types)
        except FrameError as error:
            return Rejection(error.reason, None, str(error))
        except EventInvalid as error:
            first = error.problems[0]
            return Rejection(first.code, first.path or None, first.message)
        contract, datum = decoded.event_type, decoded.datum
        problems = validate(contract, datum, received_at_ms=received_at, allow_synthetic=self.allow_synthetic)
        envelope = datum["envelope"]
        if problems:
            first, said = problems[0], envelope["eventId"]
            explanation = f"{first.message}: {first.expected}"
            event_id = said if check_format("uuid", said) is None else None
            return Rejection(first.code, first.path or None, explanation, event_id, contract.name)
        organisation = envelope["sourceOrg"]
        claim = Claim(organisation["category"], organisation["scheme"], organisation["id"], envelope["masaId"])
        facts = facts_from_datum(contract, datum, source, self._pseudonymiser)
        return Event(contract, claim, facts, value, None, datum)
