"""What the HTTP door needs of the exchange behind it. `streams.gateway` implements it; tests have a double.

Every method may block on PostgreSQL or Kafka (call it from a worker thread; all are safe from any thread) and raises
`connectors.errors.ConnectorFailure`, mostly `RetryLater`, when one of them is away or full: answer 503, Retry-After.
Whether the call took effect may then be unknown; the same call again is safe. Whether the caller may is decided here,
not in the shell: a caller without the scope gets `Refused`, `None` or nothing, never an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from connectors.http.asked import AcknowledgeAsked, PollAsked, PublishAsked
from connectors.http.taken_back import Removed, TakenBack
from connectors.http.values import (
    Accepted,
    AckAnswer,
    AckOutcome,
    Caller,
    Delegation,
    Delivery,
    EventOutcome,
    NoteCode,
    NotFound,
    Preview,
    Profile,
    Refused,
    StoredSession,
    Submission,
    Summary,
    TypeInfo,
)


class Doors(Protocol):
    """One object a process."""

    def publish(
        self, caller: Caller, document: Mapping[str, Any], *, idempotency_key: str | None
    ) -> Accepted | Refused:
        """Publish one event as the caller's agency. `Accepted` only once it is durably in Kafka.

        The same key (or, without one, the same `eventId`) with the same document gives the same answer again and
        publishes nothing twice.
        """
        ...

    def publish_batch(self, caller: Caller, submissions: Sequence[Submission]) -> Sequence[Accepted | Refused]:
        """Each on its own: an answer for each, in the order given. In order in Kafka too, for one source record."""
        ...

    def publish_together(self, asked: Sequence[PublishAsked]) -> Sequence[Accepted | Refused | Exception]:
        """Each as `publish` would, for several callers at once; what it would have raised stands in its place."""
        ...

    def preview(self, caller: Caller, document: Mapping[str, Any]) -> Preview | Refused:
        """Who would get which field, and why, if it were published now. Publishes and records nothing."""
        ...

    def outcome(self, caller: Caller, event_id: str) -> EventOutcome | None:
        """What became of an event of the caller's own agency. None for any other, or when it is not known."""
        ...

    def poll(self, caller: Caller, *, limit: int, lease_seconds: int) -> Sequence[Delivery]:
        """Claim up to `limit` deliveries, urgent ones first, for `lease_seconds`; no two callers get the same one.

        A delivery that is not acknowledged in time can be claimed again. Empty when there is none.
        """
        ...

    def poll_together(self, asked: Sequence[PollAsked]) -> Sequence[Sequence[Delivery]]:
        """Each as `poll` would, for several callers at once."""
        ...

    def inbox(self, caller: Caller) -> Sequence[Summary]:
        """What waits for the caller's roles, by urgency and due time. There is no search (P-10)."""
        ...

    def open(self, caller: Caller, delivery_id: str) -> Delivery | TakenBack | None:
        """Show one. Recorded by person every time (P-11); the first time also as picked up (D-01).

        `TakenBack` when it was recalled or frozen: nobody is shown its content, and that it was asked for is recorded.
        None when there is no such delivery or it is not the caller's, which is recorded as a refused access.
        """
        ...

    def acknowledge(
        self,
        caller: Caller,
        delivery_id: str,
        outcome: AckOutcome,
        *,
        lease: str | None,
        note_code: NoteCode | None = None,
    ) -> AckAnswer:
        """Say what was done (D-02). The first answer stands; the same one again is no error.

        Who polled gives the lease. A person may acknowledge without one, even while the agency's software holds one.
        """
        ...

    def acknowledge_together(self, asked: Sequence[AcknowledgeAsked]) -> Sequence[AckAnswer]:
        """Each as `acknowledge` would, in the order given, for several callers at once."""
        ...

    def removed(self, caller: Caller, delivery_id: str) -> Removed | NotFound:
        """Confirm that what was taken back is removed from the agency's records (P-13). Recorded; again is no error.

        `delivery_id` is that of the delivery taken back, or of the message that asks for it. `NotFound` also when
        nobody asked for its removal.
        """
        ...

    def event_types(self, caller: Caller) -> Sequence[TypeInfo]:
        """All of the catalogue, sorted by name."""
        ...

    def profile(self, caller: Caller) -> Profile | None:
        """The caller's agency and roles; None when the agency is not in the rule set in force."""
        ...

    def delegate(
        self, caller: Caller, role: str, *, to_role: str | None, to_subject: str | None, until: int
    ) -> Delegation | Refused:
        """Hand one of the caller's own roles to a deputy role of the agency or to a colleague's id (D-09). Recorded."""
        ...

    def delegations(self, caller: Caller) -> Sequence[Delegation]:
        """Those in force that the caller gave or received."""
        ...

    def end_delegation(self, caller: Caller, delegation_id: str) -> bool:
        """End one that the caller gave. False when there is none."""
        ...

    def unavailable(self) -> str | None:
        """What is missing for work (rules, database, broker), for `/health/ready`; None when all is well."""
        ...


class Sessions(Protocol):
    """Browser sessions in PostgreSQL. Keys are digests: whoever reads the table cannot take a session over."""

    def put(self, key: bytes, data: Mapping[str, Any], *, now: int, expires_at: int) -> None:
        """Make or replace one."""
        ...

    def get(self, key: bytes, *, now: int, idle_ms: int) -> StoredSession | None:
        """The session, marked as seen now; None when absent, expired or idle for longer than `idle_ms`."""
        ...

    def drop(self, key: bytes) -> None:
        """Forget it; fine when there is none."""
        ...
