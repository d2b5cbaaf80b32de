"""Shapes of the API's answers, for the OpenAPI document. They describe, they do not convert: see `answers`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from connectors.http.values import AckOutcome, DeliveryState, NoteCode

INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


Instant = Field(pattern=INSTANT, description="ISO 8601 in UTC with milliseconds")


class ProblemError(Answer):
    detail: str = Field(description="what is wrong and what would be right; never the value itself")
    pointer: str = Field(description="JSON pointer (RFC 6901, as a URI fragment) into the body as sent")
    code: str


class ProblemAnswer(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError] | None = None


class AcceptedAnswer(Answer):
    """Durable in Kafka. It does not mean that anyone was told: ask for the outcome."""

    event_id: str
    event_type: str
    accepted_at: str = Instant
    topic: str
    partition: int
    offset: int
    repeated: bool = Field(description="the same was accepted before; nothing was published again")
    outcome: str = Field(description="path of the event's outcome")


class BatchResult(Answer):
    """One event of a batch: accepted, or the problem with it."""

    index: int
    status: int
    accepted: AcceptedAnswer | None = None
    problem: ProblemAnswer | None = None


class BatchAnswer(Answer):
    accepted: int
    refused: int
    results: list[BatchResult]


class FieldAnswer(Answer):
    path: str
    label: str


class WithheldAnswer(Answer):
    reason: str
    sentence: str
    fields: list[FieldAnswer]


class CandidateAnswer(Answer):
    agency: str
    name: str
    category: str | None
    outcome: str
    roles: list[str]
    reasons: list[str]
    gets: list[FieldAnswer]
    withheld: list[WithheldAnswer]
    basis: str | None
    due: str | None
    may_withhold: bool


class PreviewAnswer(Answer):
    event_type: str
    disposition: str
    lines: list[str]
    candidates: list[CandidateAnswer]
    rule_set: str


class RecipientAnswer(Answer):
    category: str | None
    agency: str | None
    name: str | None
    outcome: str
    reasons: list[str]
    sentences: list[str]
    state: str | None
    acknowledged: AckOutcome | None
    note: NoteCode | None
    ack_by: str | None


class OutcomeAnswer(Answer):
    event_id: str
    event_type: str | None
    disposition: str
    accepted_at: str | None
    decided_at: str | None
    reasons: list[str]
    recipients: list[RecipientAnswer]


class ContactAnswer(Answer):
    who: str
    name: str
    phone: str
    out_of_hours: bool


class DeliveryAnswer(Answer):
    """One delivery, minimised for this recipient."""

    delivery_id: str
    event_id: str
    event_type: str
    title: str
    urgency: str
    roles: list[str]
    role_titles: list[str]
    available_at: str = Instant
    ack_by: str | None
    state: DeliveryState
    event: dict[str, Any] | None
    problem: str | None
    withheld: list[WithheldAnswer]
    from_area: str | None
    basis: str | None
    rules: list[str]
    policy: str | None
    contacts: list[ContactAnswer]
    also_told: list[str]
    no_onward: bool
    headers: dict[str, str]
    lease: str | None
    lease_until: str | None
    acknowledged: AckOutcome | None
    acknowledged_at: str | None
    removal_asked: bool = Field(description="it, or what it is about, must be removed and that be confirmed")


class DeliveriesAnswer(Answer):
    deliveries: list[DeliveryAnswer]


class AcknowledgedAnswer(Answer):
    delivery_id: str
    outcome: AckOutcome
    at: str = Instant
    repeated: bool


class RemovedAnswer(Answer):
    """On record. `deliveryId` is that of the delivery that was taken back."""

    delivery_id: str
    at: str = Instant


class TypeAnswer(Answer):
    name: str
    version: int
    title: str
    may_publish: bool
    urgency: str
    gateways: list[str]
    purposes: list[str]
    regimes: list[str]
    requires: list[str]


class TypesAnswer(Answer):
    types: list[TypeAnswer]


class SchemaAnswer(TypeAnswer):
    fingerprint: str = Field(description="CRC-64-AVRO of the schema's canonical form, hexadecimal")
    avro: dict[str, Any]
    json_schema: dict[str, Any]
    example: dict[str, Any]


class CallerAnswer(Answer):
    agency: str
    kind: Literal["person", "system"]
    roles: list[str]
    scopes: list[str]
