"""The relay of an agency's own table, with a real PostgreSQL and a publisher of the test's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Self

import psycopg
import pytest

from connectors.client.interface import EventRefused, Problem, Sent
from connectors.client.outbox_relay import RelaySession
from connectors.errors import RetryLater
from connectors.keeping import Loop
from connectors.postgres.agency_outbox import AgencyOutbox, table_sql
from connectors.postgres.outbox import AnotherRelay

pytestmark = pytest.mark.integration
REFUSAL = EventRefused("the event breaks the contract", [Problem("/envelope/eventType", "UNKNOWN_SCHEMA", "no such")])


class Told:
    def __init__(self) -> None:
        self.relayed = self.refused = 0

    def outbox_relayed(self, *, records: int) -> None:
        self.relayed += records

    def outbox_refused(self, *, records: int) -> None:
        self.refused += records


class Door:
    """Takes every event with an envelope whose type is `good`. `away` makes the next call fail after taking them."""

    def __init__(self) -> None:
        self.taken: list[Mapping[str, Any]] = []
        self.away = False

    def publish(self, event: Mapping[str, Any]) -> Sent:
        raise NotImplementedError

    def publish_all(self, events: Iterable[Mapping[str, Any]]) -> list[Sent | EventRefused]:
        answers = [self._one(each) for each in events]
        if self.away:
            self.away = False
            raise RetryLater("nobody answered")
        return answers

    def _one(self, event: Mapping[str, Any]) -> Sent | EventRefused:
        envelope = event.get("envelope")
        if not isinstance(envelope, dict) or envelope["eventType"] != "good":
            return REFUSAL
        self.taken.append(event)
        return Sent(event["envelope"]["eventId"], "outbox", 0, len(self.taken), repeated=False)

    def close(self) -> None:
        """Nothing to let go of."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def url(postgres: str) -> str:
    with psycopg.connect(postgres) as connection:
        connection.execute("DROP TABLE IF EXISTS masa_outbox")
        connection.execute(table_sql().encode())
    return postgres


def insert(url: str, *events: Any) -> None:
    with psycopg.connect(url) as connection:
        for event in events:
            connection.execute("INSERT INTO masa_outbox (event) VALUES (%s)", (json.dumps(event),))


def good(number: int, **more: Any) -> dict[str, Any]:
    return {"envelope": {"eventType": "good", "sourceRef": str(number), **more}}


def left(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT refused_at IS NOT NULL, problem FROM masa_outbox ORDER BY seq").fetchall()


def session(url: str, door: Door, told: Told) -> RelaySession:
    return RelaySession(AgencyOutbox(url), lambda: door, told, Loop(lambda _: None, lambda: False, lambda _: None))


def test_rows_are_published_in_order_and_leave_and_a_wrong_one_stays_with_its_reason(url: str) -> None:
    """A wrong one holds up nobody; it goes after a fix."""
    insert(url, good(1), {"envelope": {"eventType": "bad"}}, "no object at all", good(2), {"envelope": 7})
    door, told = Door(), Told()
    relay = session(url, door, told)
    try:
        relay.step()
        relay.step()
        assert [each["envelope"]["sourceRef"] for each in door.taken] == ["1", "2"]
        assert left(url) == [(True, str(REFUSAL))] * 3
        assert (told.relayed, told.refused) == (2, 3)
        with psycopg.connect(url) as connection:
            mended = json.dumps(good(3))
            connection.execute("UPDATE masa_outbox SET event = %s, refused_at = NULL WHERE seq = 2", (mended,))
        relay.step()
        assert door.taken[-1]["envelope"]["sourceRef"] == "3"
    finally:
        relay.close()


def test_a_row_that_is_sent_again_is_the_very_same_event(url: str) -> None:
    """Id and times come from the row, so the exchange knows it again; what the envelope names itself stands."""
    own = "01a0fd32-2d00-7000-8000-000000000001"
    insert(url, good(1), good(2, eventId=own, publishedAt="2026-10-01T08:30:00.000Z"))
    door = Door()
    door.away = True
    relay = session(url, door, Told())
    with pytest.raises(RetryLater):
        relay.step()
    relay.close()
    relay = session(url, door, Told())
    relay.step()
    relay.close()
    first, second = door.taken[:2]
    assert door.taken == [first, second, first, second]
    assert second["envelope"]["eventId"] == own
    assert second["envelope"]["recordedAt"] == second["envelope"]["publishedAt"] == "2026-10-01T08:30:00.000Z"
    assert left(url) == []


def test_one_relay_a_database_at_a_time(url: str) -> None:
    """A second one is told to wait, and works once the first has gone."""
    first = AgencyOutbox(url)
    with pytest.raises(AnotherRelay):
        AgencyOutbox(url)
    first.close()
    AgencyOutbox(url).close()
