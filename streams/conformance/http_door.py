"""The kit's end of the HTTP door: `Doors` in memory, behind the gateway's own web application.

So what a system may send, and what it is answered, is the gateway's; only what stands behind it is the kit's. Leases
run out as they do there; a delivery that is offered again is handed out again, as after an answer that was lost.
"""

from __future__ import annotations

import queue
import secrets
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.client.filling import Identity, filled, pointer
from connectors.client.outbox import outbox_record
from connectors.http.asked import EachAlone
from connectors.http.taken_back import Removed
from connectors.http.values import (
    Accepted,
    AckAnswer,
    Acknowledged,
    AckOutcome,
    AlreadyAcknowledged,
    Caller,
    Conflict,
    Delegation,
    Delivery,
    EventOutcome,
    FieldProblem,
    NoteCode,
    NotFound,
    Preview,
    Profile,
    Refused,
    Submission,
    Summary,
    TypeInfo,
)
from schemas.codec import decode_event
from schemas.errors import ContractError
from schemas.examples import new_event_id
from schemas.json_form import to_json
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType, EventTypes
from streams.conformance.doors import Observation
from streams.conformance.judge import Answer, Publication
from streams.conformance.offers import Offer
from streams.gateway.checks import ReadyEvent, check, type_of
from streams.gateway.publishers import Publisher, Publishers

LOOK_SECONDS = 0.2
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:masa:conformance")


class _Waiting(NamedTuple):
    delivery: Delivery
    until: int  # of its lease
    outcome: AckOutcome | None  # the answer that stands
    settled: bool  # not handed out any more


class HttpDoor(EachAlone):
    """A `KitDoor` and the `Doors` of the gateway's application. Safe from any thread."""

    def __init__(self, publisher: Publisher, types: EventTypes, *, clock: Callable[[], int]) -> None:
        """For the systems of one agency. `clock` gives milliseconds since the epoch."""
        self._who, self._types, self._clock = publisher, types, clock
        scheme, code = publisher.identifiers[0] if publisher.identifiers else (None, None)
        self._identity = Identity(publisher.id, publisher.area, publisher.category, scheme, code)
        self._publishers = Publishers([publisher])
        self._pseudonymiser = Pseudonymiser(secrets.token_bytes(32))  # of this run alone
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._accepted: dict[str, tuple[Mapping[str, Any], Accepted]] = {}
        self._seen: queue.SimpleQueue[Observation] = queue.SimpleQueue()
        self._lock = threading.Lock()

    # --- the kit's side ---

    def offer(self, offers: Sequence[Offer]) -> None:
        with self._lock:
            for each in offers:
                before = self._waiting.get(each.delivery_id)
                made = _delivery(each, self._types, self._clock())
                self._waiting[each.delivery_id] = _Waiting(made, 0, before.outcome if before else None, False)

    def watch(self, stop: Callable[[], bool]) -> Iterator[Observation | None]:
        while not stop():
            try:
                yield self._seen.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                yield None

    # --- publishing ---

    def publish(
        self, caller: Caller, document: Mapping[str, Any], *, idempotency_key: str | None
    ) -> Accepted | Refused:
        return self.publish_batch(caller, [Submission(document, idempotency_key)])[0]

    def publish_batch(self, caller: Caller, submissions: Sequence[Submission]) -> Sequence[Accepted | Refused]:
        if not self._mine(caller):
            return [Refused("NOT_PERMITTED", "the kit is for another agency")] * len(submissions)
        with self._lock:
            return [self._publish(each) for each in submissions]

    def _publish(self, submission: Submission) -> Accepted | Refused:
        key = f"key {submission.idempotency_key}"
        if submission.idempotency_key is not None and key in self._accepted:
            return self._again(key, submission.document)
        now = self._clock()
        kind = type_of(submission.document, self._types)
        known = kind if isinstance(kind, EventType) else None
        document = filled(
            submission.document,
            known,
            self._identity,
            event_id=new_event_id(now, secrets.randbits),
            at=now,
        )
        ready = check(document, self._types, self._publishers, agency=self._who.id, received_at_ms=now)
        if not isinstance(ready, ReadyEvent):
            said = "; ".join(f"{each.code} {each.path}: {each.message}" for each in ready)
            self._seen.put(Publication(None, None, {}, now, refused=said))
            problems = tuple(FieldProblem(pointer(p.path), p.code.value, p.message, p.expected) for p in ready)
            return Refused("INVALID", "the event breaks the contract", problems)
        if ready.event_id in self._accepted and submission.document.get("envelope", {}).get("eventId"):
            answer = self._again(ready.event_id, submission.document)
            if isinstance(answer, Refused):
                self._tell(ready, now)
            return answer
        self._tell(ready, now)
        place = len(self._accepted)
        accepted = Accepted(ready.event_id, ready.event_type.name, now, "gateway.outbox", 0, place)
        for name in (ready.event_id, key):
            self._accepted.setdefault(name, (submission.document, accepted))
        return accepted

    def _again(self, name: str, document: Mapping[str, Any]) -> Accepted | Refused:
        before, accepted = self._accepted[name]
        if before != document:
            return Refused("KEY_REUSED", "the key, or the event id, stands for another event")
        return accepted._replace(repeated=True)

    def _tell(self, ready: ReadyEvent, now: int) -> None:
        record = outbox_record(
            ready.event_type, ready.datum, agency=self._who.id, gateway=True, pseudonymiser=self._pseudonymiser
        )
        headers = {name: value.encode() if isinstance(value, str) else value or b"" for name, value in record.headers}
        self._seen.put(Publication(record.value, record.key, headers, now))

    def preview(self, caller: Caller, document: Mapping[str, Any]) -> Preview | Refused:
        kind = type_of(document, self._types)
        name = getattr(kind, "name", "")
        return Preview(name, "UNROUTED", ("The conformance kit tells nobody.",), (), "0" * 64)

    def outcome(self, caller: Caller, event_id: str) -> EventOutcome | None:
        found = self._accepted.get(event_id) if self._mine(caller) else None
        if found is None:
            return None
        accepted = found[1]
        at = accepted.accepted_at
        return EventOutcome(event_id, accepted.event_type, "UNROUTED", at, at, ("The kit tells nobody.",), ())

    # --- receiving ---

    def poll(self, caller: Caller, *, limit: int, lease_seconds: int) -> Sequence[Delivery]:
        now = self._clock()
        with self._lock:
            free = [each for each in self._waiting.values() if not each.settled and each.until <= now]
            return [self._claimed(each, now + lease_seconds * 1000) for each in free[:limit] if self._mine(caller)]

    def _claimed(self, waiting: _Waiting, until: int) -> Delivery:
        claimed = waiting.delivery._replace(state="LEASED", lease=secrets.token_hex(8), lease_until=until)
        self._waiting[claimed.delivery_id] = waiting._replace(delivery=claimed, until=until)
        return claimed

    def inbox(self, caller: Caller) -> Sequence[Summary]:
        return ()

    def open(self, caller: Caller, delivery_id: str) -> Delivery | None:
        found = self._waiting.get(delivery_id) if self._mine(caller) else None
        return None if found is None else found.delivery

    def acknowledge(
        self,
        caller: Caller,
        delivery_id: str,
        outcome: AckOutcome,
        *,
        lease: str | None,
        note_code: NoteCode | None = None,
    ) -> AckAnswer:
        now = self._clock()
        with self._lock:
            found = self._waiting.get(delivery_id) if self._mine(caller) else None
            self._told(delivery_id, found, outcome, now, lease)
            if found is None:
                return NotFound(delivery_id)
            if found.outcome is not None and found.outcome != outcome:
                return Conflict(delivery_id, "ACKNOWLEDGED", found.outcome, now)
            if not found.settled and lease != found.delivery.lease:
                return Conflict(delivery_id, "LEASE_LOST")
            self._waiting[delivery_id] = found._replace(outcome=outcome, settled=True)
            repeated = found.outcome is not None
        return AlreadyAcknowledged(delivery_id, outcome, now) if repeated else Acknowledged(delivery_id, outcome, now)

    def _told(self, delivery_id: str, found: _Waiting | None, outcome: AckOutcome, now: int, lease: str | None) -> None:
        """An answer counts when it came with the lease, or is another one than the one that stands."""
        if found is not None and found.outcome in (None, outcome) and lease != found.delivery.lease:
            return
        self._seen.put(Answer(
            delivery_id=delivery_id, event_id=found.delivery.event_id if found else "", agency=self._who.id,
            kind="ACKNOWLEDGED", outcome=outcome, receipt_id=str(uuid.uuid5(_NAMESPACE, delivery_id)), person=None,
            made_at=now, seen_at=now, key=delivery_id,
        ))  # fmt: skip

    # --- what a system hardly asks for ---

    def removed(self, caller: Caller, delivery_id: str) -> Removed | NotFound:
        return NotFound(delivery_id)

    def event_types(self, caller: Caller) -> Sequence[TypeInfo]:
        return [
            TypeInfo(
                each.name,
                each.version,
                each.title,
                self._who.category in each.publishers,
                each.urgency.value,
                tuple(each.gateways),
                tuple(each.purposes),
                tuple(each.regimes),
                each.requires,
            )
            for each in self._types.values()
        ]

    def profile(self, caller: Caller) -> Profile | None:
        return None

    def delegate(
        self, caller: Caller, role: str, *, to_role: str | None, to_subject: str | None, until: int
    ) -> Delegation | Refused:
        return Refused("NOT_PERMITTED", "the conformance kit has no people")

    def delegations(self, caller: Caller) -> Sequence[Delegation]:
        return ()

    def end_delegation(self, caller: Caller, delegation_id: str) -> bool:
        return False

    def unavailable(self) -> str | None:
        return None

    def _mine(self, caller: Caller) -> bool:
        return caller.agency == self._who.id


class Silent:
    """Tells nothing of itself: the kit's report says what matters."""

    def http_answered(self, **_: object) -> None: ...
    def http_refused(self, **_: object) -> None: ...
    def http_failed(self, error: BaseException, **_: object) -> None: ...
    def http_in_work(self, requests: int) -> None: ...


def _delivery(offer: Offer, types: EventTypes, now: int) -> Delivery:
    """As the gateway would hand it out; a newer schema is one that this release cannot show."""
    headers = {name: value.decode() for name, value in offer.headers}
    event, problem = None, None
    try:
        decoded = decode_event(offer.value, event_types=types)
        event = to_json(decoded.event_type, decoded.datum)
    except ContractError as error:
        problem = str(error)
    kind = types[offer.event_type]
    roles = tuple(headers["masa-role"].split(","))
    return Delivery(
        offer.delivery_id, offer.event_id, offer.event_type, kind.title, kind.urgency.value, roles, roles, now, None,
        "AVAILABLE", event, problem, (), None, None, (), None, (), (), False, headers, offer.value,
    )  # fmt: skip
