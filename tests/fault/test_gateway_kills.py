"""Twenty pollers while the gateway and PostgreSQL are killed: each delivery handled once, none lost.

A poller here is somebody's software: it claims, works, acknowledges, asks again when it gets no answer, and now and
then dies with deliveries in hand.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from connectors.http.discovery import client_credentials
from connectors.http.issuer import client_secret, read_secret
from connectors.kafka.reader import read_topic
from connectors.kafka.topics import GATEWAY_RECEIPTS, OPERATIONS
from connectors.postgres.connection import connect
from connectors.settings import Settings
from schemas.codec import decode_record
from schemas.examples import example, new_event_id
from schemas.json_form import to_json
from schemas.registry import load_event_types
from tests.fault.running import Victims, logs_said
from tests.integration.masa_command import Exchange
from tests.support import wait_for

pytestmark = pytest.mark.fault

PUBLISHER, RECIPIENT = "oakfield-primary", "northshire-attendance"
POLLERS = 20
EVENTS = 240
LEASE_SECONDS = 5
DIES = 0.15  # share of claims whose holder is never heard of again
OUTCOMES = ("NOTED", "ACTION_TAKEN", "REFERRED_ON", "ASK_MORE")
SETTLED_SECONDS = 150.0


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = Exchange(tmp_path / "data")
    yield made
    made.close()


class Agency:
    """An agency's software at the HTTP door. Asks again until it is answered."""

    def __init__(self, data_dir: Path, agency: str) -> None:
        connection = Settings.load(data_dir, {}).connection
        assert connection is not None
        secret = client_secret(read_secret(data_dir), agency)
        token = client_credentials(f"{connection.issuer}/token", agency, secret)["access_token"]
        self._door = httpx.Client(
            base_url=str(connection.gateway), headers={"Authorization": f"Bearer {token}"}, timeout=15.0
        )

    def ask(self, path: str, body: Any, stop: threading.Event) -> httpx.Response | None:
        """The answer, or None when there was none until told to stop. No answer, 429 and 503 mean: ask again."""
        while not stop.is_set():
            try:
                answer = self._door.post(path, json=body)
            except httpx.HTTPError:
                stop.wait(0.1)
                continue
            if answer.status_code not in (429, 503):
                return answer
            stop.wait(0.1)
        return None


class Poller(threading.Thread):
    """Claims, works and acknowledges until told to stop. `won` holds what it was told that it acknowledged."""

    def __init__(self, data_dir: Path, number: int, stop: threading.Event) -> None:
        super().__init__(name=f"poller-{number}", daemon=True)
        self._agency, self._stopping = Agency(data_dir, RECIPIENT), stop
        self._rng = Random(number)
        self._outcome = OUTCOMES[number % len(OUTCOMES)]
        self.won: dict[str, str] = {}
        self.lost = 0
        self.strange: list[tuple[int, str]] = []

    def run(self) -> None:
        while not self._stopping.is_set():
            answer = self._agency.ask("/v1/inbox/poll", {"limit": 3, "leaseSeconds": LEASE_SECONDS}, self._stopping)
            if answer is None or answer.status_code == 204:
                self._stopping.wait(0.2)
            elif answer.status_code != 200:
                self.strange.append((answer.status_code, answer.text))
            elif self._rng.random() >= DIES:
                for each in answer.json()["deliveries"]:
                    self._acknowledge(each["deliveryId"], each["lease"])

    def _acknowledge(self, delivery: str, lease: str) -> None:
        body = {"outcome": self._outcome, "lease": lease}
        answer = self._agency.ask(f"/v1/deliveries/{delivery}/acknowledge", body, self._stopping)
        if answer is None:
            return
        if answer.status_code == 200:
            self.won[delivery] = self._outcome
        elif answer.status_code == 409:
            self.lost += 1
        else:
            self.strange.append((answer.status_code, answer.text))


def publish(data_dir: Path, events: int, *, seed: int) -> None:
    """Events that the recipient gets, in batches that are sent until they are answered."""
    school, kind, stop = Agency(data_dir, PUBLISHER), load_event_types()["education.absence-concern"], threading.Event()
    for start in range(0, events, 40):
        now = time.time_ns() // 1_000_000
        batch = [
            to_json(
                kind,
                example(
                    kind,
                    now_ms=now,
                    event_id=new_event_id(now, secrets.randbits),
                    overrides={"envelope.sourceRef": f"{seed}-{start + n}"},
                ),
            )
            for n in range(min(40, events - start))
        ]
        answer = school.ask("/v1/events/batch", batch, stop)
        assert answer is not None
        assert answer.status_code == 200, answer.text


def states(url: str) -> Counter[str]:
    """The recipient's deliveries by state."""
    with connect(url) as connection:
        query = "SELECT state, count(*) FROM gateway_delivery WHERE agency = %s GROUP BY state"
        return Counter(dict(connection.execute(query, (RECIPIENT,)).fetchall()))


def promised(url: str) -> set[str]:
    """Ids of everything that the audit says was delivered to the recipient."""
    with connect(url) as connection:
        query = "SELECT delivery_id FROM ledger.outcome WHERE agency = %s AND outcome = 'DELIVERED'"
        return {identity for (identity,) in connection.execute(query, (RECIPIENT,)).fetchall()}


@pytest.mark.timeout(420)
def test_each_delivery_is_acknowledged_by_exactly_one_poller(exchange: Exchange) -> None:
    """Killed in between: the gateway twice and PostgreSQL once, under load; receipts tell the same story."""
    exchange.start()
    data_dir = exchange.data_dir
    victims, stop = Victims(data_dir), threading.Event()
    pollers = [Poller(data_dir, number, stop) for number in range(POLLERS)]

    def won() -> int:
        return sum(len(each.won) for each in pollers)

    try:
        publish(data_dir, EVENTS // 2, seed=1)
        for each in pollers:
            each.start()
        for victim, share in (("gateway", 0.1), ("postgres", 0.2), ("gateway", 0.3)):
            wait_for(lambda: won() >= EVENTS * share, SETTLED_SECONDS, what=f"{share:.0%} handled")  # noqa: B023
            victims.kill(victim)
        publish(data_dir, EVENTS - EVENTS // 2, seed=2)
        wait_for(lambda: won() >= EVENTS, SETTLED_SECONDS, what="everything handled")
    except AssertionError as error:
        pytest.fail(f"{error}: {won()} of {EVENTS}\n{logs_said(data_dir)}", pytrace=False)
    finally:
        stop.set()
        for each in pollers:
            each.join(30)
    url = Settings.load(data_dir, {}).database()
    assert [each.strange for each in pollers if each.strange] == []
    winners = Counter(delivery for each in pollers for delivery in each.won)
    assert set(winners) == promised(url)
    assert set(winners.values()) == {1}
    assert states(url) == {"ACKNOWLEDGED": EVENTS}
    told(data_dir, url, {delivery: outcome for each in pollers for delivery, outcome in each.won.items()})


def told(data_dir: Path, url: str, outcomes: dict[str, str]) -> None:
    """Every delivery has one receipt of each kind and one operation, counted by id, with the winner's outcome."""

    def empty() -> bool:
        with connect(url) as connection:
            return connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)

    wait_for(empty, 60, what="an empty outbox")
    kafka = Settings.load(data_dir, {}).kafka()
    receipts = {}
    for record in read_topic(kafka, [GATEWAY_RECEIPTS]):
        receipt = decode_record("receipt", record.value or b"")
        receipts[receipt["receiptId"]] = receipt
    assert Counter(each["kind"] for each in receipts.values()) == {
        "PICKED_UP": len(outcomes), "ACKNOWLEDGED": len(outcomes),
    }  # fmt: skip
    assert {e["deliveryId"]: e["outcome"] for e in receipts.values() if e["kind"] == "ACKNOWLEDGED"} == outcomes
    operations = {}
    for record in read_topic(kafka, [OPERATIONS]):
        operation = decode_record("operation", record.value or b"")
        if operation["kind"] == "delivery.acknowledged":
            operations[operation["operationId"]] = operation["target"]
    assert sorted(operations.values()) == sorted(outcomes)
