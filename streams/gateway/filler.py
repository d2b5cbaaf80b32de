"""The filler: `gateway.inbox` into PostgreSQL, each delivery once in effect.

The offset to go on from is stored in the transaction that stored the deliveries before it; Kafka's own group offsets
play no part. A delivery's id is the table's key, so that what a router wrote anew after a crash is one row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from connectors.errors import RetryLater
from connectors.kafka.offset_consumer import OffsetConsumer, Record
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import GATEWAY_INBOX
from connectors.keeping import Loop, keep
from connectors.postgres.gateway_fill import FillWriter
from connectors.postgres.gateway_store import NewDelivery
from connectors.sealing import Sealer
from schemas.codec import decode_event
from schemas.errors import ContractError
from schemas.registry import EventTypes
from streams.gateway.shown import URGENCIES
from streams.recall.requests import about_identity

_BATCH_RECORDS = 1_000
_BATCH_WAIT_S = 0.1
_PARTITIONS_EVERY_S = 30.0  # partitions added to the inbox are found after at most this long


class FillerTelemetry(Protocol):
    def gateway_filled(self, *, deliveries: int, unreadable: int) -> object: ...
    def gateway_behind(self, records: int) -> object: ...


def arrived(record: Record, types: EventTypes, sealer: Sealer) -> NewDelivery | None:
    """The delivery in a record, its content sealed; None when its headers do not even say whose it is.

    One whose content cannot be read is stored all the same, as most urgent: a person must look (D-08).
    """
    headers = {
        name: (value or b"").decode("utf-8", "replace").replace("\0", "\ufffd") for name, value in record.headers
    }
    identity, agency, event_id = (headers.get(name) for name in ("masa-delivery-id", "masa-recipient", "ce_id"))
    if not identity or not agency or not event_id:
        return None
    try:
        envelope = decode_event(record.value or b"", schema_ids=None, event_types=types).datum["envelope"]
    except ContractError:
        envelope = {"urgency": "UNKNOWN", "masaId": None}
    return NewDelivery(
        delivery_id=identity,
        agency=agency,
        event_id=event_id,
        event_type=headers.get("ce_type", ""),
        urgency=next((rank for rank, each in enumerate(URGENCIES) if each == envelope["urgency"]), 0),
        source_area=envelope["masaId"],
        roles=tuple(role for role in headers.get("masa-role", "").split(",") if role),
        available_at=record.timestamp,
        ack_by=_instant(headers.get("masa-ack-by")),
        headers=headers,
        value=sealer.seal(record.value or b"", identity),
        subject=None if about_identity(headers.get("ce_type", "")) else _text(record.key) or None,
    )


def fill(
    settings: KafkaSettings,
    database_url: str,
    read: Callable[[Record], NewDelivery | None],
    telemetry: FillerTelemetry,
    loop: Loop,
) -> None:
    """Until told to stop; `read` is `arrived`. Raises what only a supervisor or an operator can deal with."""
    keep(lambda: _Session(settings, database_url, read, telemetry), loop)


class _Session:
    """One writer and one consumer that started from what the writer's database said."""

    def __init__(
        self,
        settings: KafkaSettings,
        url: str,
        read: Callable[[Record], NewDelivery | None],
        telemetry: FillerTelemetry,
    ) -> None:
        self._read, self._telemetry = read, telemetry
        self._writer = FillWriter(url, GATEWAY_INBOX)
        self._consumer = OffsetConsumer(settings, client_id="masa-gateway-filler")
        try:
            stored = self._writer.positions()
            self._partitions = self._consumer.partitions(GATEWAY_INBOX)
            self._looked_at = time.monotonic()
            self._positions: dict[int, int | None] = {
                each.partition: stored.get(each.partition) for each in self._partitions
            }
            self._consumer.assign({each: self._positions[each.partition] for each in self._partitions})
        except BaseException:
            self.close()
            raise

    def step(self) -> None:
        """One poll, and one transaction if it brought anything."""
        if time.monotonic() - self._looked_at > _PARTITIONS_EVERY_S:
            self._look_for_partitions()
        polled = self._consumer.poll(_BATCH_RECORDS, _BATCH_WAIT_S)
        moves = polled.moves(self._positions)
        if moves:
            self._write(polled.records, moves)
            self._positions |= {number: following for number, (_, following) in moves.items()}
        known = {each: at for each in self._partitions if (at := self._positions[each.partition]) is not None}
        self._telemetry.gateway_behind(self._consumer.behind(known))

    def _look_for_partitions(self) -> None:
        self._looked_at = time.monotonic()
        if self._consumer.partitions(GATEWAY_INBOX) != self._partitions:
            raise RetryLater("partitions were added: begin anew with all of them")

    def _write(self, records: Sequence[Record], moves: dict[int, tuple[int | None, int]]) -> None:
        found = [self._read(record) for record in records]
        deliveries = [each for each in found if each is not None]
        new = self._writer.write(deliveries, moves)
        if found:
            self._telemetry.gateway_filled(deliveries=new, unreadable=len(found) - len(deliveries))

    def close(self) -> None:
        try:
            self._consumer.close()
        finally:
            self._writer.close()


def _text(value: bytes | None) -> str:
    """PostgreSQL's text cannot hold U+0000."""
    return (value or b"").decode("utf-8", "replace").replace("\0", "\ufffd")


def _instant(text: str | None) -> int | None:
    if not text:
        return None
    try:
        return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
    except ValueError:
        return None
