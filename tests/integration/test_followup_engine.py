"""The engine on a real broker and database: lives of deliveries, and deadlines only once everything was read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.kafka import topics
from connectors.kafka.reader import read_topic
from connectors.kafka.settings import KafkaSettings
from connectors.postgres.connection import connect
from connectors.postgres.migrate import migrate
from connectors.waiting import wait_until
from schemas.codec import decode_record
from tests.integration.followup_support import (
    EXCHANGE_OUTBOX,
    POLICE,
    SCHOOL,
    Auditor,
    Told,
    audit_of,
    ids,
    make_our_topics,
    receipt,
    run,
    say,
)

pytestmark = pytest.mark.integration

HOUR = 3_600_000


@pytest.fixture(scope="module")
def followed(kafka: KafkaSettings, postgres: str) -> tuple[KafkaSettings, str]:
    migrate(postgres)
    make_our_topics(kafka)
    return kafka, postgres


@contextmanager
def running(kafka: KafkaSettings, url: str) -> Iterator[Told]:
    stop, told = threading.Event(), Told()
    thread = threading.Thread(target=run, args=(kafka, url, 0, stop, told), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join(30)


def states(url: str) -> dict[str, tuple[str, str | None]]:
    with connect(url) as connection:
        rows = connection.execute("SELECT delivery_id, state, outcome FROM followup.delivery").fetchall()
    return {name: (state, outcome) for name, state, outcome in rows}


def now() -> int:
    return time.time_ns() // 1_000_000


def test_receipts_of_both_doors_lead_to_states_and_every_refusal_is_on_record(
    followed: tuple[KafkaSettings, str],
) -> None:
    """Early ones wait for their delivery, wrong ones change nothing, a publisher hears of each outcome once."""
    kafka, url = followed
    far = dict.fromkeys((POLICE, SCHOOL), now() + 4 * HOUR)
    early = [receipt(1, POLICE, "ACKNOWLEDGED", "NOTED"), receipt(999, POLICE, "PICKED_UP")]
    with running(kafka, url) as told:
        wait_until(lambda: told.swept_at > 0, timeout=30, what="a first sweep")
        auditor = Auditor(kafka, "test-auditor")
        auditor.write([audit_of(n, now(), far) for n in (1, 2)], before_the_end=lambda: say(kafka, early))
        auditor.write([audit_of(3, now(), far)], commit=False)
        say(
            kafka,
            [
                receipt(1, SCHOOL, "PICKED_UP"),
                receipt(2, SCHOOL, "ACKNOWLEDGED", "NOT_OUR_CHILD"),
                receipt(2, SCHOOL, "PICKED_UP", by=POLICE),
                receipt(2, POLICE, "ACKNOWLEDGED", "ACTION_TAKEN"),
                receipt(2, POLICE, "ACKNOWLEDGED", "NOTED"),
            ],
        )
        wanted = {
            ids(1, POLICE)[0]: ("ACKNOWLEDGED", "NOTED"),
            ids(1, SCHOOL)[0]: ("PICKED_UP", None),
            ids(2, POLICE)[0]: ("ACKNOWLEDGED", "ACTION_TAKEN"),
            ids(2, SCHOOL)[0]: ("MISDIRECTED", "NOT_OUR_CHILD"),
        }
        wait_until(lambda: wanted.items() <= states(url).items(), timeout=30, what="the states")
        wait_until(lambda: len(_transitions(kafka)) >= 7, timeout=30, what="the transitions")
    assert ids(3, POLICE)[0] not in states(url)
    refusals = sorted(each["refusal"] for each in _transitions(kafka) if each["refusal"])
    assert refusals == ["CONTRADICTORY", "OTHER_AGENCY", "UNKNOWN_DELIVERY"]
    assert len(list(read_topic(kafka, [EXCHANGE_OUTBOX]))) == 4  # three outcomes, one notice to the front door


def test_a_receipt_that_waits_unread_prevents_its_escalation(followed: tuple[KafkaSettings, str]) -> None:
    """After downtime the deadline has passed while the answer waits in Kafka: nothing is escalated."""
    kafka, url = followed
    due = now() - 1
    Auditor(kafka, "test-auditor").write([audit_of(n, due - 1000, {POLICE: due}) for n in range(100, 300)])
    say(kafka, [receipt(n, POLICE, "ACKNOWLEDGED", "NOTED") for n in range(100, 300) if n != 222])
    with running(kafka, url) as told:
        begun = now()
        wait_until(lambda: told.swept_at > begun, timeout=60, what="a sweep")
    with connect(url) as connection:
        escalated = connection.execute("SELECT delivery_id FROM followup.delivery WHERE step > 1").fetchall()
        waiting = connection.execute(
            "SELECT next_due IS NOT NULL FROM followup.delivery WHERE delivery_id = %s", (ids(222, POLICE)[0],)
        ).fetchone()
    assert {name for (name,) in escalated} <= {ids(222, POLICE)[0]}
    assert waiting == (True,)


def _transitions(kafka: KafkaSettings) -> list[dict[str, object]]:
    found = (decode_record("transition", each.value or b"") for each in read_topic(kafka, [topics.TRANSITIONS]))
    return list({each["transitionId"]: each for each in found}.values())
