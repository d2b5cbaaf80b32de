"""What a recall does to a delivery, and what its recipient is told. Pure.

A recall and a delivery meet in either order: whoever comes second is judged by the same functions, so neither is lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import NamedTuple

from connectors.kafka.publisher import Outgoing
from connectors.postgres.followup_recall import RecalledRow, RecallRow
from connectors.postgres.followup_store import Delivery
from schemas.vocabulary import AddressProtection
from streams.followup import life
from streams.followup import voice as say
from streams.followup.life import Transition
from streams.followup.telling import Speaker, about
from streams.followup.voice import NoticeKind, Recipient
from streams.recall.requests import NOT_GIVEN, Kind, Refusal, Request, about_identity

_NAMES = uuid.UUID("3b6f0d0e-9a51-5c1c-8d0f-6d6173610006")  # name space of recall ids
_OURS = "-exchange"
_EFFECTS = {Kind.FREEZE: "FROZEN", Kind.PROTECTION: "WITHOUT_PLACES"}
PENDING, ACTIVE, REFUSED, ENDED = "PENDING", "ACTIVE", "REFUSED", "ENDED"


class Taken(NamedTuple):
    """One delivery taken back: as it is now, what is on record of it, and the message to its recipient if there is."""

    delivery: Delivery
    transition: Transition
    row: RecalledRow
    told: Outgoing | None


def recall_id(by_event: str) -> str:
    """Id of the recall that a control event asks for; the same after a crash."""
    return str(uuid.uuid5(_NAMES, by_event))


def asked_for(request: Request, area: str, publisher: str, subject: str | None, original: str | None) -> RecallRow:
    """The recall that `publisher` asks for, pending; refused when it names nothing. `original` ends the chain."""
    about_child = request.kind in (Kind.PROTECTION, Kind.SEVERANCE)
    target = subject if about_child else original
    return RecallRow(
        recall_id=recall_id(request.event_id),
        kind=request.kind,
        state=PENDING if target is not None else REFUSED,
        area=area,
        event_id=(original or request.event_id) if not about_child or target is None else None,
        delivery_id=None,
        subject=subject if about_child else None,
        by_event=request.event_id,
        by_agency=publisher,
        by_person=None,
        because=None,
        ground=request.ground,
        fields=request.fields,
        replacement=request.replacement,
        level=request.level,
        at=request.at,
        remove_by=request.remove_by,
        notify_by=None,
        ended_at=None,
        refusal=None if target is not None else Refusal.NAMES_NOTHING.value,
    )


def judged(recall: RecallRow, publishers: Collection[str]) -> RecallRow:
    """A pending recall, now that the publishers of what it would take back are known; empty: nobody was told yet."""
    if recall.state != PENDING:
        return recall
    if recall.subject is not None or recall.by_person is not None:
        return recall._replace(state=ACTIVE)
    if not publishers:
        return recall
    if all(each == recall.by_agency for each in publishers):
        return recall._replace(state=ACTIVE)
    return recall._replace(state=REFUSED, refusal=Refusal.NOT_THE_PUBLISHER.value)


def recallable(delivery: Delivery) -> bool:
    """Whether recalls are about it at all: not what the exchange itself heard, nor what changes an identity."""
    return not delivery.agency.endswith(_OURS) and not about_identity(delivery.event_type)


def affects(recall: RecallRow, delivery: Delivery) -> bool:
    """Whether a delivery is what the recall is about."""
    named = (
        (recall.event_id is not None and recall.event_id == delivery.event_id)
        or (recall.delivery_id is not None and recall.delivery_id == delivery.delivery_id)
        or (recall.subject is not None and recall.subject == delivery.subject)
    )
    return named and recallable(delivery)


def effect_of(recall: RecallRow) -> str:
    """What the gateway does with what falls under it."""
    return _EFFECTS.get(Kind(recall.kind), "RECALLED")


def target_of(recall: RecallRow) -> str:
    """What the gateway looks it up by."""
    return recall.delivery_id or recall.event_id or recall.subject or ""


def take_back(
    recall: RecallRow, delivery: Delivery, places: tuple[str, ...], speaker: Speaker | None, *, quietly: bool
) -> Taken | None:
    """What an active recall does to a delivery that it affects; None when it leaves it alone.

    `places` are the leaves that tell where the child is and that this recipient got but may not know any more.
    `quietly`: the recipient must not even learn that there was a reason.
    """
    narrows = recall.kind == Kind.PROTECTION
    if narrows and not places:
        return None
    told = None
    if speaker is not None and not quietly and recall.kind != Kind.FREEZE:
        told = _notice(recall, delivery, places if narrows else None, speaker)
    state = delivery.state if narrows else "FROZEN" if recall.kind == Kind.FREEZE else "RETRACTED"
    removal = None if told is None else recall.remove_by
    after = delivery._replace(recalled_by=recall.recall_id)
    if not narrows:
        outcome = None if delivery.outcome == life.REMOVED else delivery.outcome
        after = after._replace(state=state, outcome=outcome, step=0, next_due=removal)
    row = RecalledRow(
        recall.recall_id, delivery.delivery_id, delivery.event_id, delivery.event_type, delivery.agency,
        delivery.source, delivery.state, list(places) if narrows else recall.fields, _notice_id(recall, delivery, told),
        recall.at, removal, None,
    )  # fmt: skip
    return Taken(after, life.transition(delivery, state, cause=f"recall:{recall.recall_id}", at=recall.at), row, told)


def refusal_notice(recall: RecallRow, speaker: Speaker | None) -> Outgoing | None:
    """Tells the front door that somebody tried to take back what is not theirs; it is an alarm in itself."""
    if speaker is None or speaker.front_door is None or recall.event_id is None:
        return None
    to = (Recipient(speaker.front_door, "front-door"),)
    return say.notice(
        speaker.voice,
        NoticeKind.RECALL_REFUSED,
        says=recall.recall_id,
        to=to,
        event_ids=(recall.event_id,),
        at=recall.at,
    )


def _notice(recall: RecallRow, delivery: Delivery, places: tuple[str, ...] | None, speaker: Speaker) -> Outgoing:
    told = about(delivery)
    fields: tuple[str, ...] | None = tuple(recall.fields or ()) if recall.kind == Kind.CORRECTION else None
    if places is not None:
        told, fields = told._replace(protection=AddressProtection.PROTECTED.value), places
    ground = "OTHER" if fields is not None and recall.ground == NOT_GIVEN else recall.ground
    return say.recall_notice(
        speaker.voice,
        told,
        recall_id=recall.recall_id,
        delivery_id=delivery.delivery_id,
        to=Recipient(delivery.agency),
        ground=ground,
        remove_by=recall.remove_by,
        corrected_fields=fields,
        replacement=recall.replacement if recall.kind != Kind.SEVERANCE else None,
        at=recall.at,
    )


def _notice_id(recall: RecallRow, delivery: Delivery, told: Outgoing | None) -> str | None:
    if told is None:
        return None
    return next(
        (v.decode() if isinstance(v, bytes) else v for name, v in told.headers if name == "ce_id" and v is not None),
        None,
    )
