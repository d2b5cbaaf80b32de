"""How an event becomes a record in its publisher's outbox: topic, key, value, CloudEvents headers.

The one place for it on the publishing side: `masa publish`, the simulator and an agency's own code all use
it.
"""

from __future__ import annotations

from typing import Any

from connectors.kafka.publisher import Outgoing
from connectors.kafka.topics import GATEWAY_OUTBOX, outbox
from schemas.codec import encode_event
from schemas.dates import iso_instant
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType

CONTENT_TYPE = b"application/avro"
AGENCY_HEADER = "masa-agency"  # on gateway topics only: who the gateway authenticated


def outbox_record(
    event_type: EventType, datum: dict[str, Any], *, agency: str, gateway: bool, pseudonymiser: Pseudonymiser
) -> Outgoing:
    """The record of one event of `agency`; `gateway` when it publishes through the gateway's shared topic.

    The key is a pseudonym of the agency's own source record, so that versions of one record stay in order
    and no identifier appears in a key (I-09). Raises EventInvalid when the datum does not fit the schema.
    """
    envelope = datum["envelope"]
    return encoded_outbox_record(
        event_type,
        encode_event(event_type, datum),
        event_id=envelope["eventId"],
        occurred_at=envelope["occurredAt"],
        key=pseudonymiser.record_key(agency, envelope.get("sourceRef") or envelope["eventId"]),
        area=envelope["masaId"],
        agency=agency,
        gateway=gateway,
    )


def encoded_outbox_record(
    event_type: EventType,
    value: bytes,
    *,
    event_id: str,
    occurred_at: int,
    key: str,
    area: str,
    agency: str,
    gateway: bool,
) -> Outgoing:
    """As `outbox_record`, of an event that is encoded and framed already; `key` is its `Pseudonymiser.record_key`."""
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", f"urn:masa:{area}:{agency}".encode()),
        ("ce_type", event_type.name.encode()),
        ("ce_time", iso_instant(occurred_at).encode()),
        ("content-type", CONTENT_TYPE),
    )
    return Outgoing(
        topic=GATEWAY_OUTBOX if gateway else outbox(agency),
        key=key.encode(),
        value=value,
        headers=(*headers, (AGENCY_HEADER, agency.encode())) if gateway else headers,
    )
