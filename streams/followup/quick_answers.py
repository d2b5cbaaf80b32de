"""Acknowledgements to publishers from a message that was encoded once: the same bytes as `voice.acknowledged` gives.

One goes out for each acknowledgement that comes in, and checking and encoding each anew would take most of the time
that a receipt takes. What differs between two of one publisher with one outcome are two ids and an instant: they are
put in the places of the ones that the first was made with. Whatever does not fit exactly is made the plain way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from connectors.client.outbox import encoded_outbox_record
from connectors.kafka.publisher import Outgoing
from schemas.leaf_bytes import long_bytes
from streams.followup import voice as say
from streams.followup.voice import ACKNOWLEDGEMENT, About, Voice

_EVENT, _DELIVERY, _RECEIPT = (f"5a5a5a5a-5a5a-5a5a-8a5a-{number:012x}" for number in (1, 2, 3))
_AT = 1_790_123_456_789
_INSTANTS = 4  # occurred, recorded, published, acknowledged
_ID_CHARACTERS = 36
_KEPT = 20_000  # publishers times outcomes times markings


class _Template(NamedTuple):
    value: bytes
    event_id: bytes
    at: bytes


def acknowledged(
    voice: Voice, about: About, *, delivery_id: str, receipt_id: str, outcome: str, publisher: str, at: int
) -> tuple[str, Outgoing]:
    """The event's id and its record."""
    event_id = say.event_id(voice.area, f"ack/{delivery_id}/{receipt_id}")
    template = _template(
        _Speaking(voice), about.protection, about.restricted, about.do_not_disclose, outcome, publisher
    )
    if template is None or len(about.event_id) != _ID_CHARACTERS:
        plain = say.acknowledged(
            voice, about, delivery_id=delivery_id, receipt_id=receipt_id, outcome=outcome, publisher=publisher, at=at
        )
        return event_id, plain
    value = template.value.replace(template.event_id, event_id.encode(), 1)
    value = value.replace(_EVENT.encode(), about.event_id.encode(), 1).replace(template.at, long_bytes(at))
    record = encoded_outbox_record(
        voice.event_types[ACKNOWLEDGEMENT],
        value,
        event_id=event_id,
        occurred_at=at,
        key=about.event_id,
        area=voice.area,
        agency=voice.agency,
        gateway=False,
    )
    return event_id, record


class _Speaking:
    """A voice that can be looked up: the same area under the same event types."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice

    def __hash__(self) -> int:
        return hash(self.voice.area)

    def __eq__(self, other: object) -> bool:
        mine, theirs = self.voice, other.voice if isinstance(other, _Speaking) else None
        return theirs is not None and mine.area == theirs.area and mine.event_types is theirs.event_types


@lru_cache(_KEPT)
def _template(
    speaking: _Speaking, protection: str, restricted: bool, do_not_disclose: bool, outcome: str, publisher: str
) -> _Template | None:
    """None when the places of what differs are not certain."""
    about = About(_EVENT, "", protection=protection, restricted=restricted, do_not_disclose=do_not_disclose)
    voice = speaking.voice
    made = say.acknowledged(
        voice, about, delivery_id=_DELIVERY, receipt_id=_RECEIPT, outcome=outcome, publisher=publisher, at=_AT
    )
    event_id = say.event_id(voice.area, f"ack/{_DELIVERY}/{_RECEIPT}").encode()
    value, at = made.value or b"", long_bytes(_AT)
    certain = (value.count(event_id), value.count(_EVENT.encode()), value.count(at)) == (1, 1, _INSTANTS)
    return _Template(value, event_id, at) if certain else None
