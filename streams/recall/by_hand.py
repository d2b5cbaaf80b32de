"""Recalls that a person makes: an event taken back, one delivery frozen or let go again (P-13, P-14).

Each works in the caller's open transaction: what the gateway shows changes at the commit, and so does the record of who
did it and why.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.kafka.publisher import Outgoing
from connectors.operations import Operation, operation_record
from connectors.postgres import followup_recall as store
from connectors.postgres import followup_store
from connectors.postgres.connection import Connection
from connectors.postgres.followup_recall import RecallRow
from connectors.postgres.followup_store import Delivery
from connectors.postgres.outbox import enqueue
from streams.followup import life
from streams.followup.telling import Speaker, about, transition_record
from streams.followup.voice import NoticeKind, Recipient, Voice, notice
from streams.recall import plan
from streams.recall.engine import Recalls
from streams.recall.requests import HOUR_MS, REMOVE_WITHIN_MS, Kind

NOTIFY_WITHIN_MS = 72 * HOUR_MS  # Article 33(1) UK GDPR
GROUNDS = (
    "WRONG_CHILD", "INACCURATE", "UNLAWFUL", "PROTECTED_ADDRESS", "SENT_TO_WRONG_RECIPIENT", "DUPLICATE",
    "GROUND_NOT_GIVEN",
)  # fmt: skip
_CONTACT = "safeguarding-contact"


@dataclass(frozen=True, kw_only=True)
class By:
    """Who does it, when and why; `identity` is the id of the recall and of the operation."""

    person: str
    because: str
    at: int
    identity: str


class _Untold:
    """A command prints what it did; the engine's figures are the engine's."""

    def recall_taken(self, *, kind: str, deliveries: int) -> None: ...
    def recall_refused(self, *, refusal: str) -> None: ...
    def removal_confirmed(self, *, seconds: float) -> None: ...


def take_back(connection: Connection, event_id: str, area: str, ground: str, by: By) -> RecallRow:
    """Take every delivery of an event back, those that are not known yet when they are."""
    recall = _by_person(Kind.RETRACTION, area, ground, by)._replace(
        event_id=event_id, remove_by=by.at + REMOVE_WITHIN_MS[Kind.RETRACTION]
    )
    made = _recalls(area).begin(connection, recall)
    count = len(store.holders(connection, made.recall_id))
    enqueue(connection, [_operation("recall.made", event_id, by, ground=ground, deliveries=str(count))])
    return made


def freeze(connection: Connection, delivery_id: str, area: str, by: By) -> RecallRow:
    """Let nobody open one delivery any more, and start the 72 hours of Article 33; its publisher is told."""
    recall = _by_person(Kind.FREEZE, area, "SENT_TO_WRONG_RECIPIENT", by)._replace(
        delivery_id=delivery_id, notify_by=by.at + NOTIFY_WITHIN_MS
    )
    frozen = followup_store.locked(connection, [delivery_id]).get(delivery_id)
    made = _recalls(area).begin(connection, recall)
    told = [] if frozen is None else [_misdelivery(frozen, made, area)]
    enqueue(connection, [*told, _operation("recall.frozen", delivery_id, by)])
    return made


def frozen_now(connection: Connection, delivery_id: str) -> RecallRow | None:
    """The freeze that a delivery is under."""
    return store.freeze_of(connection, delivery_id)


def thaw(connection: Connection, recall: RecallRow, by: By) -> None:
    """Let a frozen delivery go on where it stood."""
    store.settle(connection, recall._replace(state=plan.ENDED, ended_at=by.at))
    store.unblock(connection, recall.recall_id)
    for each in store.holders(connection, recall.recall_id):
        row = followup_store.locked(connection, [each.delivery_id]).get(each.delivery_id)
        if row is not None and row.recalled_by == recall.recall_id:
            after = row._replace(state=each.before, recalled_by=None)
            followup_store.update(connection, [life.scheduled(after) if after.state in life.OPEN else after])
            told = life.transition(row, after.state, cause=f"recall:{by.identity}", at=by.at)
            enqueue(connection, [transition_record(told)])
    enqueue(connection, [_operation("recall.thawed", recall.delivery_id or "", by)])


def _recalls(area: str) -> Recalls:
    speaker = Speaker(Voice(area=area), None)
    return Recalls(lambda _: speaker, lambda connection, delivery: (), lambda agency: False, _Untold())


def _by_person(kind: Kind, area: str, ground: str, by: By) -> RecallRow:
    return RecallRow(
        recall_id=by.identity, kind=kind.value, state=plan.PENDING, area=area, event_id=None, delivery_id=None,
        subject=None, by_event=None, by_agency=None, by_person=by.person, because=by.because, ground=ground,
        fields=None, replacement=None, level=None, at=by.at, remove_by=None, notify_by=None, ended_at=None,
        refusal=None,
    )  # fmt: skip


def _misdelivery(frozen: Delivery, recall: RecallRow, area: str) -> Outgoing:
    """Its publisher must judge whether it is a breach that is to be notified, and by when."""
    return notice(
        Voice(area=area),
        NoticeKind.MISDELIVERY,
        says=recall.recall_id,
        to=(Recipient(frozen.source, _CONTACT),),
        event_ids=(frozen.event_id,),
        about=about(frozen),
        until=recall.notify_by,
        at=recall.at,
    )


def _operation(kind: str, target: str, by: By, **details: str) -> Outgoing:
    done = Operation(
        operation_id=by.identity,
        at=by.at,
        actor=by.person,
        kind=kind,
        target=target,
        reason=by.because,
        result="DONE",
        details=details,
    )
    return operation_record(done)
