"""The life of a delivery: what a receipt makes of it, as a pure function (D-01, D-02).

    AVAILABLE ─PICKED_UP─► PICKED_UP ─ACKNOWLEDGED─► ACKNOWLEDGED ─publisher told─► CLOSED
        └────────────────────ACKNOWLEDGED───────────────┘  └ NOT_OUR_CHILD, CANNOT_IDENTIFY ─► MISDIRECTED
    any ─recalled─► RETRACTED ─REMOVED─► CLOSED

A receipt either takes a delivery further or is refused by name; either is a transition on record. Nothing that a
recipient writes may stop the work, and nothing of it but ids of the known form and codes is repeated anywhere.
"""

from __future__ import annotations

import re
from enum import StrEnum
from hashlib import sha1
from typing import Any, NamedTuple
from uuid import UUID

from connectors.postgres.followup_store import Delivery, EarlyReceipt

EpochMillis = int

_NAMES = UUID("9a8f2b60-3c1d-5e0b-8a44-6d6173610005")  # name space of transition ids
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ROLE = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")


class State(StrEnum):
    """Where a delivery is. ROUTED and PROJECTED are AVAILABLE: the router does all three in one transaction."""

    AVAILABLE = "AVAILABLE"
    PICKED_UP = "PICKED_UP"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    CLOSED = "CLOSED"
    MISDIRECTED = "MISDIRECTED"
    RETRACTED = "RETRACTED"
    FROZEN = "FROZEN"
    EXPIRED = "EXPIRED"


class Refusal(StrEnum):
    """Why a receipt changed nothing."""

    UNREADABLE = "UNREADABLE"  # not a receipt, or ids that no delivery can have
    OTHER_AGENCY = "OTHER_AGENCY"  # only the addressee may say what became of a delivery
    OTHER_EVENT = "OTHER_EVENT"  # names another event than the delivery is of
    UNKNOWN_DELIVERY = "UNKNOWN_DELIVERY"
    UNKNOWN_KIND = "UNKNOWN_KIND"
    WITHOUT_OUTCOME = "WITHOUT_OUTCOME"
    REPEATED = "REPEATED"  # said before, in the same words
    OVERTAKEN = "OVERTAKEN"  # picked up, said after it was acknowledged
    CONTRADICTORY = "CONTRADICTORY"  # another outcome than the one said before, which stands
    RECALLED = "RECALLED"  # it was taken back: only its removal can be acknowledged
    NOT_RECALLED = "NOT_RECALLED"  # removal of what nobody took back


OPEN = frozenset({State.AVAILABLE.value, State.PICKED_UP.value})
ASK_MORE = "ASK_MORE"
REMOVED = "REMOVED"
REQUEST = "control.information-request"  # its clock runs until it is answered: to acknowledge is none (L-10)
MISDIRECTING = frozenset({"NOT_OUR_CHILD", "CANNOT_IDENTIFY"})
_OUTCOMES = frozenset({"NOTED", "ACTION_TAKEN", "REFERRED_ON", "DUPLICATE", ASK_MORE}) | MISDIRECTING
_ANSWERED = frozenset({State.ACKNOWLEDGED.value, State.CLOSED.value, State.MISDIRECTED.value})
_TAKEN_BACK = frozenset({State.RETRACTED.value, State.FROZEN.value})


class Transition(NamedTuple):
    """A datum of the transition schema, fields in its order."""

    transition_id: str
    delivery_id: str | None
    event_id: str | None
    agency: str
    before: str | None
    after: str | None
    outcome: str | None
    cause: str
    refusal: str | None
    late: bool
    at: EpochMillis

    def datum(self) -> dict[str, Any]:
        """For `schemas.codec.encode_record`."""
        names = (
            "transitionId",
            "deliveryId",
            "eventId",
            "agency",
            "from",
            "to",
            "outcome",
            "cause",
            "refusal",
            "late",
            "at",
        )
        return dict(zip(names, self, strict=True))


class Received(NamedTuple):
    """What a receipt made of its delivery; `delivery` is as it was when the receipt was refused."""

    delivery: Delivery
    transition: Transition


def transition(
    delivery: Delivery, after: str, *, cause: str, at: EpochMillis, outcome: str | None = None, late: bool = False
) -> Transition:
    """A change of `delivery`, as it was before, to the state `after`. The same cause gives the same id."""
    return Transition(
        transition_id(delivery.delivery_id, cause),
        delivery.delivery_id,
        delivery.event_id,
        delivery.agency,
        delivery.state,
        after,
        outcome,
        cause,
        None,
        late,
        at,
    )


def transition_id(delivery_id: str | None, cause: str) -> str:
    """A UUID of the cause and of what it was done to."""
    digest = bytearray(
        sha1(_NAMES.bytes + f"{delivery_id or ''}/{cause}".encode(), usedforsecurity=False).digest()[:16]
    )
    digest[6] = digest[6] & 0x0F | 0x50  # version 5, as RFC 9562 says; `uuid.uuid5` takes five times as long
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def cause_of(receipt: EarlyReceipt) -> str:
    """Its place in Kafka: one that is sent twice has two, and the second is refused as a repeat."""
    return f"receipt:{receipt.topic}:{receipt.partition}:{receipt.offset}"


def refused(receipt: EarlyReceipt, refusal: Refusal, delivery: Delivery | None = None) -> Transition:
    """The transition that says that a receipt changed nothing."""
    cause = cause_of(receipt)
    state = None if delivery is None else delivery.state
    return Transition(
        transition_id(receipt.delivery_id or None, cause),
        receipt.delivery_id or None,
        receipt.event_id or None,
        receipt.agency,
        state,
        state,
        receipt.outcome if receipt.outcome in _OUTCOMES else None,
        cause,
        refusal.value,
        False,
        receipt.at,
    )


def receive(delivery: Delivery, receipt: EarlyReceipt) -> Received:
    """What `receipt` makes of `delivery`. It is a receipt for this delivery id; all else is checked here."""
    refusal = _refusal(delivery, receipt)
    if refusal is not None:
        return Received(delivery, refused(receipt, refusal, delivery))
    after = _after(delivery, receipt)
    outcome = receipt.outcome if receipt.kind == "ACKNOWLEDGED" else None
    told = transition(
        delivery, after.state, cause=cause_of(receipt), at=receipt.at, outcome=outcome, late=_is_late(delivery, receipt)
    )
    return Received(after, told)


def sound(receipt: EarlyReceipt) -> bool:
    """Whether its ids have the form of ours: what a recipient wrote in them is repeated on record."""
    return all(_UUID.fullmatch(each) for each in (receipt.receipt_id, receipt.delivery_id, receipt.event_id))


def _refusal(delivery: Delivery, receipt: EarlyReceipt) -> Refusal | None:
    if receipt.agency != delivery.agency:
        return Refusal.OTHER_AGENCY
    if receipt.event_id != delivery.event_id:
        return Refusal.OTHER_EVENT
    if receipt.kind == REMOVED:
        if delivery.state == State.RETRACTED or (delivery.recalled_by is not None and delivery.outcome != REMOVED):
            return None
        return Refusal.REPEATED if delivery.outcome == REMOVED else Refusal.NOT_RECALLED
    if receipt.kind == "PICKED_UP":
        if delivery.state in _TAKEN_BACK:
            return Refusal.RECALLED
        if delivery.state == State.AVAILABLE:
            return None
        return Refusal.REPEATED if delivery.state == State.PICKED_UP else Refusal.OVERTAKEN
    return _acknowledgement_refusal(delivery, receipt) if receipt.kind == "ACKNOWLEDGED" else Refusal.UNKNOWN_KIND


def _acknowledgement_refusal(delivery: Delivery, receipt: EarlyReceipt) -> Refusal | None:
    if receipt.outcome not in _OUTCOMES:
        return Refusal.WITHOUT_OUTCOME
    if delivery.state in _TAKEN_BACK or delivery.outcome == REMOVED:
        return Refusal.RECALLED
    if delivery.state not in _ANSWERED:
        return None
    if receipt.outcome == delivery.outcome:
        return Refusal.REPEATED
    # Who asked for more was not done yet: what they say then is their answer.
    return None if delivery.outcome == ASK_MORE else Refusal.CONTRADICTORY


def _after(delivery: Delivery, receipt: EarlyReceipt) -> Delivery:
    role = receipt.role if receipt.role and _ROLE.fullmatch(receipt.role) else None
    if receipt.kind == REMOVED and delivery.state != State.RETRACTED:
        return delivery  # of a part of it, or of what is frozen: its life goes on
    if receipt.kind == REMOVED:
        return delivery._replace(state=State.CLOSED.value, outcome=REMOVED, next_due=None)
    picked_up = receipt.at if delivery.picked_up_at is None else delivery.picked_up_at
    if receipt.kind == "PICKED_UP":
        return delivery._replace(state=State.PICKED_UP.value, picked_up_at=picked_up)
    misdirected = receipt.outcome in MISDIRECTING
    return delivery._replace(
        state=State.MISDIRECTED.value if misdirected else State.ACKNOWLEDGED.value,
        outcome=receipt.outcome,
        picked_up_at=picked_up,
        acknowledged_at=receipt.at,
        acknowledged_role=role,
        next_due=delivery.next_due if delivery.event_type == REQUEST and not misdirected else None,
    )


def _is_late(delivery: Delivery, receipt: EarlyReceipt) -> bool:
    limit = {"PICKED_UP": delivery.pick_up_by, "ACKNOWLEDGED": delivery.ack_by}.get(receipt.kind)
    return limit is not None and receipt.at > limit


def scheduled(delivery: Delivery) -> Delivery:
    """The plainest schedule: the first deadline that has not been met. A ladder may say otherwise."""
    limits = [delivery.ack_by] if delivery.state == State.PICKED_UP else [delivery.pick_up_by, delivery.ack_by]
    return delivery._replace(next_due=min((each for each in limits if each is not None), default=None))
