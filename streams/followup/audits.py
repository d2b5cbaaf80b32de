"""What the audit stream says that the follow-up needs: new deliveries, and that a publisher was told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.kafka.offset_consumer import Record
from connectors.postgres.followup_ladder import Answer
from connectors.postgres.followup_store import Delivery
from schemas.codec import decode_record
from schemas.errors import ContractError
from schemas.framing import frame
from schemas.registry import load_record_schema, record_wire
from streams.followup.life import State
from streams.followup.voice import ACKNOWLEDGEMENT, HEARTBEAT, exchange_agency
from streams.ledger.scan import Scanner, ScanRefused, Take, compile_scanner

_DELIVERED = "DELIVERED"
_NONE = "NONE"
RESPONSE = "control.information-response"
_WANTED: Mapping[str, Any] = {
    "decidedAt": None,
    "eventId": None,
    "eventType": None,
    "source": None,
    "inputs": {
        "masaId": None, "urgency": None, "restricted": None, "protection": None, "subject": None, "supersedes": None,
    },
    "outcomes": {
        "agency": None, "outcome": None, "roles": Take.ALL, "clock": None, "deliveryId": None, "ackBy": None,
    },
}  # fmt: skip
_EVENT = ("decidedAt", "eventId", "eventType", "source")
_OUTCOME = ("agency", "outcome", "roles", "clock", "deliveryId", "ackBy")


class Audited(NamedTuple):
    """What one audit record says; empty when it says nothing that concerns the follow-up."""

    deliveries: list[Delivery]
    told: str | None  # event of ours that tells a publisher the outcome, and that was delivered
    answer: Answer | None  # to a request for information, that reached somebody


NOTHING = Audited([], None, None)


class AuditReader:
    """Audit bytes to deliveries: fast for records of the current schema, by full decoding for the rest."""

    def __init__(self) -> None:
        self._frame = frame(record_wire("audit").fingerprint, b"")
        self._scan: Scanner = compile_scanner(load_record_schema("audit"), _WANTED)

    def read(self, record: Record) -> Audited | None:
        """None when the record cannot be read, which only a broken writer can cause: the ledger keeps its bytes."""
        value = record.value or b""
        found = self._scanned(value)
        if found is None:
            try:
                found = _fields_of(decode_record("audit", value))
            except ContractError:
                return None
        return _audited(found)

    def _scanned(self, value: bytes) -> tuple[Any, ...] | None:
        if not value.startswith(self._frame):
            return None
        try:
            return self._scan(value, len(self._frame))
        except (ScanRefused, IndexError, UnicodeDecodeError):
            return None  # in doubt: decode in full


def _fields_of(audit: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the scanner yields, from a decoded record."""
    inputs = audit["inputs"] or {}
    outcomes = [tuple(each[name] for name in _OUTCOME) for each in audit["outcomes"]]
    wanted: Mapping[str, None] = _WANTED["inputs"]
    return (*(audit[name] for name in _EVENT), *(inputs.get(name) for name in wanted), outcomes)


def _audited(fields: tuple[Any, ...]) -> Audited:
    decided, event_id, event_type, source, area, urgency, restricted, protection, subject, about, outcomes = fields
    if event_id is None or event_type is None or source is None or area is None or event_type == HEARTBEAT:
        return NOTHING
    ours = source == exchange_agency(area)
    deliveries = []
    for agency, outcome, roles, clock, delivery_id, ack_by in outcomes:
        if outcome != _DELIVERED or delivery_id is None:
            continue
        # The exchange reads its own inbox with this very engine: nobody has to acknowledge there.
        to_us = agency == exchange_agency(area) or (agency.endswith("-exchange") and clock in (None, _NONE))
        deliveries.append(
            Delivery(
                delivery_id=delivery_id,
                event_id=event_id,
                event_type=event_type,
                agency=agency,
                source=source,
                roles=list(roles),
                area=area,
                clock=clock,
                urgency=urgency,
                protection=protection,
                restricted=restricted,
                subject=subject,
                available_at=decided,
                ack_by=None if to_us else ack_by,
                pick_up_by=None,
                state=State.CLOSED.value if to_us else State.AVAILABLE.value,
                outcome=None,
                picked_up_at=None,
                acknowledged_at=None,
                acknowledged_role=None,
                step=0,
                next_due=None,
                recalled_by=None,
                answer=None,
            )
        )
    told = event_id if ours and event_type == ACKNOWLEDGEMENT and deliveries else None
    answers = event_type == RESPONSE and about is not None and bool(deliveries)
    return Audited(deliveries, told, Answer(about, source, event_id, decided) if answers else None)
