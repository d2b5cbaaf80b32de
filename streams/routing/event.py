"""What the router reads: an event that can be decided on, or a named reason why not."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.cutter import Cuts
from schemas.registry import EventType
from schemas.vocabulary import RejectReason
from streams.policy.facts import Facts
from streams.routing.release import Release


class Rejection(NamedTuple):
    """Why a record is not routed.

    Holds no value of the event but its id and type, where it could be read that far, so that its publisher finds it:
    the id only if it is a UUID, the type only if it is one of the contract's. Anything else could be a child's.
    """

    reason: RejectReason
    path: str | None
    explanation: str
    event_id: str | None = None
    event_type: str | None = None

    def about(self, read: Event | Rejection) -> Rejection:
        """The same, naming the event that was read (perhaps to be rejected as well)."""
        named = read.facts if isinstance(read, Event) else read
        return self._replace(event_id=named.event_id, event_type=named.event_type)


class Claim(NamedTuple):
    """Who the envelope says published it; compared with whose topic it came on."""

    category: str
    scheme: str | None
    identifier: str | None
    masa_id: str


class Event(NamedTuple):
    """A readable, valid event. `cuts` is None when it came the slow way; then `datum` is there.

    `times` is occurred and published time as encoded in `data`, when cut; `release` is there when it came again for
    those who waited.
    """

    event_type: EventType
    claim: Claim
    facts: Facts
    data: bytes
    cuts: Cuts | None
    datum: dict[str, Any] | None
    times: bytes | None = None
    release: Release | None = None

    @property
    def routed_as(self) -> str:
        """Under which name it is remembered as routed: an event released for somebody is something of its own."""
        identity = self.facts.event_id
        return identity if self.release is None else f"{identity}/{self.release.name}"
