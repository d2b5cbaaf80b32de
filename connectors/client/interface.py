"""What an agency's own software programs against: `Publisher` and `Inbox`, the same whichever door is behind them.

Two doors implement both: Kafka (`connectors.client.kafka`) and HTTP (`connectors.client.http`). The same promises hold
for each, and the same tests run on both:

- An event that was `Sent` is durable in all in-sync replicas; nobody need have been told yet.
- A delivery that is not acknowledged within the lease is handed out again, by this process or another.
- One that was acknowledged through an inbox is never handed out by it again, nor by a later one that remembers it
  (`connectors.client.handled`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, Self

from connectors.errors import RefuseRecord
from connectors.http.values import ACK_OUTCOMES, AckOutcome

__all__ = ["ACK_OUTCOMES", "AckOutcome"]

DEFAULT_LEASE_SECONDS = 60
MOST_AT_ONCE = 100  # deliveries in one answer


class Problem(NamedTuple):
    """One thing wrong with an event. Never repeats a value of it."""

    pointer: str  # JSON pointer (RFC 6901) into the event; "" for the whole
    code: str  # schemas.vocabulary.RejectReason
    detail: str  # what is wrong, and what would be right


class EventRefused(RefuseRecord):
    """This event breaks the contract, or its id stands for another event. Mend it; sending it again is useless."""

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        self.problems = tuple(problems)
        said = "; ".join(f"{each.pointer or 'event'}: {each.detail}" for each in self.problems[:10])
        super().__init__(f"{message}: {said}" if said else message)


class NotAcknowledged(RefuseRecord):
    """Another answer stands, or somebody else of the agency has the delivery now. Do not answer it again."""


class Sent(NamedTuple):
    """Where an event is, in all in-sync replicas."""

    event_id: str
    topic: str
    partition: int
    offset: int
    repeated: bool  # it had been published before; nothing was published again


class Received(NamedTuple):
    """One delivery: the event as it was minimised for this agency. Times are ISO 8601 in UTC."""

    delivery_id: str
    event_id: str
    event_type: str
    event: Mapping[str, Any] | None  # JSON form; None when it cannot be read, `problem` says why
    problem: str | None
    roles: tuple[str, ...]  # roles of this agency whom it is for
    withheld: tuple[str, ...]  # paths of fields that were not shared, so that null is not mistaken for unknown
    available_at: str
    ack_by: str | None
    headers: Mapping[str, str]
    lease: str | None = None  # what the door knows this handing-out by


class Publisher(Protocol):
    """Publishes as one agency. Not thread-safe."""

    def publish(self, event: Mapping[str, Any], /) -> Sent:
        """Publish one event in JSON form. Blocks until it is durable or patience ends.

        The same event id with the same content has effect once. Raises EventRefused (mend it), RetryLater (nobody
        answered; may be called again with the same event), NotPermitted, ChangeSettings.
        """
        ...

    def publish_all(self, events: Iterable[Mapping[str, Any]], /) -> list[Sent | EventRefused]:
        """Publish many, each on its own; an answer for each, in order. Raises as `publish`, but for EventRefused."""
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Inbox(Protocol):
    """Receives as one agency. Not thread-safe."""

    def receive(self, most: int = 10, *, wait_seconds: float = 0.0) -> list[Received]:
        """Up to `most` deliveries, after at most `wait_seconds` when there is none. Recorded as picked up.

        Raises RetryLater, NotPermitted, ChangeSettings.
        """
        ...

    def acknowledge(self, delivery: Received, outcome: AckOutcome, /) -> None:
        """Say what was done. The first answer stands; the same answer again is no error. Durable on return.

        Raises NotAcknowledged; RetryLater: the answer is remembered and given again when the delivery comes again.
        """
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


def received(
    headers: Mapping[str, str], event: Mapping[str, Any] | None, problem: str | None, *, available_at: str
) -> Received:
    """A delivery by its headers, which are the same at both doors."""
    return Received(
        delivery_id=headers.get("masa-delivery-id", ""),
        event_id=headers.get("ce_id", ""),
        event_type=headers.get("ce_type", ""),
        event=event,
        problem=problem,
        roles=_listed(headers.get("masa-role")),
        withheld=_listed(headers.get("masa-withheld")),
        available_at=available_at,
        ack_by=headers.get("masa-ack-by"),
        headers=headers,
    )


def one_of(answers: list[Sent | EventRefused]) -> Sent:
    """The answer about a single event, a refusal raised."""
    (answer,) = answers
    if isinstance(answer, EventRefused):
        raise answer
    return answer


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(each for each in (text or "").split(",") if each)
