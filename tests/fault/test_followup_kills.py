"""Two follow-ups killed again and again, the broker and PostgreSQL restarted: no escalation missing, none wrong.

What must come out is worked out here from what was written to Kafka and when Kafka had it, by a few lines that know
nothing of the engine. Laws:

1. each committed delivery has one row, in the state of the receipts that its addressee wrote, in order; no other has;
2. a delivery whose answer Kafka had before its deadline is never escalated, however long nobody read it;
3. a delivery that nobody answered is escalated, its first step once;
4. each publisher's answer and each step is in the exchange's outbox, and what is there twice is the same.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from connectors.kafka import topics
from connectors.kafka.local import LocalBroker
from connectors.kafka.reader import read_topic
from connectors.postgres.connection import connect
from connectors.postgres.embedded import EmbeddedPostgres
from connectors.postgres.migrate import migrate
from connectors.waiting import wait_until
from schemas.codec import decode_record
from tests.integration.followup_support import (
    EXCHANGE_OUTBOX,
    POLICE,
    SCHOOL,
    Auditor,
    audit_of,
    ids,
    make_our_topics,
    receipt,
    say,
)

pytestmark = pytest.mark.fault

FULL = os.environ.get("MASA_FAULT_SIZE") == "full"
ROUNDS, KILLS_A_ROUND, EVENTS_A_ROUND = (20, 1, 100) if FULL else (5, 1, 40)
SETTLED_SECONDS = 120.0
SOON_MS = 4_000
# The ladders wait for office hours: the workers' clock says that this is a Wednesday morning of a school week.
MORNING_MS = int(datetime.fromisoformat("2026-12-02T10:30:00+00:00").timestamp() * 1000)


class Workers:
    """Two follow-ups beside each other, each started again when it is killed."""

    def __init__(self, servers: str, url: str, shift: int, log: Path) -> None:
        self._argv = [sys.executable, "-m", "tests.integration.followup_support", servers, url, str(shift)]
        self._log = log.open("ab")
        self._processes = [self._start() for _ in range(2)]
        self.kills = 0

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._argv, stdout=self._log, stderr=self._log)

    def kill(self, rnd: Random) -> None:
        """One of them, without warning; the other takes over, and a new one waits."""
        which = rnd.randrange(2)
        self._processes[which].send_signal(signal.SIGKILL)
        self._processes[which].wait(30)
        self._processes[which] = self._start()
        self.kills += 1

    def revive(self) -> None:
        """As a supervisor does with one that ended by itself."""
        for which, process in enumerate(self._processes):
            if process.poll() is not None:
                self._processes[which] = self._start()

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(30)
        self._log.close()


class Place(NamedTuple):
    broker: LocalBroker
    server: EmbeddedPostgres


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    tmp_path.chmod(0o755)
    broker, server = LocalBroker(data_dir=tmp_path / "kafka"), EmbeddedPostgres(data_dir=tmp_path / "postgres")
    try:
        broker.start()
        server.start()
        yield Place(broker, server)
    finally:
        broker.stop()
        server.stop()


class Oracle:
    """What was written, and what must come of it."""

    def __init__(self) -> None:
        self.state: dict[str, tuple[str, str | None]] = {}
        self.never: set[str] = set()  # answered before their deadline
        self.must: set[str] = set()  # nobody answers
        self.answers = 0

    def deliver(self, number: int, agency: str, outcome: str | None) -> None:
        delivery = ids(number, agency)[0]
        misdirected = outcome == "NOT_OUR_CHILD"
        self.state[delivery] = (
            ("AVAILABLE", None) if outcome is None else ("MISDIRECTED" if misdirected else "ACKNOWLEDGED", outcome)
        )
        self.answers += 0 if outcome is None else 2 if misdirected else 1


def outcome_of(number: int, agency: str) -> str | None:
    """A third of them is never answered, a few are not theirs."""
    if number % 3 == 0:
        return None
    return "NOT_OUR_CHILD" if agency == SCHOOL and number % 7 == 0 else "NOTED"


def play_round(kafka: Any, auditor: Auditor, numbers: range, shift: int, oracle: Oracle) -> None:
    """Events with a deadline in some seconds; answers before it, some before the delivery's audit can be read."""
    now = time.time_ns() // 1_000_000
    due = now + shift + SOON_MS
    early = [receipt(n, POLICE, "ACKNOWLEDGED", outcome_of(n, POLICE)) for n in numbers if n % 3 == 1]
    auditor.write([audit_of(n + 1_000_000, now + shift, {POLICE: due}) for n in numbers[:5]], commit=False)
    values = [audit_of(n, now + shift, {POLICE: due, SCHOOL: due}) for n in numbers]
    auditor.write(values, before_the_end=lambda: say(kafka, early))
    said = [receipt(n, SCHOOL, "PICKED_UP") for n in numbers if n % 3]
    said += [receipt(n, SCHOOL, "ACKNOWLEDGED", outcome_of(n, SCHOOL)) for n in numbers if n % 3]
    said += [receipt(n, POLICE, "ACKNOWLEDGED", outcome_of(n, POLICE)) for n in numbers if n % 3 == 2]
    said += [receipt(n, SCHOOL, "ACKNOWLEDGED", "NOTED", by=POLICE) for n in numbers if n % 3 == 0]  # not theirs to say
    say(kafka, said)
    in_time = time.time_ns() // 1_000_000 + shift < due
    for number in numbers:
        for agency in (POLICE, SCHOOL):
            outcome = outcome_of(number, agency)
            oracle.deliver(number, agency, outcome)
            if outcome is None:
                oracle.must.add(ids(number, agency)[0])
            elif in_time:
                oracle.never.add(ids(number, agency)[0])


def test_no_escalation_is_missing_and_none_is_wrong_whatever_dies(place: Place, tmp_path: Path) -> None:
    """The four laws of this module, after kills, a take-over each, and a restart of broker and database."""
    rnd, oracle, kafka = Random(6), Oracle(), place.broker.settings
    url = place.server.create_database("followed")
    migrate(url)
    make_our_topics(kafka)
    shift = MORNING_MS - time.time_ns() // 1_000_000
    workers, auditor = Workers(kafka.bootstrap_servers, url, shift, tmp_path / "log"), Auditor(kafka, "auditor")
    try:
        for number in range(ROUNDS):
            play_round(kafka, auditor, range(number * EVENTS_A_ROUND, (number + 1) * EVENTS_A_ROUND), shift, oracle)
            time.sleep(rnd.uniform(0, 2))
            for _ in range(KILLS_A_ROUND):
                workers.kill(rnd)
            if number == ROUNDS // 2:
                place.broker.kill()
                place.broker.start()
            if number == ROUNDS // 2 + 1:
                place.server.kill()
                place.server.start()
            workers.revive()
        _await(workers, url, oracle)
        _check(kafka, url, oracle)
        assert oracle.never
        assert workers.kills == ROUNDS * KILLS_A_ROUND
    finally:
        workers.end()


def _rows(url: str) -> dict[str, tuple[str, str | None, int]]:
    with connect(url) as connection:
        rows = connection.execute("SELECT delivery_id, state, outcome, step FROM followup.delivery").fetchall()
    return {name: (state, outcome, step) for name, state, outcome, step in rows}


def _await(workers: Workers, url: str, oracle: Oracle) -> None:
    """Until every state is there, every silent delivery is escalated, and nothing waits to be relayed."""

    def settled() -> bool:
        workers.revive()
        rows = _rows(url)
        with connect(url) as connection:
            left = connection.execute("SELECT count(*) FROM outbox").fetchone()
        states = {name: row[:2] for name, row in rows.items()}
        return states == oracle.state and all(rows[each][2] > 1 for each in oracle.must) and left == (0,)

    wait_until(settled, timeout=SETTLED_SECONDS, what="the states and steps that must come out")


def _check(kafka: Any, url: str, oracle: Oracle) -> None:
    rows = _rows(url)
    assert {name: row[:2] for name, row in rows.items()} == oracle.state
    told = [decode_record("transition", each.value or b"") for each in read_topic(kafka, [topics.TRANSITIONS])]
    once: dict[str, dict[str, Any]] = {}
    for each in told:
        assert once.setdefault(each["transitionId"], each) == each, "one id, two contents"
    steps: dict[str, list[str]] = defaultdict(list)
    for each in once.values():
        if each["cause"].startswith("sweep:"):
            steps[each["deliveryId"]].append(each["cause"])
    assert not oracle.never & set(steps), "escalated although it was answered in time"
    assert oracle.must <= set(steps), "not escalated"
    assert all(len(causes) == len(set(causes)) for causes in steps.values()), "a step taken twice"
    assert {each["refusal"] for each in once.values()} <= {None, "OTHER_AGENCY"}
    events: dict[str, bytes | None] = {}
    kinds: dict[str, set[str]] = defaultdict(set)
    for record in read_topic(kafka, [EXCHANGE_OUTBOX]):
        headers = {name: (value or b"").decode() for name, value in record.headers}
        assert events.setdefault(headers["ce_id"], record.value) == record.value, "one id, two contents"
        kinds[headers["ce_type"]].add(headers["ce_id"])
    others = sum(1 for _, outcome in oracle.state.values() if outcome == "NOT_OUR_CHILD")
    assert len(kinds["control.acknowledgement"]) == oracle.answers - others
    assert kinds["control.escalation"] | kinds["control.notice"], "nothing was said of the steps"
