"""The relationship register on a real broker: through the whole exchange, and read by a slot that starts."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from connectors.kafka import topics
from connectors.kafka.admin import apply_topics
from connectors.kafka.compacted import CompactedReader
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topic_plan import CreateTopic, TopicSpec
from schemas.examples import example, new_event_id
from schemas.registry import load_event_types
from schemas.relationships import RelationshipKind
from streams.cli.runtime import now_ms, random_bits
from streams.policy.facts import EpochMillis, LocatorToken
from streams.routing.register import Register, Relationship
from streams.routing.register_feed import RegisterFeed
from streams.simulation.synthetic_ids import nhs_numbers
from tests.integration.live_exchange import LiveExchange
from tests.support import wait_for

pytestmark = pytest.mark.integration

NOW = 1_790_935_200.0  # Unix seconds
TOKEN = LocatorToken("a" * 32)


def test_the_childs_school_is_told_of_an_event_that_does_not_name_it(live: LiveExchange) -> None:
    """A school publishes an absence; hours later the police know the child but not the school (R-04, R-05)."""
    child = next(iter(nhs_numbers(random_bits(32))))
    absent = publish(live, "education.absence-concern", {"envelope.child.nhsNumber": child})
    live.in_the_ledger([absent])
    incident = publish(
        live,
        "police.domestic-abuse-incident",
        {
            "envelope.child.nhsNumber": child,
            "envelope.legalGateway": "S16LA",
            "envelope.settings.schoolUrn": None,
            "envelope.settings.gpOds": None,
        },
    )
    live.in_the_ledger([incident])
    (shown,) = live.answers("ledger", "show", incident, "--json")
    told = {each["agency"]: each for each in shown["outcomes"]}
    assert told["oakfield-primary"]["outcome"] == "DELIVERED"
    assert "RELATIONSHIP_REGISTER" in told["oakfield-primary"]["reasons"]
    held = [json.loads(each.value) for each in live.records([topics.RELATIONSHIPS]) if each.value]
    assert [each["kind"] for each in held if each["event"] == absent] == ["school"]
    kept = b"".join((each.key or b"") + (each.value or b"") for each in live.records([topics.RELATIONSHIPS]))
    assert child.encode() not in kept
    assert b"990001" not in kept


def publish(live: LiveExchange, name: str, overrides: dict[str, str | None]) -> str:
    kind = load_event_types()[name]
    identity = new_event_id(now_ms(), random_bits(74))
    live.publish([(kind, example(kind, now_ms=now_ms(), event_id=identity, overrides=overrides))])
    return identity


class Told:
    def __init__(self) -> None:
        self.holding: list[tuple[int, int]] = []

    def register_holds(self, *, relationships: int, refused: int) -> None:
        self.holding.append((relationships, refused))


def test_a_slot_reads_all_of_it_before_it_begins_and_follows_it_from_then_on(kafka: KafkaSettings) -> None:
    """The last word on each key, expired ones aside; then what other slots declare and end."""
    topic = f"test.{uuid4().hex}"
    apply_topics(kafka, [CreateTopic(TopicSpec(topic, 1, 1, {"cleanup.policy": "compact,delete"}))])
    write(kafka, topic, [(n, relationship(days=9)) for n in range(2_500)] + [(0, None), (1, relationship(days=-1))])
    register, told = Register(), Told()
    reader = CompactedReader(kafka.consumer_conf(f"{topic}-reading", partition_eof=True), topic)
    feed = RegisterFeed(reader, register, told, lambda: NOW)
    assert feed.read_to_end(30, lambda: None)
    assert len(register) == 2_498
    assert told.holding[-1] == (2_498, 0)
    write(kafka, topic, [(0, relationship(days=9)), (2, None), (3, b"nonsense")])
    wait_for(lambda: feed.refresh(0.1) >= 0 and register.known(key(0), now()) is not None, 20, what="news")
    assert (register.known(key(2), now()), len(register), register.refused) == (None, 2_498, 1)
    reader.close()


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def now() -> EpochMillis:
    return EpochMillis(int(NOW * 1000))


def relationship(days: int) -> bytes:
    until = EpochMillis(now() + days * 86_400_000)
    return Relationship(RelationshipKind.SCHOOL, TOKEN, until, "e").value()


def write(kafka: KafkaSettings, topic: str, records: list[tuple[int, bytes | None]]) -> None:
    with Publisher(kafka) as publisher:
        publisher.publish(Outgoing(topic, value, key(number), ()) for number, value in records)
