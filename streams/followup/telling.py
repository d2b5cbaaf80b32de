"""What the exchange says when a recipient has answered: to the publisher, and to the front door if it was not theirs.

Pure. The publisher gets the outcome's code and nothing else (D-11).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from connectors.kafka import topics
from connectors.kafka.publisher import Outgoing
from connectors.postgres.followup_store import Delivery, EarlyReceipt
from schemas.framing import frame
from schemas.leaf_bytes import NULL, PRESENT, long_bytes, string_bytes
from schemas.registry import record_wire
from schemas.vocabulary import Urgency
from streams.followup import voice as say
from streams.followup.life import Transition
from streams.followup.quick_answers import acknowledged
from streams.followup.voice import About, NoticeKind, Recipient, Voice

FRONT_DOOR = "front-door"  # role
_OURS = "-exchange"


class Speaker(NamedTuple):
    """The exchange of one area, and who decides there what nobody else took on."""

    voice: Voice
    front_door: str | None  # agency


# The speaker of an area; None when its exchange takes no part under the rules in force: nothing is said then.
SpeakerOf = Callable[[str], Speaker | None]


class Answer(NamedTuple):
    """What is said of one acknowledgement; `event_id` is the one that tells the publisher."""

    event_id: str
    records: list[Outgoing]


def nobody(area: str) -> Speaker | None:
    """Nothing is said."""
    return None


def about(delivery: Delivery) -> About:
    """What a message about this delivery may say of its event."""
    return About(
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        protection=delivery.protection,
        restricted=delivery.restricted,
        urgency=delivery.urgency,
    )


def answer(delivery: Delivery, receipt: EarlyReceipt, speaker_of: SpeakerOf) -> Answer | None:
    """What is said of a delivery that `receipt` has acknowledged.

    None for what an exchange itself said: to answer that would go round and round.
    """
    speaker = None if delivery.source.endswith(_OURS) else speaker_of(delivery.area)
    if speaker is None or receipt.outcome is None:
        return None
    event_id, record = acknowledged(
        speaker.voice,
        about(delivery),
        delivery_id=delivery.delivery_id,
        receipt_id=receipt.receipt_id,
        outcome=receipt.outcome,
        publisher=delivery.source,
        at=receipt.at,
    )
    return Answer(event_id, [record])


def misdirected(delivery: Delivery, at: int, speaker_of: SpeakerOf) -> list[Outgoing]:
    """Tells the front door that an event reached the wrong place: somebody must find the right one (R-04)."""
    speaker = speaker_of(delivery.area)
    if speaker is None or speaker.front_door is None:
        return []
    urgent = delivery.urgency in (Urgency.IMMEDIATE, Urgency.URGENT)
    return [
        say.notice(
            speaker.voice,
            NoticeKind.MISDIRECTED,
            says=delivery.delivery_id,
            to=(Recipient(speaker.front_door, FRONT_DOOR),),
            event_ids=(delivery.event_id,),
            about=about(delivery),
            urgency=Urgency.URGENT if urgent else Urgency.ROUTINE,
            at=at,
        )
    ]


def transition_record(transition: Transition) -> Outgoing:
    """As a record of `masa.transitions`, keyed by its delivery so that one delivery's stay in order."""
    key = (transition.delivery_id or transition.transition_id).encode()
    return Outgoing(topics.TRANSITIONS, transition_value(transition), key)


def transition_value(transition: Transition) -> bytes:
    """What `schemas.codec.encode_record` gives for `transition.datum()`, joined by hand: there is one a receipt."""
    identity, delivery, event, agency, before, after, outcome, cause, refusal, late, at = transition
    return b"".join(
        (
            _frame(),
            string_bytes(identity),
            _text(delivery),
            _text(event),
            string_bytes(agency),
            _text(before),
            _text(after),
            _text(outcome),
            string_bytes(cause),
            _text(refusal),
            b"\1" if late else b"\0",
            long_bytes(at),
        )
    )


@cache
def _frame() -> bytes:
    return frame(record_wire("transition").fingerprint, b"")


def _text(value: str | None) -> bytes:
    return NULL if value is None else PRESENT + string_bytes(value)
