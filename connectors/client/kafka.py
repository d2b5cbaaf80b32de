"""The Kafka door: for an agency that has topics of its own (`channel: kafka` in its area's rules).

Everything is checked here as the router will check it, because the router's answer to a bad record is a place in
`masa.rejected`, which the agency cannot read.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Self

from connectors.client.filling import Identity, filled, pointer
from connectors.client.handled import Handled, InMemory
from connectors.client.interface import (
    DEFAULT_LEASE_SECONDS,
    AckOutcome,
    EventRefused,
    NotAcknowledged,
    Problem,
    Received,
    Sent,
    one_of,
    received,
)
from connectors.client.kafka_writer import Writer
from connectors.client.outbox import outbox_record
from connectors.client.patience import Patience
from connectors.client.progress import Progress
from connectors.client.receipts import receipt_id, receipt_record
from connectors.errors import RetryLater
from connectors.kafka.group_reader import GroupReader
from connectors.kafka.partition import Partition
from connectors.kafka.publisher import Outgoing, Published
from connectors.kafka.reader import Record
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import agency_prefix, inbox
from schemas.codec import decode_event
from schemas.dates import iso_instant
from schemas.errors import ContractError, EventInvalid, FieldProblem
from schemas.examples import new_event_id
from schemas.json_form import from_json, to_json
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from schemas.validation import validate

LARGEST_EVENT_BYTES = 256 * 1024
MOST_IN_HAND = 1_000  # deliveries handed out and not acknowledged


class KafkaPublisher:
    """A `Publisher` that writes to the agency's outbox."""

    def __init__(
        self,
        settings: KafkaSettings,
        identity: Identity,
        *,
        key: bytes,
        clock: Callable[[], int],
        allow_synthetic: bool = False,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        """`key` is a secret of the agency's own, at least 32 bytes: record keys are pseudonyms under it (I-09).

        `clock` gives milliseconds since the epoch; `allow_synthetic` accepts NHS numbers of the test range.
        """
        self._identity, self._clock, self._allow_synthetic = identity, clock, allow_synthetic
        self._pseudonymiser = Pseudonymiser(key)
        self._writer = Writer(settings, f"{agency_prefix(identity.agency)}publisher", patience)

    def publish(self, event: Mapping[str, Any]) -> Sent:
        return one_of(self.publish_all([event]))

    def publish_all(self, events: Iterable[Mapping[str, Any]]) -> list[Sent | EventRefused]:
        ready = [self._ready(each) for each in events]
        places = iter(self._writer.write([each.record for each in ready if isinstance(each, _Ready)]))
        return [each if isinstance(each, EventRefused) else _sent(each.event_id, next(places)) for each in ready]

    def close(self) -> None:
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ready(self, event: Mapping[str, Any]) -> _Ready | EventRefused:
        """The record of an event, or everything that is wrong with it."""
        now = self._clock()
        envelope = event.get("envelope")
        name = envelope.get("eventType") if isinstance(envelope, Mapping) else None
        kind = load_event_types().get(name) if isinstance(name, str) else None
        if kind is None:
            problem = Problem("/envelope/eventType", "UNKNOWN_SCHEMA", "no such event type: see `masa schemas list`")
            return EventRefused("the event breaks the contract", [problem])
        document = filled(event, kind, self._identity, event_id=new_event_id(now, secrets.randbits), at=now)
        try:
            datum = from_json(kind, document)
            problems = validate(kind, datum, received_at_ms=now, allow_synthetic=self._allow_synthetic)
        except EventInvalid as invalid:
            return _refused(invalid.problems)
        problems_of_source = self._foreign(document["envelope"])
        if problems or problems_of_source:
            return _refused(problems, problems_of_source)
        record = outbox_record(
            kind, datum, agency=self._identity.agency, gateway=False, pseudonymiser=self._pseudonymiser
        )
        if len(record.value or b"") > LARGEST_EVENT_BYTES:
            return EventRefused(f"the event has more than {LARGEST_EVENT_BYTES} bytes encoded")
        return _Ready(datum["envelope"]["eventId"], record)

    def _foreign(self, envelope: Mapping[str, Any]) -> list[Problem]:
        """An agency publishes as itself only; the router rejects everything else as spoofed."""
        wrong = []
        if envelope["masaId"] != self._identity.area:
            wrong.append(Problem("/envelope/masaId", "SPOOFED_SOURCE", f"is not `{self._identity.area}`"))
        if envelope["sourceOrg"].get("category") != self._identity.category:
            wrong.append(Problem("/envelope/sourceOrg", "SPOOFED_SOURCE", f"is not {self._identity.category}"))
        return wrong


class KafkaInbox:
    """An `Inbox` over the agency's inbox topic, shared with other processes of the agency through its group."""

    def __init__(
        self,
        settings: KafkaSettings,
        agency: str,
        *,
        clock: Callable[[], int],
        handled: Handled | None = None,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        """`handled` remembers across restarts when it is `OnDisk`; `clock` gives milliseconds since the epoch."""
        self._agency, self._clock, self._monotonic, self._lease = agency, clock, monotonic, lease_seconds
        self._handled = handled or InMemory()
        self._progress = Progress()
        self._in_hand: dict[str, _InHand] = {}  # by delivery id, the longest ago first
        prefix = agency_prefix(agency)
        self._writer = Writer(settings, f"{prefix}receipts", patience)
        self._reader = GroupReader(settings, inbox(agency), f"{prefix}inbox", self._lost)

    def receive(self, most: int = 10, *, wait_seconds: float = 0.0) -> list[Received]:
        again = self._overdue(most)
        room = min(most - len(again), MOST_IN_HAND - len(self._in_hand))
        if room <= 0:
            self._reader.keep_alive()
            return again
        fresh = self._fresh(self._reader.take(room, 0.0 if again else wait_seconds))
        self._commit()
        return again + fresh

    def acknowledge(self, delivery: Received, outcome: AckOutcome) -> None:
        identity = delivery.delivery_id
        if (self._handled.outcome(identity) or outcome) != outcome:
            raise NotAcknowledged("the delivery was acknowledged before, with another outcome")
        self._handled.remember(identity, outcome)
        self._writer.write([self._receipt(identity, delivery.event_id, "ACKNOWLEDGED", outcome)])
        held = self._in_hand.pop(identity, None)
        if held is not None:
            self._progress.finished(held.partition, held.offset)

    def close(self) -> None:
        """What is not acknowledged is handed out to others, or to the next one."""
        try:
            self._commit()
        except RetryLater:  # those deliveries come again, and are known
            pass
        finally:
            self._reader.close()
            self._writer.close()
            self._handled.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _overdue(self, most: int) -> list[Received]:
        """Those in hand whose lease has run out, with a new one."""
        now = self._monotonic()
        overdue = [identity for identity, each in self._in_hand.items() if each.due <= now][:most]
        for identity in overdue:
            self._in_hand[identity] = self._in_hand.pop(identity)._replace(due=now + self._lease)
        return [self._in_hand[identity].delivery for identity in overdue]

    def _fresh(self, records: list[Record]) -> list[Received]:
        """The deliveries among the records that were not answered before, on record as picked up."""
        due = self._monotonic() + self._lease
        fresh: dict[str, _InHand] = {}
        answered: list[tuple[_InHand, AckOutcome]] = []
        for record in records:
            held = _InHand(_delivery(record), Partition(record.topic, record.partition), record.offset, due)
            self._progress.taken(held.partition, held.offset)
            identity = held.delivery.delivery_id
            outcome = self._handled.outcome(identity)
            if outcome is not None:
                answered.append((held, outcome))
            elif identity in self._in_hand or identity in fresh:  # a record written twice
                self._progress.finished(held.partition, held.offset)
            else:
                fresh[identity] = held
        self._in_hand.update(fresh)
        self._writer.write(self._receipts(fresh.values(), answered))
        for held, _ in answered:
            self._progress.finished(held.partition, held.offset)
        return [each.delivery for each in fresh.values()]

    def _receipts(self, fresh: Iterable[_InHand], answered: list[tuple[_InHand, AckOutcome]]) -> list[Outgoing]:
        """What was picked up now; and answers that may have been lost on their way, again under the same id."""
        picked = [self._receipt(each.delivery.delivery_id, each.delivery.event_id, "PICKED_UP") for each in fresh]
        return picked + [
            self._receipt(each.delivery.delivery_id, each.delivery.event_id, "ACKNOWLEDGED", outcome)
            for each, outcome in answered
        ]

    def _receipt(self, identity: str, event_id: str, kind: str, outcome: AckOutcome | None = None) -> Outgoing:
        receipt = {
            "receiptId": receipt_id(identity, kind),
            "deliveryId": identity,
            "eventId": event_id,
            "agency": self._agency,
            "kind": kind,
            "outcome": outcome,
            "role": None,
            "person": None,
            "at": self._clock(),
        }
        return receipt_record(receipt, gateway=False)

    def _commit(self) -> None:
        offsets = self._progress.to_commit()
        self._reader.commit(offsets)
        self._progress.committed(offsets)

    def _lost(self, partition: Partition) -> None:
        self._progress.lost(partition)
        self._in_hand = {name: each for name, each in self._in_hand.items() if each.partition != partition}


class _Ready(NamedTuple):
    event_id: str
    record: Outgoing


class _InHand(NamedTuple):
    delivery: Received
    partition: Partition
    offset: int
    due: float  # on the monotonic clock


def _sent(event_id: str, place: Published) -> Sent:
    return Sent(event_id, place.topic, place.partition, place.offset, repeated=False)


def _refused(problems: Iterable[FieldProblem], more: Iterable[Problem] = ()) -> EventRefused:
    said = [
        Problem(pointer(each.path), each.code.value, f"{each.message}: {each.expected}".rstrip(": "))
        for each in problems
    ]
    return EventRefused("the event breaks the contract", [*said, *more])


def _delivery(record: Record) -> Received:
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    event, problem = None, None
    try:
        decoded = decode_event(record.value or b"")
        event = to_json(decoded.event_type, decoded.datum)
    except ContractError as error:
        problem = str(error)
    return received(headers, event, problem, available_at=iso_instant(record.timestamp))
