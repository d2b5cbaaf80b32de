"""How values of the exchange become the API's answers: plain JSON, built once. `shapes` describes them.

Tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from connectors.http.taken_back import Removed, TakenBack
from connectors.http.values import (
    Accepted,
    Acknowledged,
    AlreadyAcknowledged,
    Caller,
    Candidate,
    Contact,
    Delivery,
    EventOutcome,
    NamedField,
    Preview,
    RecipientOutcome,
    TypeInfo,
    WithheldFields,
)
from schemas.dates import iso_instant


def at(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else iso_instant(milliseconds)


def accepted(value: Accepted) -> dict[str, Any]:
    return {
        "eventId": value.event_id,
        "eventType": value.event_type,
        "acceptedAt": at(value.accepted_at),
        "topic": value.topic,
        "partition": value.partition,
        "offset": value.offset,
        "repeated": value.repeated,
        "outcome": f"/v1/events/{value.event_id}/outcome",
    }


def preview(value: Preview) -> dict[str, Any]:
    return _plain(value) | {"candidates": [_candidate(each) for each in value.candidates]}


def outcome(value: EventOutcome) -> dict[str, Any]:
    return _plain(value) | {
        "acceptedAt": at(value.accepted_at),
        "decidedAt": at(value.decided_at),
        "recipients": [_recipient(each) for each in value.recipients],
    }


def delivery(value: Delivery) -> dict[str, Any]:
    plain = _plain(value)
    del plain["value"]  # the Avro bytes: what they say is in `event`
    return plain | {
        "availableAt": at(value.available_at),
        "ackBy": at(value.ack_by),
        "leaseUntil": at(value.lease_until),
        "acknowledgedAt": at(value.acknowledged_at),
        "event": value.event,
        "headers": dict(value.headers),
        "withheld": _withheld(value.withheld),
        "contacts": [_contact(each) for each in value.contacts],
    }


def acknowledged(value: Acknowledged | AlreadyAcknowledged) -> dict[str, Any]:
    repeated = isinstance(value, AlreadyAcknowledged)
    return {"deliveryId": value.delivery_id, "outcome": value.outcome, "at": at(value.at), "repeated": repeated}


def removed(value: Removed) -> dict[str, Any]:
    return {"deliveryId": value.delivery_id, "at": at(value.at)}


def taken_back(value: TakenBack) -> dict[str, Any]:
    """Members of the problem that says so."""
    times = {"at": at(value.at), "removeBy": at(value.remove_by), "removedAt": at(value.removed_at)}
    told = {"deliveryId": value.delivery_id, "eventId": value.event_id, "how": value.how, **times}
    return {name: each for name, each in told.items() if each is not None} | {
        "contacts": [_contact(each) for each in value.contacts]
    }


def type_info(value: TypeInfo) -> dict[str, Any]:
    return _plain(value)


def caller(value: Caller) -> dict[str, Any]:
    return {
        "agency": value.agency,
        "kind": value.kind,
        "roles": sorted(value.roles),
        "scopes": sorted(value.scopes),
    }


def _candidate(value: Candidate) -> dict[str, Any]:
    return _plain(value) | {"gets": _fields(value.gets), "withheld": _withheld(value.withheld)}


def _recipient(value: RecipientOutcome) -> dict[str, Any]:
    return _plain(value) | {"ackBy": at(value.ack_by)}


def _withheld(values: Sequence[WithheldFields]) -> list[dict[str, Any]]:
    return [_plain(each) | {"fields": _fields(each.fields)} for each in values]


def _fields(values: Sequence[NamedField]) -> list[dict[str, Any]]:
    return [{"path": each.path, "label": each.label} for each in values]


def _contact(value: Contact) -> dict[str, Any]:
    return _plain(value)


def _plain(value: Any) -> dict[str, Any]:
    """A named tuple's own fields, in camelCase; nested ones are the caller's to replace."""
    fields: Mapping[str, Any] = value._asdict()
    return {to_camel(name): list(each) if isinstance(each, tuple) else each for name, each in fields.items()}
