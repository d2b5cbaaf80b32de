"""The client's promises, at both doors of a running exchange: the same tests for each."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.client.handled import Handled, OnDisk
from connectors.client.http import HttpInbox
from connectors.client.interface import EventRefused, Inbox, NotAcknowledged, Publisher, Received, Sent
from connectors.client.kafka import KafkaInbox
from connectors.kafka.reader import read_topic
from connectors.kafka.topics import GATEWAY_RECEIPTS
from connectors.kafka.topics import receipts as receipts_topic
from connectors.settings import Settings
from schemas.codec import decode_record
from streams.cli.doors import http_publisher, http_session, kafka_publisher
from streams.cli.runtime import now_ms
from tests.integration.live_exchange import LiveExchange
from tests.support import wait_for

pytestmark = pytest.mark.integration
LEASE_SECONDS = 5


class Sides(NamedTuple):
    """One door: who publishes what, and who receives it."""

    name: str
    publisher: str
    recipient: str
    event_type: str
    receipts: str


DOORS = {
    "kafka": Sides(
        "kafka",
        "northshire-police",
        "northshire-csc",
        "police.domestic-abuse-incident",
        receipts_topic("northshire-csc"),
    ),
    "http": Sides("http", "oakfield-primary", "northshire-attendance", "education.absence-concern", GATEWAY_RECEIPTS),
}


class Door:
    """Both ends of one door."""

    def __init__(self, live: LiveExchange, sides: Sides) -> None:
        self.live, self.sides = live, sides
        self._found = Settings.load(live.data_dir, {})

    def publisher(self) -> Publisher:
        if self.sides.name == "kafka":
            return kafka_publisher(self._found, self.sides.publisher, "")()
        return http_publisher(self._found, self.sides.publisher)()

    def inbox(self, handled: Handled | None = None) -> Inbox:
        if self.sides.name == "kafka":
            kafka, agency = self._found.kafka(), self.sides.recipient
            return KafkaInbox(kafka, agency, clock=now_ms, handled=handled, lease_seconds=LEASE_SECONDS)
        session = http_session(self._found, self.sides.recipient)()
        return HttpInbox(session, handled=handled, lease_seconds=LEASE_SECONDS)

    def event(self, *, kept: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
        """A valid event that leaves to the door what the door knows."""
        event: dict[str, Any] = json.loads(self.live.example(self.sides.event_type))
        for name in ("eventId", "sourceOrg", "masaId", "publishedAt", "recordedAt", "schemaVersion", "sequence"):
            if name not in kept:
                del event["envelope"][name]
        return {**event, "envelope": {**event["envelope"], **changes}}

    def receipts(self, delivery_id: str) -> list[tuple[str, str | None]]:
        """What is on record of a delivery, each receipt once."""
        found = {}
        for record in read_topic(self._found.kafka(), [self.sides.receipts]):
            receipt = decode_record("receipt", record.value or b"")
            if receipt["deliveryId"] == delivery_id:
                found[receipt["receiptId"]] = (receipt["kind"], receipt["outcome"])
        return sorted(found.values())


@pytest.fixture(params=sorted(DOORS))
def door(request: pytest.FixtureRequest, live: LiveExchange) -> Door:
    return Door(live, DOORS[request.param])


def delivered(inbox: Inbox, event_id: str, *, within: float = 90.0) -> Received:
    """The delivery of an event once it has come; whatever else waits is acknowledged on the way."""

    def look() -> Received | None:
        for each in inbox.receive(50, wait_seconds=1.0):
            if each.event_id == event_id:
                return each
            inbox.acknowledge(each, "NOTED")
        return None

    return wait_for(look, within, what="the delivery in the recipient's inbox")


def test_what_is_published_is_received_and_its_answer_is_on_record(door: Door) -> None:
    """Minimised for the recipient, with what is missing named; picked up and acknowledged once each."""
    with door.publisher() as publisher, door.inbox() as inbox:
        sent = publisher.publish(door.event())
        found = delivered(inbox, sent.event_id)
        assert (found.event_type, found.problem) == (door.sides.event_type, None)
        assert found.event is not None
        assert found.event["envelope"]["eventType"] == door.sides.event_type
        assert found.roles
        assert all(_at(found.event, path) is None for path in found.withheld)
        inbox.acknowledge(found, "ACTION_TAKEN")
        inbox.acknowledge(found, "ACTION_TAKEN")
        with pytest.raises(NotAcknowledged):
            inbox.acknowledge(found, "NOT_OUR_CHILD")
    wait_for(lambda: len(door.receipts(found.delivery_id)) > 1, 60, what="both receipts")
    assert door.receipts(found.delivery_id) == [("ACKNOWLEDGED", "ACTION_TAKEN"), ("PICKED_UP", None)]


def test_a_wrong_event_is_refused_with_where_and_what_and_the_others_are_sent(door: Door) -> None:
    """The same pointer and code at either door; no value is repeated."""
    wrong_type, spoofed = door.event(eventType="police.no-such-type"), door.event(masaId="elsewhere")
    unknown_key = door.event(secretWord="hunter2")
    with door.publisher() as publisher:
        answers = publisher.publish_all([wrong_type, door.event(), spoofed, unknown_key])
    assert [type(each) for each in answers] == [EventRefused, Sent, EventRefused, EventRefused]
    where = [[(p.pointer, p.code) for p in each.problems] for each in answers if isinstance(each, EventRefused)]
    assert where == [
        [("/envelope/eventType", "UNKNOWN_SCHEMA")],
        [("/envelope/masaId", "SPOOFED_SOURCE")],
        [("/envelope/secretWord", where[2][0][1])],
    ]
    assert "hunter2" not in str(answers[3])


def test_an_event_sent_twice_is_delivered_once(door: Door) -> None:
    """As after an answer that was lost."""
    event, after = door.event(kept=("eventId", "publishedAt", "recordedAt")), door.event()
    with door.publisher() as publisher, door.inbox() as inbox:
        first, second, last = (publisher.publish(each) for each in (event, event, after))
        assert first.event_id == second.event_id == event["envelope"]["eventId"]
        seen: list[str] = []

        def both_came() -> bool:
            for each in inbox.receive(50, wait_seconds=1.0):
                seen.append(each.event_id)
                inbox.acknowledge(each, "NOTED")
            return {first.event_id, last.event_id} <= set(seen)

        wait_for(both_came, 90, what="both events")
    assert seen.count(first.event_id) == 1


def test_what_is_not_acknowledged_comes_again_to_the_next(door: Door) -> None:
    """After the lease at the latest, with the same id."""
    with door.publisher() as publisher:
        sent = publisher.publish(door.event())
    with door.inbox() as inbox:
        first = delivered(inbox, sent.event_id)
        began = time.monotonic()
        again = delivered(inbox, sent.event_id)
        assert time.monotonic() - began > LEASE_SECONDS - 2
    with door.inbox() as inbox:
        last = delivered(inbox, sent.event_id)
        inbox.acknowledge(last, "NOTED")
    assert first.delivery_id == again.delivery_id == last.delivery_id


def test_an_answer_lost_in_a_crash_is_given_and_the_delivery_not_handed_out_again(door: Door, tmp_path: Path) -> None:
    """The process died after noting its answer and before sending it."""
    with door.publisher() as publisher:
        sent = publisher.publish(door.event())
    with door.inbox(OnDisk(tmp_path / "handled")) as inbox:
        found = delivered(inbox, sent.event_id)
    noted = OnDisk(tmp_path / "handled")
    noted.remember(found.delivery_id, "REFERRED_ON")
    with door.inbox(noted) as inbox:

        def answered() -> bool:
            assert found.delivery_id not in [each.delivery_id for each in inbox.receive(50, wait_seconds=1.0)]
            return ("ACKNOWLEDGED", "REFERRED_ON") in door.receipts(found.delivery_id)

        wait_for(answered, 90, what="the answer that was noted")


def _at(event: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; None when something on the way is."""
    found: Any = event
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
