"""The engine's part: requests in the exchange's inbox, deliveries as they become known, removals as they are confirmed.

Everything happens in the follow-up engine's transaction: state, what the gateway must not show, the messages to
recipients and the transitions are all there or none. A request waits for the audit record that says who published it
and under which pseudonym; a recall waits for deliveries for ever, and takes them back on the spot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from connectors.postgres import followup_recall as store
from connectors.postgres import followup_store
from connectors.postgres.connection import Connection
from connectors.postgres.followup_recall import RecallRow
from connectors.postgres.followup_store import Delivery
from connectors.postgres.outbox import enqueue
from streams.followup.hooks import Heard, Removal
from streams.followup.telling import SpeakerOf, transition_record
from streams.recall import plan
from streams.recall.requests import KIND_OF, Kind, Request, lowers, read

_LONGEST_CHAIN = 100
_OURS = "-exchange"

# The leaves of a delivery that tell where the child is and that its recipient may not know once it is protected.
PlacesGiven = Callable[[Connection, Delivery], tuple[str, ...]]
# Whether an agency must not even learn that a child's identity was severed.
Unaware = Callable[[str], bool]


class RecallEvents(Protocol):
    """What recalls tell: one method an occurrence."""

    def recall_taken(self, *, kind: str, deliveries: int) -> object: ...
    def recall_refused(self, *, refusal: str) -> object: ...
    def removal_confirmed(self, *, seconds: float) -> object: ...


class Recalls:
    """Implements `streams.followup.hooks.Recall`."""

    def __init__(
        self, speaker_of: SpeakerOf, places_given: PlacesGiven, unaware: Unaware, events: RecallEvents
    ) -> None:
        self._speaker_of, self._places, self._unaware, self._events = speaker_of, places_given, unaware, events

    def heard(self, connection: Connection, events: Sequence[Heard]) -> None:
        """Requests, each begun once its audit record has been read."""
        kept = []
        for each in events:
            request = read(each.event_type, each.event_id, each.datum, each.at)
            if request is not None:
                store.keep_heard(connection, each.delivery_id, each.area, request._asdict())
                kept.append(each.delivery_id)
        self._begin(connection, kept)

    def recorded(self, connection: Connection, deliveries: Sequence[Delivery]) -> None:
        """Begin requests whose audit record this was, then take back what was recalled before it was known."""
        own = [each.delivery_id for each in deliveries if each.agency.endswith(_OURS) and each.event_type in KIND_OF]
        self._begin(connection, own)
        others = [each for each in deliveries if plan.recallable(each)]
        for recall in store.concerning(connection, others) if others else ():
            self._meet(connection, recall, [each for each in others if plan.affects(recall, each)])

    def removed(self, connection: Connection, removals: Sequence[Removal]) -> None:
        """Note removals; how long each took is counted."""
        for each in removals:
            for made in store.removed(connection, each.delivery.delivery_id, each.at):
                self._events.removal_confirmed(seconds=max(0, each.at - made) / 1000)

    def begin(self, connection: Connection, recall: RecallRow) -> RecallRow:
        """Store a recall and carry it out as far as its deliveries are known; the recall as it then is.

        For requests, and for a person's command.
        """
        if not store.keep(connection, recall):
            return store.by_id(connection, recall.recall_id) or recall
        if recall.state == plan.REFUSED:
            self._refuse(connection, recall)
            return recall
        # Before who published it is known: withheld for a moment too long is better than shown once too often.
        store.block(connection, recall.recall_id, plan.target_of(recall), plan.effect_of(recall))
        affected = [each for each in store.affected(connection, recall) if plan.recallable(each)]
        return self._meet(connection, recall, affected)

    # --- requests ---

    def _begin(self, connection: Connection, delivery_ids: Sequence[str]) -> None:
        known = store.known_now(connection, delivery_ids)
        for area, plain, own in sorted(known, key=lambda each: (each[1]["at"], each[1]["event_id"])):
            if not own.source.endswith(_OURS):  # the exchange's own word is no request
                self._asked(connection, area, Request(**plain), own)

    def _asked(self, connection: Connection, area: str, request: Request, own: Delivery) -> None:
        if lowers(request):
            self._lower(connection, request, own.subject)
            return
        original = self._root(connection, request.original)
        recall = plan.asked_for(request, area, own.source, own.subject, original)
        began = self.begin(connection, recall)
        # What named this request before it was known, was about the original all the time.
        for waiting in store.pending_on(connection, request.event_id):
            store.unblock(connection, waiting.recall_id)
            moved = waiting._replace(event_id=began.event_id)
            store.block(connection, moved.recall_id, plan.target_of(moved), plan.effect_of(moved))
            store.settle(connection, moved)
            affected = [each for each in store.affected(connection, moved) if plan.recallable(each)]
            self._meet(connection, moved, affected)

    def _root(self, connection: Connection, event_id: str | None) -> str | None:
        """The original at the end of a chain of corrections."""
        for _ in range(_LONGEST_CHAIN):
            before = None if event_id is None else store.by_event(connection, event_id)
            if before is None or before.event_id in (None, event_id):
                return event_id
            event_id = before.event_id
        return event_id

    def _lower(self, connection: Connection, request: Request, subject: str | None) -> None:
        """A protection ends: what comes from now on is shown whole. What was asked to be removed stays asked."""
        for each in store.of_subject(connection, subject, Kind.PROTECTION.value) if subject is not None else ():
            store.settle(connection, each._replace(state=plan.ENDED, ended_at=request.at))
            store.unblock_target(connection, each.recall_id, subject or "")

    # --- deliveries ---

    def _meet(self, connection: Connection, recall: RecallRow, deliveries: Sequence[Delivery]) -> RecallRow:
        """A recall and deliveries that it affects, whichever came first."""
        judged = plan.judged(recall, {each.source for each in deliveries})
        if judged is not recall:
            store.settle(connection, judged)
        if judged.state == plan.REFUSED:
            store.unblock(connection, judged.recall_id)
            self._refuse(connection, judged)
        elif judged.state == plan.ACTIVE:
            self._take(connection, judged, deliveries)
        return judged

    def _take(self, connection: Connection, recall: RecallRow, deliveries: Iterable[Delivery]) -> None:
        rows = followup_store.locked(connection, {each.delivery_id for each in deliveries})
        taken = [done for each in rows.values() if (done := self._one(connection, recall, each)) is not None]
        effect = plan.effect_of(recall)
        if recall.kind == Kind.PROTECTION:
            for each in taken:  # stays narrowed after the protection ends: its removal was asked for
                store.block(connection, recall.recall_id, each.delivery.delivery_id, effect)
        else:
            store.mark(connection, recall, effect)
        followup_store.update(connection, [each.delivery for each in taken])
        store.take(connection, [each.row for each in taken])
        enqueue(connection, [transition_record(each.transition) for each in taken])
        enqueue(connection, [each.told for each in taken if each.told is not None])
        self._events.recall_taken(kind=recall.kind, deliveries=len(taken))

    def _one(self, connection: Connection, recall: RecallRow, delivery: Delivery) -> plan.Taken | None:
        if delivery.recalled_by == recall.recall_id:
            return None
        places = self._places(connection, delivery) if recall.kind == Kind.PROTECTION else ()
        quietly = recall.kind == Kind.SEVERANCE and self._unaware(delivery.agency)
        return plan.take_back(recall, delivery, places, self._speaker_of(recall.area), quietly=quietly)

    def _refuse(self, connection: Connection, recall: RecallRow) -> None:
        told = plan.refusal_notice(recall, self._speaker_of(recall.area))
        if told is not None:
            enqueue(connection, [told])
        self._events.recall_refused(refusal=recall.refusal or "")
