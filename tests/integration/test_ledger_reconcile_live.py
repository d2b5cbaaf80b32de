"""The checker on a real broker and database: silent on a sound exchange, and finds what is planted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from connectors.errors import NotReady
from connectors.kafka.local import LocalBroker
from connectors.kafka.log_ends import LogEnds
from connectors.kafka.partition import Partition
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import AUDIT, GATEWAY_INBOX, HELD, REJECTED
from connectors.postgres.connection import connect
from connectors.postgres.migrate import migrate
from streams.ledger.reconcile_read import reconcile_exchange
from streams.ledger.reconcile_view import Report
from tests.integration.ledger_support import await_rows, make_topics, running
from tests.unit.ledger.world import OUTBOX, World, audit, outcome

pytestmark = pytest.mark.integration
GROUP = "masa-router"
INBOXES = [f"agency.{agency}.inbox" for agency in ("csc", "gp", "school")]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    """A broker of the module's own: the checker looks at every agency topic that there is."""
    local = LocalBroker(data_dir=Path(tmp_path_factory.mktemp("kafka")))
    try:
        settings = local.start()
        make_topics(settings, [OUTBOX, *INBOXES, GATEWAY_INBOX, HELD, REJECTED])
        make_topics(settings, [AUDIT], 2)
        yield settings
    finally:
        local.stop()


@pytest.fixture(scope="module")
def exchange(broker: KafkaSettings, postgres: str) -> tuple[KafkaSettings, str]:
    """A sound exchange of 60 events, written in transactions with an aborted one between, and its ledger."""
    migrate(postgres)
    send(broker, "publisher", ((OUTBOX, None, key, f"event {key!r}".encode(), [("ce_id", b"1")]) for key in keys(60)))
    offsets = dict.fromkeys(LogEnds(broker).partitions(lambda name: name == OUTBOX), 0)
    assert len(offsets) == 1
    send(
        broker, "router", ((INBOXES[0], None, b"k", b"v", [("masa-delivery-id", b"x")]) for _ in range(5)), commit=False
    )
    write_effects(broker, range(60))
    commit_past(broker, 60)
    with running(broker, postgres, AUDIT):
        await_rows(postgres, 60)
    return broker, postgres


def keys(count: int) -> list[bytes]:
    return [f"{number:04d}".encode() for number in range(count)]


Sent = tuple[str, int | None, bytes | None, bytes | None, list[tuple[str, bytes | None]]]


def send(settings: KafkaSettings, who: str, records: Iterable[Sent], *, commit: bool = True) -> None:
    """One transaction."""
    producer = Producer(settings.producer_conf(transactional_id=who))
    producer.init_transactions(30)
    producer.begin_transaction()
    for topic, partition, key, value, headers in records:
        where = {} if partition is None else {"partition": partition}
        producer.produce(topic, value=value, key=key, headers=headers, **where)
    producer.flush(30)
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)


def world_of(numbers: Iterable[int]) -> World:
    """What a router makes of these events: a tenth rejected, a tenth held, the rest delivered to two."""
    world = World()
    for number in numbers:
        offset = world.publish(f"event {f'{number:04d}'.encode()!r}".encode(), f"{number:04d}".encode())
        world.outbox[-1] = world.outbox[-1]._replace(offset=number, headers=(("ce_id", b"1"),))
        assert offset >= 0
        shared = {"topic": GATEWAY_INBOX}
        record = {
            3: audit(number, "REJECTED", eventId=None),
            7: audit(number, "HELD", ruleSet=None),
        }.get(number % 10, audit(number, outcomes=[outcome(number, "csc"), outcome(number, "gp", **shared)]))
        world.audited(record)
    return world


def write_effects(settings: KafkaSettings, numbers: range) -> None:
    """As the router does: everything of a batch in one transaction."""
    for start in numbers[::20]:
        world = world_of(range(start, start + 20))
        batch: list[Sent] = [(AUDIT, each.partition, None, each.value, []) for each in world.audits]
        batch += [(each.topic, 0, each.key, b"event", list(each.headers)) for each in world.inbox]
        batch += [(HELD, 0, None, each.value, []) for each in world.held]
        batch += [(REJECTED, 0, None, each.value, []) for each in world.rejected]
        send(settings, "router", batch)


def commit_past(settings: KafkaSettings, offset: int) -> None:
    consumer = Consumer(settings.consumer_conf(GROUP))
    consumer.commit(offsets=[TopicPartition(OUTBOX, 0, offset)], asynchronous=False)
    consumer.close()


def check(exchange: tuple[KafkaSettings, str]) -> Report:
    settings, url = exchange
    return reconcile_exchange(settings, url, router_group=GROUP, salt=b"salt")


def test_a_sound_exchange_is_sound_from_outside(exchange: tuple[KafkaSettings, str]) -> None:
    """Every law holds, aborted records and markers do not count, and the report is JSON."""
    answer = check(exchange).to_json()
    assert json.loads(json.dumps(answer)) == answer
    assert answer["totals"] == {"missing": 0, "duplicate": 0, "unexplained": 0}, answer
    assert (answer["events"], answer["audited"], answer["delivered"]) == (60, 60, 96)
    assert answer["kinds"] == {"DECIDED": 48, "HELD": 6, "REJECTED": 6}
    assert answer["ledger"] == {"rows": 60, "behind": 0}


def test_an_open_transaction_is_waited_for_and_named(exchange: tuple[KafkaSettings, str]) -> None:
    """What is not settled cannot be judged; the message says where it hangs."""
    settings, _ = exchange
    producer = Producer(settings.producer_conf(transactional_id="hanging"))
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(HELD, value=b"pending")
    producer.flush(30)
    with pytest.raises(NotReady, match=r"masa\.held \[0\]: a transaction stays open"):
        LogEnds(settings).settle([Partition(HELD, 0)], timeout=0.5)
    producer.abort_transaction(30)
    assert check(exchange).ok


def test_planted_faults_are_found_in_topics_and_tables(exchange: tuple[KafkaSettings, str]) -> None:
    """A delivery doubled, one to the wrong agency, an event skipped, a rejected record and ledger rows altered."""
    settings, url = exchange
    doubled = outcome(1, "csc")
    planted = World()
    planted.deliver(doubled)
    planted.deliver({**outcome(2, "csc"), "topic": "agency.school.inbox", "agency": "school"})
    batch: list[Sent] = [(each.topic, 0, each.key, b"event", list(each.headers)) for each in planted.inbox]
    altered = world_of([3]).kept("rejected", 3, value=b"other bytes")
    send(settings, "router", [*batch, (REJECTED, 0, None, altered, [])])
    send(settings, "publisher", [(OUTBOX, None, b"0060", b"skipped", [])])
    end = LogEnds(settings).settled([Partition(OUTBOX, 0)])[Partition(OUTBOX, 0)]
    commit_past(settings, end)
    with connect(url) as connection:
        connection.execute("DELETE FROM ledger.outcome WHERE (audit_partition, audit_offset, agency) = (0, 0, 'gp')")
        connection.execute("UPDATE ledger.event SET kind = 'DECIDED' WHERE kind = 'HELD' AND source_offset = 7")
        connection.execute("DELETE FROM ledger.event WHERE source_offset = 59")
    answer = check(exchange).to_json()
    found = {
        verdict: sorted((each["law"], each["position"]["topic"]) for each in answer[verdict])
        for verdict in ("missing", "duplicate", "unexplained")
    }
    assert found == {
        "missing": [("AUDITED_ONCE", OUTBOX), ("LEDGER_EQUAL", AUDIT), ("LEDGER_EQUAL", AUDIT)],
        "duplicate": [("DELIVERED_ONCE", "agency.csc.inbox"), ("REJECTED_KEPT", REJECTED)],
        "unexplained": [
            ("DELIVERY_EXPLAINED", "agency.school.inbox"),
            ("LEDGER_EQUAL", AUDIT),
            ("REJECTED_KEPT", REJECTED),
        ],
    }
