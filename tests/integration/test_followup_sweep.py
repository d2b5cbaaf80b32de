"""The sweep on a real PostgreSQL: calls, answers, digests, and what a crash undoes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.kafka import topics
from connectors.postgres import followup_ladder, followup_store
from connectors.postgres.connection import Connection, connect
from connectors.postgres.followup_ladder import Answer
from connectors.postgres.followup_store import Delivery
from connectors.postgres.migrate import migrate
from schemas.codec import decode_event
from schemas.registry import load_event_types
from schemas.wire import Datum
from streams.followup.escalation import phone_by, scheduled
from streams.followup.hooks import NoRecall
from streams.followup.ladders import Ladders
from streams.followup.sweep import Sweeper
from tests.unit.followup.test_followup_ladder import at, delivery, immediate, request, shipped, shipped_document

OURS = "agency.northshire-exchange.outbox"


@pytest.fixture(scope="module")
def database(postgres: str) -> str:
    migrate(postgres)
    return postgres


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, application="test") as opened:
        opened.execute(
            "TRUNCATE outbox, followup.delivery, followup.phone, followup.answer, followup.gathered, "
            "followup.notice_window"
        )
        yield opened


def sweep(connection: Connection, now: str) -> int:
    with connection.transaction():
        return Sweeper(shipped, load_event_types())(connection, at(now))


def stored(connection: Connection, *given: Delivery) -> None:
    """As the engine stores them: scheduled, and with the calls that they demand."""
    with connection.transaction():
        ready = [scheduled(each, shipped()) for each in given]
        followup_store.insert(connection, ready)
        demands = ((each.delivery_id, phone_by(each, shipped())) for each in ready)
        followup_ladder.demand_calls(connection, [(name, due) for name, due in demands if due is not None])


def said(connection: Connection) -> list[Datum]:
    rows = connection.execute("SELECT value FROM outbox WHERE topic = %s ORDER BY seq", (OURS,)).fetchall()
    types = load_event_types()
    return [decode_event(bytes(value), schema_ids=None, event_types=types).datum for (value,) in rows]


def test_a_call_that_nobody_recorded_is_told_to_the_publisher_once(connection: Connection) -> None:
    """An hour after an immediate event without a call, whoever published it hears; the ladder says so too."""
    stored(connection, immediate())
    sweep(connection, "2026-11-25T23:00")
    sweep(connection, "2026-11-25T23:05")
    calls = [
        each
        for each in said(connection)
        if [r["agency"] for r in each["envelope"]["proposedRecipients"]] == ["northshire-police"]
    ]
    assert len(calls) == 1
    assert all(each["phoneContactRequired"] for each in said(connection))


def test_a_recorded_call_is_asked_for_no_more(connection: Connection) -> None:
    """Steps go on, for a call is no acknowledgement; they do not ask for a call. A second call is refused."""
    stored(connection, immediate())
    assert followup_ladder.record_call(connection, immediate().delivery_id, at=1, person="asha", operation="o1")
    assert not followup_ladder.record_call(connection, immediate().delivery_id, at=2, person="ben", operation="o2")
    assert followup_ladder.missing_calls(connection, agency=None, limit=10) == []
    assert sweep(connection, "2026-11-25T23:00") == 2  # not opened, not acknowledged; no third one about a call
    assert [each["phoneContactRequired"] for each in said(connection)] == [False, False]


def test_a_call_recorded_before_the_delivery_is_known_counts(connection: Connection) -> None:
    """Somebody may ring faster than the follow-up reads."""
    followup_ladder.record_call(connection, immediate().delivery_id, at=1, person="asha", operation="o1")
    stored(connection, immediate())
    sweep(connection, "2026-11-26T12:00")
    assert not any(each["phoneContactRequired"] for each in said(connection))


def test_an_answer_stops_the_clock_of_its_request_and_of_no_other(connection: Connection) -> None:
    """The agency that answered is left alone; the other one asked by the same request is chased."""
    one = request(clock="2WD", ack_by=at("2026-11-28T00:00"))
    other = request(
        delivery_id="33333333-1111-5111-8111-111111111111", agency="northshire-acute", clock="2WD",
        ack_by=at("2026-11-28T00:00"),
    )  # fmt: skip
    stored(connection, one, other)
    with connection.transaction():
        followup_ladder.answer(connection, [Answer(one.event_id, one.agency, "r", 1)])
    sweep(connection, "2026-12-20T12:00")
    assert {each["reason"] for each in said(connection)} <= {"NOT_PICKED_UP", "NO_ANSWER_TO_REQUEST"}
    assert {each["envelope"]["proposedRecipients"][0]["agency"] for each in said(connection)[:1]} == {
        "northshire-acute"
    }
    steps = {each.agency: each.step for each in followup_store.of_event(connection, one.event_id)}
    assert (steps[one.agency], steps[other.agency]) == (0, 5)


def test_an_answer_that_is_read_before_its_request_counts(connection: Connection) -> None:
    """They stand in different partitions of the audit."""
    asked = request(clock="2WD", ack_by=at("2026-11-28T00:00"))
    with connection.transaction():
        followup_ladder.answer(connection, [Answer(asked.event_id, asked.agency, "r", 1)] * 2)
    stored(connection, asked)
    assert sweep(connection, "2026-12-20T12:00") == 0
    assert said(connection) == []
    assert followup_store.due(connection, at("2027-12-01T00:00"), 10) == []


def test_a_storm_over_several_sweeps_is_one_digest(connection: Connection) -> None:
    """Ten notices in the hour, then one digest of what is still open when it ends."""
    names = [f"{number:08d}-1111-5111-8111-111111111111" for number in range(16)]
    stored(connection, *(delivery(delivery_id=each, event_id=each) for each in names))
    assert sweep(connection, "2026-11-27T09:00") == 16
    assert len(said(connection)) == 10
    with connection.transaction():
        done = [
            each._replace(state="CLOSED", next_due=None)
            for each in followup_store.locked(connection, names[12:]).values()
        ]
        followup_store.update(connection, done)
    assert sweep(connection, "2026-11-27T09:59") == 0
    assert len(said(connection)) == 10
    sweep(connection, "2026-11-27T10:00")
    digest = said(connection)[-1]
    assert (digest["kind"], digest["count"], sorted(digest["eventIds"])) == ("DIGEST", 2, names[10:12])
    sweep(connection, "2026-11-27T10:01")
    assert len(said(connection)) == 11


def test_a_sweep_that_is_undone_says_the_same_again(connection: Connection) -> None:
    """Step, notice and transition are one transaction; done again they have the same ids and bytes."""
    stored(connection, delivery(), immediate(delivery_id="5" * 8 + "-1111-5111-8111-111111111111"))

    def outbox() -> list[tuple[str, bytes]]:
        rows = connection.execute("SELECT topic, value FROM outbox ORDER BY seq").fetchall()
        return [(topic, bytes(value)) for topic, value in rows]

    with connection.transaction(force_rollback=True):
        Sweeper(shipped, load_event_types())(connection, at("2026-11-27T09:00"))
        first = outbox()
    assert outbox() == []
    sweep(connection, "2026-11-27T09:00")
    assert outbox() == first
    assert {topic for topic, _ in first} == {OURS, topics.TRANSITIONS}


def test_without_rules_no_clock_is_judged(connection: Connection) -> None:
    """A follow-up that has not read the rule set waits for it, and takes nothing."""
    ladders = Ladders(lambda: None)
    with connection.transaction():
        followup_store.insert(connection, [ladders.schedule(delivery())])
        assert Sweeper(ladders.current, load_event_types())(connection, at("2027-11-27T09:00")) == 0
    assert len(followup_store.due(connection, at("2027-11-27T09:00"), 10)) == 1


def test_the_engine_notes_which_deliveries_demand_a_call(connection: Connection) -> None:
    """Beside whatever recalls them."""
    ladders = Ladders(lambda: ("one", shipped_document()))
    with connection.transaction():
        followup_store.insert(connection, [immediate()])
        ladders.beside(NoRecall()).recorded(connection, [immediate(), delivery()])
    missing = followup_ladder.missing_calls(connection, agency="northshire-csc", limit=10)
    assert [each[0] for each in missing] == [immediate().delivery_id]
