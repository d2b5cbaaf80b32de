"""Records of receipts topics as receipts. Pure.

Who says it is known from where it stands: an agency's own topic, or the header that only the gateway may write. When it
was said is the broker's word for an agency (its clock could make a late answer early), the gateway's own for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.client.outbox import AGENCY_HEADER
from connectors.kafka import topics
from connectors.kafka.offset_consumer import Record
from connectors.postgres.followup_store import EarlyReceipt
from schemas.codec import decode_record
from schemas.errors import ContractError
from schemas.framing import frame
from schemas.registry import load_record_schema, record_wire
from streams.followup.life import Refusal, Transition, refused, sound
from streams.ledger.scan import Scanner, ScanRefused, compile_scanner

_FIELDS = ("receiptId", "deliveryId", "eventId", "agency", "kind", "outcome", "role", "at")
_WANTED: Mapping[str, None] = dict.fromkeys(_FIELDS)
_NOBODY = "unknown"


class ReceiptReader:
    """Receipt bytes to receipts: fast for records of the current schema, by full decoding for the rest."""

    def __init__(self) -> None:
        self._frame = frame(record_wire("receipt").fingerprint, b"")
        self._scan: Scanner = compile_scanner(load_record_schema("receipt"), _WANTED)

    def read(self, record: Record) -> EarlyReceipt | Transition:
        """The receipt, or the transition that refuses what cannot be one or is said in another's name."""
        says = _author(record)
        found = self._fields(record.value or b"")
        if found is None or not says:
            return refused(_empty(record, says or _NOBODY), Refusal.UNREADABLE)
        receipt_id, delivery_id, event_id, agency, kind, outcome, role, at = found
        receipt = EarlyReceipt(
            record.topic,
            record.partition,
            record.offset,
            receipt_id,
            delivery_id,
            event_id,
            says,
            kind,
            outcome,
            role,
            min(at, record.timestamp) if record.topic == topics.GATEWAY_RECEIPTS and at > 0 else record.timestamp,
        )
        if not sound(receipt):
            return refused(_empty(record, says), Refusal.UNREADABLE)
        return receipt if agency == says else refused(receipt, Refusal.OTHER_AGENCY)

    def _fields(self, value: bytes) -> tuple[Any, ...] | None:
        if value.startswith(self._frame):
            try:
                return self._scan(value, len(self._frame))
            except (ScanRefused, IndexError, UnicodeDecodeError):
                pass  # in doubt: decode in full
        try:
            found = decode_record("receipt", value)
        except ContractError:
            return None
        return tuple(found[name] for name in _FIELDS)


def _author(record: Record) -> str | None:
    """The agency that wrote it; None when nobody that is known did."""
    place = topics.parse(record.topic)
    if place is None or place.agency is not None:
        return None if place is None else place.agency
    said = [value for name, value in record.headers if name == AGENCY_HEADER]
    return said[0].decode("ascii", "ignore") if len(said) == 1 and said[0] else None


def _empty(record: Record, agency: str) -> EarlyReceipt:
    """What may be repeated of a record that is no receipt: where it stands."""
    place = (record.topic, record.partition, record.offset)
    return EarlyReceipt(*place, "", "", "", agency, "", None, None, record.timestamp)
