"""Notifications to push, in a real PostgreSQL: each once, no two processes the same one, no agency in another's way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.http.webhooks import MOST_AT_ONCE, Notice
from connectors.postgres import gateway_store
from connectors.postgres.connection import connect
from connectors.postgres.gateway_store import NewDelivery
from connectors.postgres.migrate import migrate
from connectors.postgres.pool import Pool
from connectors.postgres.webhook_store import WebhookStore
from tests.integration.gateway_support import TABLES

pytestmark = pytest.mark.integration
NOW = 1_790_000_000_000
DAY = 86_400_000
SCHOOL, OTHER, SILENT = "oakfield-primary", "kingsmere-academy", "st-brigids-primary"


@pytest.fixture
def pool(postgres: str) -> Iterator[Pool]:
    migrate(postgres)
    with connect(postgres) as connection:
        connection.execute(f"TRUNCATE {TABLES}, gateway_webhook")
    made = Pool(postgres, size=10, application="test")
    yield made
    made.close()


def arrive(pool: Pool, agency: str, *numbers: int, at: int = NOW) -> None:
    new = [
        NewDelivery(
            f"{agency}-{number}", agency, f"event-{number}", "education.absence-concern", 2, "northshire", ("dsl",),
            at, at + DAY, {}, b"\xc3\x01",
        )
        for number in numbers
    ]  # fmt: skip
    with pool.transaction() as connection:
        gateway_store.insert(connection, new)


def claim(store: WebhookStore, *agencies: str, now: int = NOW) -> list[Notice]:
    return store.claim(agencies, now=now, since=now - DAY, lease_until=now + 60_000)


def test_a_delivery_is_claimed_once_and_again_only_after_its_lease(pool: Pool) -> None:
    """Told, it is never claimed again; postponed, at its time; forgotten by its claimer, after the lease."""
    store = WebhookStore(pool)
    arrive(pool, SCHOOL, 1, 2, 3)
    first = claim(store, SCHOOL)
    assert [each.delivery_id for each in sorted(first)] == [f"{SCHOOL}-{n}" for n in (1, 2, 3)]
    assert {(each.urgency, each.ack_by, each.attempt, each.made_at) for each in first} == {(2, NOW + DAY, 1, NOW)}
    assert claim(store, SCHOOL) == []
    store.told(f"{SCHOOL}-1")
    store.postpone(f"{SCHOOL}-2", NOW + 5_000)
    assert [each.delivery_id for each in claim(store, SCHOOL, now=NOW + 5_000)] == [f"{SCHOOL}-2"]
    assert [(each.delivery_id, each.attempt) for each in claim(store, SCHOOL, now=NOW + 60_000)] == [(f"{SCHOOL}-3", 2)]
    for number in (2, 3):
        store.give_up(f"{SCHOOL}-{number}")
    assert claim(store, SCHOOL, now=NOW + DAY) == []


def test_only_what_waits_is_told_of_and_only_to_who_asked(pool: Pool) -> None:
    """Nothing that was picked up, nothing older than a day, nothing of an agency without a webhook."""
    store = WebhookStore(pool)
    arrive(pool, SCHOOL, 1, 2)
    arrive(pool, SCHOOL, 3, at=NOW - 2 * DAY)
    arrive(pool, SILENT, 4)
    with pool.transaction() as connection:
        connection.execute("UPDATE gateway_delivery SET state = 'PICKED_UP' WHERE delivery_id = %s", (f"{SCHOOL}-1",))
    assert [each.delivery_id for each in claim(store, SCHOOL, OTHER)] == [f"{SCHOOL}-2"]
    with pool.transaction() as connection:
        connection.execute("UPDATE gateway_delivery SET state = 'RECALLED' WHERE delivery_id = %s", (f"{SCHOOL}-2",))
    assert claim(store, SCHOOL, now=NOW + 60_000) == []


def test_one_agencys_backlog_takes_no_place_of_anothers(pool: Pool) -> None:
    """Each gets so many in one turn, however much the other has."""
    store = WebhookStore(pool)
    arrive(pool, SCHOOL, *range(3 * MOST_AT_ONCE))
    arrive(pool, OTHER, 1)
    found = claim(store, SCHOOL, OTHER)
    assert sum(each.agency == SCHOOL for each in found) == MOST_AT_ONCE
    assert sum(each.agency == OTHER for each in found) == 1


def test_processes_beside_each_other_never_claim_the_same(pool: Pool) -> None:
    """Eight at once, until nothing is left: each delivery exactly once."""
    store = WebhookStore(pool)
    arrive(pool, SCHOOL, *range(100))

    def work() -> list[str]:
        mine: list[str] = []
        while found := claim(store, SCHOOL):
            mine += [each.delivery_id for each in found]
        return mine

    with ThreadPoolExecutor(8) as threads:
        done = [each for taken in [threads.submit(work) for _ in range(8)] for each in taken.result()]
    while found := claim(store, SCHOOL):
        done += [each.delivery_id for each in found]
    assert sorted(done) == sorted(f"{SCHOOL}-{number}" for number in range(100))
