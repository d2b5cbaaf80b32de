"""Requests of callers, each by itself, so that several can be handed on together (see `rounds`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from connectors.http.values import Accepted, AckAnswer, AckOutcome, Caller, Delivery, NoteCode, Refused, Submission

if TYPE_CHECKING:
    from connectors.http.ports import Doors


class PublishAsked(NamedTuple):
    """One event that a caller wants published."""

    caller: Caller
    submission: Submission


class PollAsked(NamedTuple):
    """One poll of a caller's inbox."""

    caller: Caller
    limit: int
    lease_seconds: int


class AcknowledgeAsked(NamedTuple):
    """What a caller did with one delivery."""

    caller: Caller
    delivery_id: str
    outcome: AckOutcome
    lease: str | None
    note_code: NoteCode | None = None


class EachAlone:
    """The part of `ports.Doors` about several at once, for those that gain nothing by it: one after the other."""

    def publish_together(self: Doors, asked: Sequence[PublishAsked]) -> Sequence[Accepted | Refused | Exception]:
        return [self.publish_batch(each.caller, [each.submission])[0] for each in asked]

    def poll_together(self: Doors, asked: Sequence[PollAsked]) -> Sequence[Sequence[Delivery]]:
        return [self.poll(each.caller, limit=each.limit, lease_seconds=each.lease_seconds) for each in asked]

    def acknowledge_together(self: Doors, asked: Sequence[AcknowledgeAsked]) -> Sequence[AckAnswer]:
        return [
            self.acknowledge(each.caller, each.delivery_id, each.outcome, lease=each.lease, note_code=each.note_code)
            for each in asked
        ]
