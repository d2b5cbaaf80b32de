"""How a receipt becomes a record in the receipts topic of the agency that received (D-01, D-02)."""

from __future__ import annotations

import uuid
from typing import Any

from connectors.client.outbox import AGENCY_HEADER
from connectors.kafka.publisher import Outgoing
from connectors.kafka.topics import GATEWAY_RECEIPTS, receipts
from schemas.codec import encode_record

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:masa:gateway")


def receipt_id(delivery_id: str, kind: str) -> str:
    """A UUID that the same receipt has again: there is one of each kind a delivery."""
    return str(uuid.uuid5(_NAMESPACE, f"receipt/{delivery_id}/{kind}"))


def receipt_record(receipt: dict[str, Any], *, gateway: bool) -> Outgoing:
    """The record of one receipt, keyed by its delivery so that its receipts stay in order.

    `receipt` is a datum of the receipt schema. Raises EventInvalid when it does not fit.
    """
    agency = receipt["agency"]
    return Outgoing(
        topic=GATEWAY_RECEIPTS if gateway else receipts(agency),
        value=encode_record("receipt", receipt),
        key=receipt["deliveryId"].encode(),
        headers=((AGENCY_HEADER, agency.encode()),) if gateway else (),
    )
