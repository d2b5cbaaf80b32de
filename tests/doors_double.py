"""`Doors` in memory: the same behaviour as the real one as far as HTTP can tell, without Kafka and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import RetryLater
from connectors.http.asked import EachAlone
from connectors.http.taken_back import Removed, TakenBack
from connectors.http.values import (
    Accepted,
    AckAnswer,
    Acknowledged,
    AckOutcome,
    AlreadyAcknowledged,
    Caller,
    Candidate,
    Conflict,
    Contact,
    Delegation,
    Delivery,
    EventOutcome,
    FieldProblem,
    NamedField,
    NoteCode,
    NotFound,
    Preview,
    Profile,
    RecipientOutcome,
    Refused,
    Submission,
    Summary,
    TypeInfo,
    WithheldFields,
)
from schemas.registry import load_event_types

AT = 1_790_000_000_000
WITHHELD = WithheldFields("PROTECTED_ADDRESS", "The address is protected.", (NamedField("child.address", "Address"),))


def delivery(delivery_id: str, **changes: Any) -> Delivery:
    """A delivery that waits, of a fictional event."""
    made = Delivery(
        delivery_id=delivery_id,
        event_id=f"event-of-{delivery_id}",
        event_type="police.domestic-abuse-incident",
        title="Domestic abuse incident",
        urgency="URGENT",
        roles=("dsl",),
        role_titles=("Designated safeguarding lead",),
        available_at=AT,
        ack_by=AT + 3_600_000,
        state="AVAILABLE",
        event={"envelope": {"eventType": "police.domestic-abuse-incident"}},
        problem=None,
        withheld=(WITHHELD,),
        from_area="Northshire",
        basis="s16LA",
        rules=("encompass",),
        policy="ab" * 32,
        contacts=(Contact("the area's front door", "Duty manager", "01632 960001", False),),
        also_told=("a GP practice",),
        no_onward=False,
        headers={"ce_id": f"event-of-{delivery_id}", "ce_type": "police.domestic-abuse-incident"},
        value=b"\xc3\x01",
    )
    return made._replace(**changes)


def invalid(caller: Caller, document: Mapping[str, Any]) -> Refused | None:
    """Why the document cannot be published; None when it can."""
    envelope = document.get("envelope")
    if not isinstance(envelope, Mapping):
        return _wrong("/envelope", "REQUIRED_FIELD", "is missing", "an envelope")
    kind, source = envelope.get("eventType"), envelope.get("sourceOrg")
    if not isinstance(kind, str) or kind not in load_event_types():
        return _wrong("/envelope/eventType", "TYPE_MISMATCH", "is no event type", "one of the catalogue")
    if isinstance(source, str) and source != caller.agency:
        return _wrong("/envelope/sourceOrg", "SPOOFED_SOURCE", "is not your agency", "leave it out")
    return None


def _wrong(pointer: str, code: str, message: str, expected: str) -> Refused:
    return Refused("INVALID", "the event breaks the contract", (FieldProblem(pointer, code, message, expected),))


class DoorsDouble(EachAlone):
    """Thread-safe. `deliveries` is by agency; `away` makes every call fail as it does without Kafka or PostgreSQL."""

    def __init__(self, deliveries: Mapping[str, Sequence[Delivery]] | None = None) -> None:
        self.waiting = {
            agency: {each.delivery_id: each for each in many} for agency, many in (deliveries or {}).items()
        }
        self.published: dict[tuple[str, str], tuple[Mapping[str, Any], Accepted]] = {}
        self.refused_accesses: list[tuple[str, str]] = []
        self.opened: list[tuple[str, str]] = []
        self.taken_back: dict[str, TakenBack] = {}
        self.removals: list[str] = []
        self.away = False
        self._lock = threading.Lock()

    def publish(
        self, caller: Caller, document: Mapping[str, Any], *, idempotency_key: str | None
    ) -> Accepted | Refused:
        return self.publish_batch(caller, [Submission(document, idempotency_key)])[0]

    def publish_batch(self, caller: Caller, submissions: Sequence[Submission]) -> Sequence[Accepted | Refused]:
        self._here()
        with self._lock:
            return [self._publish(caller, each) for each in submissions]

    def _publish(self, caller: Caller, submission: Submission) -> Accepted | Refused:
        wrong = invalid(caller, submission.document)
        if wrong is not None:
            return wrong
        envelope = submission.document["envelope"]
        kind = envelope["eventType"]
        event_id = str(envelope.get("eventId") or f"event-{len(self.published)}")
        key = (caller.agency, submission.idempotency_key or event_id)
        if key in self.published:
            document, before = self.published[key]
            if document != submission.document:
                return Refused("KEY_REUSED", "the key stands for another event")
            return before._replace(repeated=True)
        accepted = Accepted(event_id, kind, AT, "gateway.outbox", 0, len(self.published))
        self.published[key] = (submission.document, accepted)
        return accepted

    def preview(self, caller: Caller, document: Mapping[str, Any]) -> Preview | Refused:
        self._here()
        wrong = invalid(caller, document)
        if wrong is not None:
            return wrong
        candidate = Candidate(
            agency="oakfield-primary",
            name="Oakfield Primary School",
            category="SCHOOL",
            outcome="DELIVERED",
            roles=("Designated safeguarding lead",),
            reasons=("The child goes to this school.",),
            gets=(NamedField("envelope.child.name", "Name"),),
            withheld=(WITHHELD,),
            basis="s16LA",
            due="within 1 working day",
            may_withhold=True,
        )
        return Preview("police.domestic-abuse-incident", "DECIDED", ("One agency is told.",), (candidate,), "ab" * 32)

    def outcome(self, caller: Caller, event_id: str) -> EventOutcome | None:
        self._here()
        for (agency, _), (_, accepted) in self.published.items():
            if agency == caller.agency and accepted.event_id == event_id:
                told = RecipientOutcome(
                    "SCHOOL", None, None, "DELIVERED", (), ("The child goes there.",), "ACKNOWLEDGED", "NOTED", None, AT
                )
                return EventOutcome(event_id, accepted.event_type, "DECIDED", AT, AT + 5, (), (told,))
        return None

    def poll(self, caller: Caller, *, limit: int, lease_seconds: int) -> Sequence[Delivery]:
        self._here()
        with self._lock:
            mine = self.waiting.get(caller.agency, {})
            free = [each for each in mine.values() if each.state == "AVAILABLE"][:limit]
            claimed = [
                each._replace(state="LEASED", lease=f"lease-{each.delivery_id}", lease_until=AT + lease_seconds * 1000)
                for each in free
            ]
            mine.update({each.delivery_id: each for each in claimed})
            return claimed

    def inbox(self, caller: Caller) -> Sequence[Summary]:
        self._here()
        return [
            Summary(
                each.delivery_id,
                each.event_type,
                each.title,
                each.urgency,
                each.role_titles,
                each.available_at,
                each.ack_by,
                each.state,
                each.from_area,
                False,
                each.state == "LEASED",
            )
            for each in self.waiting.get(caller.agency, {}).values()
            if each.state != "ACKNOWLEDGED"
        ]

    def removed(self, caller: Caller, delivery_id: str) -> Removed | NotFound:
        self._here()
        if delivery_id not in self.taken_back or self._find(caller, delivery_id) is None:
            return NotFound(delivery_id)
        self.removals.append(delivery_id)
        return Removed(delivery_id, AT)

    def open(self, caller: Caller, delivery_id: str) -> Delivery | TakenBack | None:
        self._here()
        if delivery_id in self.waiting.get(caller.agency, {}) and delivery_id in self.taken_back:
            return self.taken_back[delivery_id]
        found = self._find(caller, delivery_id)
        if found is not None:
            self.opened.append((caller.subject, delivery_id))
        return found

    def acknowledge(
        self,
        caller: Caller,
        delivery_id: str,
        outcome: AckOutcome,
        *,
        lease: str | None,
        note_code: NoteCode | None = None,
    ) -> AckAnswer:
        self._here()
        with self._lock:
            found = self._find(caller, delivery_id)
            if found is None:
                return NotFound(delivery_id)
            if delivery_id in self.taken_back:
                return Conflict(delivery_id, "TAKEN_BACK")
            if found.acknowledged is not None:
                if found.acknowledged == outcome:
                    return AlreadyAcknowledged(delivery_id, outcome, AT)
                return Conflict(delivery_id, "ACKNOWLEDGED", found.acknowledged, AT)
            if lease != found.lease and (caller.kind == "system" or lease is not None):
                return Conflict(delivery_id, "LEASE_LOST")
            done = found._replace(state="ACKNOWLEDGED", acknowledged=outcome, acknowledged_at=AT)
            self.waiting[caller.agency][delivery_id] = done
            return Acknowledged(delivery_id, outcome, AT)

    def event_types(self, caller: Caller) -> Sequence[TypeInfo]:
        self._here()
        return [
            TypeInfo(
                each.name,
                each.version,
                each.title,
                True,
                each.urgency.value,
                tuple(each.gateways),
                tuple(each.purposes),
                tuple(each.regimes),
                each.requires,
            )
            for each in load_event_types().values()
        ]

    def profile(self, caller: Caller) -> Profile | None:
        self._here()
        roles = {"dsl": "Designated safeguarding lead", "deputy-dsl": "Deputy"}
        mine = {role: title for role, title in roles.items() if role in caller.roles}
        return Profile(
            caller.agency, "Oakfield Primary School", "SCHOOL", "northshire", "Northshire", (("URN", "990001"),), roles,
            mine, ("E10000099",), (),
        )  # fmt: skip

    def delegate(
        self, caller: Caller, role: str, *, to_role: str | None, to_subject: str | None, until: int
    ) -> Delegation | Refused:
        self._here()
        return Delegation("delegation-1", role, to_role, to_subject is not None, until, True)

    def delegations(self, caller: Caller) -> Sequence[Delegation]:
        self._here()
        return []

    def end_delegation(self, caller: Caller, delegation_id: str) -> bool:
        self._here()
        return False

    def unavailable(self) -> str | None:
        return "the broker" if self.away else None

    def _find(self, caller: Caller, delivery_id: str) -> Delivery | None:
        found = self.waiting.get(caller.agency, {}).get(delivery_id)
        if found is None:
            self.refused_accesses.append((caller.agency, delivery_id))
        return found

    def _here(self) -> None:
        if self.away:
            raise RetryLater("the broker `kafka-1.internal` is away")
