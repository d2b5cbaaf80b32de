"""What the router reads: an event that can be decided on, or a named reason why not."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.cutter import Cuts
from schemas.registry import EventType
from schemas.vocabulary import RejectReason
from streams.policy.facts import Facts


class Rejection(NamedTuple):
    """Why a record is not routed. Holds no value of the event."""

    reason: RejectReason
    path: str | None
    explanation: str


class Claim(NamedTuple):
    """Who the envelope says published it; compared with whose topic it came on."""

    category: str
    scheme: str | None
    identifier: str | None
    masa_id: str


class Event(NamedTuple):
    """A readable, valid event. `cuts` is None when it came the slow way; then `datum` is there.

    `times` is occurred and published time as encoded in `data`, when cut.
    """

    event_type: EventType
    claim: Claim
    facts: Facts
    data: bytes
    cuts: Cuts | None
    datum: dict[str, Any] | None
    times: bytes | None = None
