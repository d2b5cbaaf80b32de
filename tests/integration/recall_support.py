"""Recalls on a real database: the engine's own transaction, the shipped rules, a gateway beside; Kafka left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from connectors.kafka import topics
from connectors.kafka.publisher import Outgoing
from connectors.postgres.connection import connect
from connectors.postgres.followup_recall import Holder, RecallRow, holders, listed
from connectors.postgres.followup_store import Delivery, EarlyReceipt, of_event
from connectors.postgres.outbox import queued
from schemas.codec import decode_event, decode_record
from schemas.pseudonym import delivery_id
from schemas.registry import load_event_types
from streams.followup import batch, life
from streams.followup.batch import Parts
from streams.followup.hooks import Heard
from streams.followup.telling import Speaker
from streams.followup.voice import Voice
from streams.followup.work import Work
from streams.recall.engine import Recalls
from streams.recall.standing import Standing
from tests.events import NOW_MS, an_event, event_type
from tests.integration.gateway_support import INCIDENT, Bench

POLICE, FRONT_DOOR, GP = "northshire-police", "northshire-csc", "elm-street-surgery"
EXCHANGE = "northshire-exchange"
TABLES = "followup.block, followup.recalled, followup.recall, followup.recall_heard, followup.delivery"


def event_id(number: int) -> str:
    """As `gateway_support.record` numbers them."""
    return f"01a0fd32-2d00-7000-8000-{number:012d}"


def a_delivery(number: int, agency: str, **changes: Any) -> Delivery:
    """One of the `number`th event of the police, as its audit record tells."""
    made = Delivery(
        delivery_id(event_id(number), agency, 1), event_id(number), INCIDENT, agency, POLICE, ["dsl"], "northshire",
        "PT4H", "URGENT", "NONE", False, "5" * 32, NOW_MS, NOW_MS + 14_400_000, None, "AVAILABLE", None, None, None,
        None, 0, None, None, None,
    )  # fmt: skip
    return made._replace(**changes)


class Counted:
    """Counts what recalls tell."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.seconds: list[float] = []

    def recall_taken(self, *, kind: str, deliveries: int) -> None:
        self.counts[kind] += deliveries

    def recall_refused(self, *, refusal: str) -> None:
        self.counts[refusal] += 1

    def removal_confirmed(self, *, seconds: float) -> None:
        self.seconds.append(seconds)


class Desk:
    """The exchange: engine's transactions one at a time, as a test says what arrives."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.told = bench, Counted()
        with connect(bench.url) as connection:
            connection.execute(f"TRUNCATE {TABLES}")
        standing = Standing(bench.rules.now, load_event_types())
        speaker = Speaker(Voice(area="northshire"), FRONT_DOOR)
        self.recalls = Recalls(lambda _: speaker, standing.places_given, standing.unaware, self.told)
        self._parts = Parts(life.scheduled, self.recalls, lambda _: speaker)

    def process(self, **work: Any) -> None:
        """One batch."""
        with connect(self.bench.url) as connection:
            batch.process(connection, Work(**work), {}, self._parts)

    def delivered(self, *deliveries: Delivery) -> None:
        """Their audit records are read."""
        self.process(deliveries=list(deliveries))

    def asked(self, number: int, kind: str, *, by: str = POLICE, audited: bool = True, **changes: Any) -> Delivery:
        """A publisher's request is heard in the exchange's inbox; its own delivery to the exchange, for its audit."""
        own = a_delivery(number, EXCHANGE, event_type=kind, source=by, roles=["exchange-desk"], clock=None, ack_by=None)
        own = own._replace(**{name: changes.pop(name) for name in ("subject",) if name in changes})
        datum = an_event(event_type(kind), envelope__eventId=own.event_id, **changes)
        heard = Heard(own.event_id, kind, own.delivery_id, "northshire", NOW_MS + 1_000 + number, datum, b"", {})
        self.process(heard=[heard])
        if audited:
            self.delivered(own)
        return own

    def removal(self, delivery: Delivery, at: int) -> None:
        """The recipient's receipt arrives."""
        receipt = EarlyReceipt(
            topics.GATEWAY_RECEIPTS, 0, at, delivery.delivery_id, delivery.delivery_id, delivery.event_id,
            delivery.agency, "REMOVED", None, None, at,
        )  # fmt: skip
        self.process(receipts=[receipt])

    def recalls_now(self) -> list[RecallRow]:
        with connect(self.bench.url) as connection:
            return listed(connection, kind=None, event=None, limit=100)

    def holders_of(self, recall: RecallRow) -> list[Holder]:
        with connect(self.bench.url) as connection:
            return holders(connection, recall.recall_id)

    def states(self, number: int) -> dict[str, str]:
        with connect(self.bench.url) as connection:
            return {each.agency: each.state for each in of_event(connection, event_id(number))}

    def said(self) -> list[dict[str, Any]]:
        """Every message of the exchange that waits to be sent, decoded."""
        return [decode_event(each.value or b"").datum for each in self._outbox(topics.outbox(EXCHANGE))]

    def told_of(self) -> list[tuple[str, str, str]]:
        """(type, recipient, event that it is about) of every such message."""
        found = (each["envelope"] for each in self.said())
        return [
            (each["eventType"], to["agency"], each["supersedes"]) for each in found for to in each["proposedRecipients"]
        ]

    def transitions(self) -> list[tuple[str, str, str]]:
        """(agency, state after, cause)."""
        found = [decode_record("transition", each.value or b"") for each in self._outbox(topics.TRANSITIONS)]
        return [(each["agency"], each["to"], each["cause"].partition(":")[0]) for each in found]

    def _outbox(self, topic: str) -> Sequence[Outgoing]:
        with connect(self.bench.url) as connection:
            return [each.record for each in queued(connection, 10_000) if each.record.topic == topic]
