"""One submission on its way: completed and checked, known by its keys, reserved. Pure but for the rules in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.client.outbox import outbox_record
from connectors.http.values import Accepted, FieldProblem, Refused, Submission
from connectors.kafka.publisher import Outgoing
from connectors.postgres.gateway_publications import PublicationRow
from schemas.registry import EventType
from schemas.vocabulary import RejectReason
from streams.gateway.checks import ReadyEvent, check, type_of
from streams.gateway.completion import IDEMPOTENCY_KEY, completed, digest, given_event_id, pointed
from streams.gateway.parts import Parts
from streams.gateway.publishers import Publisher
from streams.routing.intake import MAX_EVENT_BYTES


class Checked(NamedTuple):
    """A submission that may be published: as which event, and by which keys it is known again."""

    submission: Submission
    ready: ReadyEvent
    record: Outgoing
    keys: tuple[str, ...]
    digest: bytes
    at: int  # the time that stands where the document gives none

    def rows(self, agency: str) -> list[PublicationRow]:
        """What to reserve."""
        ready = self.ready
        return [
            PublicationRow(agency, key, self.digest, ready.event_id, ready.event_type.name, self.at)
            for key in self.keys
        ]


class Reserved(NamedTuple):
    """A checked submission and what stands under its keys now; that may be from an earlier request."""

    checked: Checked
    rows: tuple[PublicationRow, ...]

    @property
    def same(self) -> bool:
        """Whether its keys stand for this very document."""
        return all(row.digest == self.checked.digest for row in self.rows)

    @property
    def first(self) -> PublicationRow:
        """What was given out first counts."""
        return min(self.rows, key=lambda row: row.accepted_at)

    @property
    def placed(self) -> PublicationRow | None:
        """Where it is in Kafka, if an earlier request got so far."""
        return next((row for row in self.rows if row.topic is not None), None)

    @property
    def is_new(self) -> bool:
        """Whether the event as checked is the one that was given out."""
        return (self.first.event_id, self.first.accepted_at) == (self.checked.ready.event_id, self.checked.at)


def keys_of(document: Mapping[str, Any], idempotency_key: str | None, made_id: str | None) -> tuple[str, ...]:
    """What a request is known by: the event id that the publisher chose, and its idempotency key.

    `made_id` is the id that the gateway made; it is a key only for want of any other.
    """
    given = given_event_id(document)
    keys = [] if given is None else ["event:" + given]
    if idempotency_key is not None:
        keys.append("key:" + idempotency_key)
    if not keys and made_id is not None:
        keys.append("event:" + made_id)
    return tuple(keys)


def checked(parts: Parts, publisher: Publisher, submission: Submission, *, event_id: str, at: int) -> Checked | Refused:
    """The submission as an event, or why it is none. `event_id` and `at` stand where the document gives none."""
    key, document = submission.idempotency_key, submission.document
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        return malformed("the idempotency key", "1 to 200 visible ASCII characters")
    ready = ready_event(parts, publisher, document, event_id=event_id, at=at)
    if isinstance(ready, Refused):
        return ready
    record = outbox_record(
        ready.event_type, ready.datum, agency=publisher.id, gateway=True, pseudonymiser=parts.pseudonymiser
    )
    size = len(record.value or b"")
    if size > MAX_EVENT_BYTES:
        return Refused("TOO_LARGE", f"the event has {size} bytes encoded: at most {MAX_EVENT_BYTES} are taken")
    keys = keys_of(document, key, ready.event_id)
    return Checked(submission, ready, record, keys, digest(parts.pseudonymiser, document), at)


def ready_event(
    parts: Parts, publisher: Publisher, document: Mapping[str, Any], *, event_id: str, at: int
) -> ReadyEvent | Refused:
    """The document as an event of this publisher, completed, or everything that is wrong with it."""
    kind = type_of(document, parts.event_types)
    known = kind if isinstance(kind, EventType) else None
    found = check(
        completed(document, known, publisher, event_id=event_id, at=at),
        parts.event_types,
        parts.rules.now().publishers,
        agency=publisher.id,
        received_at_ms=parts.now(),
        allow_synthetic=parts.allow_synthetic,
    )
    if isinstance(found, ReadyEvent):
        return found
    return Refused("INVALID", "the event breaks the contract", tuple(pointed(problem) for problem in found))


def accepted(row: PublicationRow, *, repeated: bool) -> Accepted:
    """The answer about an event that is in Kafka."""
    return Accepted(
        event_id=row.event_id,
        event_type=row.event_type,
        accepted_at=row.accepted_at,
        topic=row.topic or "",
        partition=row.partition or 0,
        offset=row.offset or 0,
        repeated=repeated,
    )


def malformed(what: str, expected: str, *, pointer: str = "") -> Refused:
    """What is not part of the contract of events is wrong."""
    problem = FieldProblem(pointer, RejectReason.TYPE_MISMATCH.value, f"{what} is not well formed", expected)
    return Refused("INVALID", problem.detail, (problem,))


def judged(ready: ReadyEvent) -> dict[str, str]:
    """How often the publisher confirmed, withheld and excluded, by ground (L-02, L-03, P-05)."""
    envelope = ready.datum["envelope"]
    counts = Counter(
        f"{each['judgement'].lower()}{'.' + each['ground'] if each['ground'] else ''}"
        for each in envelope["proposedRecipients"] or ()
    )
    counts.update(f"excluded.{each['ground']}" for each in envelope["excludeRecipients"] or ())
    return {"eventType": ready.event_type.name, **{name: str(count) for name, count in sorted(counts.items())}}
