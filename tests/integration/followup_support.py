"""Audit records and receipts on a real broker, and the engine with the shipped ladders in a thread or a process.

`python -m tests.integration.followup_support SERVERS URL SHIFT_MS` is the process: engine and relay, until killed.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from confluent_kafka import Producer

from connectors.client.receipts import receipt_record
from connectors.kafka import topics
from connectors.kafka.publisher import Publisher
from connectors.kafka.settings import KafkaSettings
from connectors.keeping import Loop
from schemas.codec import encode_record
from schemas.registry import load_event_types
from streams.cli.areas import compile_area
from streams.followup.batch import Parts
from streams.followup.engine import Engine, follow_up
from streams.followup.hooks import NoRecall
from streams.followup.ladders import Ladders
from streams.followup.sweep import Sweeper
from streams.followup.telling import Speaker
from streams.followup.voice import Voice
from streams.followup.work import Sorter
from streams.gateway.relay import relay
from tests.integration.ledger_support import make_topics
from tests.unit.ledger.world import audit, inputs

AREA = Path(__file__).resolve().parents[2] / "deploy/areas/northshire"
POLICE, SCHOOL = "northshire-police", "oakfield-primary"
ROLES = {POLICE: "police-safeguarding", SCHOOL: "dsl"}
EXCHANGE_OUTBOX = topics.outbox("northshire-exchange")
OURS = {topics.AUDIT: 3, topics.TRANSITIONS: 1, topics.GATEWAY_RECEIPTS: 1, topics.receipts(POLICE): 1,
        EXCHANGE_OUTBOX: 1, topics.inbox("northshire-exchange"): 1}  # fmt: skip


class Told:
    """Records what engine and relay tell."""

    def __init__(self) -> None:
        self.swept_at = 0
        self.failures: list[str] = []
        self.committed: list[dict[str, Any]] = []

    def followup_committed(self, **counts: Any) -> None:
        self.committed.append(counts)

    def followup_behind(self, records: int) -> None: ...

    def followup_swept(self, *, now_ms: int, steps: int) -> None:
        self.swept_at = now_ms

    def outbox_relayed(self, *, records: int) -> None: ...

    def failed(self, error: str) -> None:
        self.failures.append(error)


def make_our_topics(kafka: KafkaSettings) -> None:
    for name, partitions in OURS.items():
        make_topics(kafka, [name], partitions)


def ids(number: int, agency: str) -> tuple[str, str]:
    """Delivery id and event id of the `number`th event for an agency."""
    event = str(UUID(int=(0x0190C0DE << 96) | 0x7000_8000 << 48 | number))
    return str(UUID(int=(0x0290C0DE << 96) | 0x7000_8000 << 48 | number * 2 + (agency == SCHOOL))), event


def audit_of(number: int, now: int, ack_by: dict[str, int]) -> bytes:
    """The audit record of one event delivered to each of these agencies, with its deadline."""
    outcomes = [
        {"agency": agency, "outcome": "DELIVERED", "roles": [ROLES[agency]], "rules": ["r"], "reasons": ["RULE"],
         "basis": "Art 6(1)(c)", "clock": "PT4H", "withheld": [], "topic": "t", "deliveryId": ids(number, agency)[0],
         "ackBy": due}
        for agency, due in sorted(ack_by.items())
    ]  # fmt: skip
    datum = audit(number, outcomes=outcomes)
    said = {"eventId": ids(number, POLICE)[1], "eventType": "education.absence-concern", "source": "northshire-csc"}
    datum |= {**said, "decidedAt": now, "kind": "DECIDED"}
    datum["inputs"] = {**datum["inputs"], **inputs(urgency="ROUTINE")}
    return encode_record("audit", datum)


class Auditor:
    """Writes audit records in transactions, some of which it aborts."""

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self._producer = Producer(kafka.producer_conf(transactional_id=name))
        self._producer.init_transactions(60)

    def write(
        self, values: Iterable[bytes], *, commit: bool = True, before_the_end: Callable[[], None] = lambda: None
    ) -> None:
        self._producer.begin_transaction()
        for number, value in enumerate(values):
            self._producer.produce(topics.AUDIT, value, partition=number % 3)
            self._producer.poll(0)
        self._producer.flush(60)
        before_the_end()
        if commit:
            self._producer.commit_transaction(60)
        else:
            self._producer.abort_transaction(60)


def receipt(number: int, agency: str, kind: str, outcome: str | None = None, **changes: Any) -> Any:
    """A record of a receipt; `by` says in whose name it is written."""
    delivery, event = ids(number, agency)
    author = changes.pop("by", agency)
    datum = {"receiptId": ids(number, agency)[0], "deliveryId": delivery, "eventId": event, "agency": author,
             "kind": kind, "outcome": outcome, "role": None, "person": None, "at": 1, **changes}  # fmt: skip
    return receipt_record(datum, gateway=author == SCHOOL)


def say(kafka: KafkaSettings, records: Iterable[Any]) -> None:
    with Publisher(kafka) as publisher:
        publisher.publish(records)


def engine(told: Any, shift_ms: int) -> Engine:
    """With the ladders of the shipped area, by a clock that is shifted so much."""
    artefact, types = compile_area(AREA).artefact, load_event_types()
    document = artefact.document()
    ladders = Ladders(lambda: (artefact.hash, document))
    speaker = Speaker(Voice(area="northshire", event_types=types), "northshire-csc")
    return Engine(
        sorter=Sorter(types),
        parts=Parts(
            ladders.schedule, ladders.beside(NoRecall()), lambda area: speaker if area == "northshire" else None
        ),
        sweep=Sweeper(ladders.current, types),
        now=lambda: time.time_ns() // 1_000_000 + shift_ms,
        events=told,
        sweep_every_ms=200,
    )


def run(kafka: KafkaSettings, url: str, shift_ms: int, stop: threading.Event, told: Told) -> None:
    """Engine and relay until told to stop."""
    loop = Loop(stop.wait, stop.is_set, told.failed)
    relaying = threading.Thread(target=relay, args=(kafka, url, told, loop), daemon=True)
    relaying.start()
    follow_up(kafka, url, engine(told, shift_ms), loop)
    relaying.join(30)


if __name__ == "__main__":
    servers, database, shift = sys.argv[1:]
    settings = KafkaSettings.create(bootstrap_servers=servers, allow_plaintext=True)
    run(settings, database, int(shift), threading.Event(), Told())
