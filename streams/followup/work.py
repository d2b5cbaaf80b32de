"""A poll's records sorted into what has to be done about them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from connectors.kafka import topics
from connectors.kafka.offset_consumer import Record
from connectors.postgres.followup_ladder import Answer
from connectors.postgres.followup_store import Delivery, EarlyReceipt
from schemas.codec import decode_event
from schemas.errors import ContractError
from schemas.registry import EventTypes
from streams.followup.audits import AuditReader
from streams.followup.hooks import Heard
from streams.followup.life import Transition
from streams.followup.receipts import ReceiptReader
from streams.followup.voice import HEARTBEAT


@dataclass(frozen=True, kw_only=True)
class Work:
    """In order of arrival within each partition."""

    deliveries: list[Delivery] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # answers that reached their publisher
    answers: list[Answer] = field(default_factory=list)  # to requests for information
    receipts: list[EarlyReceipt] = field(default_factory=list)
    refused: list[Transition] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    unreadable: int = 0


Sort = Callable[[Iterable[Record]], Work]


class Sorter:
    """Reads whatever arrives. Never raises for what a record holds."""

    def __init__(self, types: EventTypes) -> None:
        self._types = types
        self._audits = AuditReader()
        self._receipts = ReceiptReader()

    def sort(self, records: Iterable[Record]) -> Work:
        """All of it; `unreadable` counts records of our own topics that cannot be read, which nobody should see."""
        deliveries: list[Delivery] = []
        told: list[str] = []
        answers: list[Answer] = []
        receipts: list[EarlyReceipt] = []
        refused: list[Transition] = []
        heard: list[Heard] = []
        unreadable = 0
        for record in records:
            if record.topic == topics.AUDIT:
                audited = self._audits.read(record)
                if audited is None:
                    unreadable += 1
                    continue
                deliveries += audited.deliveries
                told += [audited.told] if audited.told is not None else []
                answers += [audited.answer] if audited.answer is not None else []
            elif record.topic.endswith(".receipts"):
                read = self._receipts.read(record)
                if isinstance(read, EarlyReceipt):
                    receipts.append(read)
                else:
                    refused.append(read)
            else:
                event = self._heard(record)
                unreadable += event is None
                heard += [event] if event is not None and event.event_type != HEARTBEAT else []
        return Work(
            deliveries=deliveries,
            told=told,
            answers=answers,
            receipts=receipts,
            refused=refused,
            heard=heard,
            unreadable=unreadable,
        )

    def _heard(self, record: Record) -> Heard | None:
        headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
        try:
            event = decode_event(record.value or b"", schema_ids=None, event_types=self._types)
        except ContractError:
            return None
        agency = headers.get("masa-recipient", "")
        return Heard(
            event_id=headers.get("ce_id", ""),
            event_type=headers.get("ce_type", ""),
            delivery_id=headers.get("masa-delivery-id", ""),
            area=agency.removesuffix("-exchange"),
            at=record.timestamp,
            datum=event.datum,
            value=record.value or b"",
            headers=headers,
        )
