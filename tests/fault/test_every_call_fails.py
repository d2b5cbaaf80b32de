"""A small batch, once for every call of the transactional client, with that call failing in every way.

The real router on a real broker; only the client's answers are tampered with. After each the checker finds that every
record was audited once and every delivery made once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random

import pytest

from connectors.client.outbox import outbox_record
from connectors.errors import ExitForSupervisor
from connectors.kafka import topics, transaction
from connectors.kafka.local import LocalBroker
from connectors.kafka.log_ends import LogEnds
from connectors.kafka.partition import Partition
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.settings import KafkaSettings
from connectors.telemetry import Telemetry
from schemas.acceleration import acceleration
from schemas.examples import example, new_event_id
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.ledger.reconcile_read import reconcile_exchange
from streams.routing.process import ROUTER_GROUP, run_router
from tests.fault.failing_client import FailingProducer, Fault, Faults, Kind
from tests.integration.simulated_exchange import AREAS, PSEUDONYM_KEY, Exchange, compiled, on_kafka, signatories
from tests.support import wait_for

pytestmark = pytest.mark.fault

AGENCY = "northshire-police"
OUTBOX = topics.outbox(AGENCY)
PSEUDONYMS = Pseudonymiser(PSEUDONYM_KEY)
NUMBERS = count(1)
TRIES = 5  # more often than a call that may be repeated is repeated

PRODUCES = 8  # of the batch below, at least; the test of the batch says so
FULL = os.environ.get("MASA_FAULT_SIZE") == "full"
PRODUCED = range(1, PRODUCES + 1) if FULL else (1, 5)  # which of them fail

BEGIN, OFFSETS, COMMIT = ("begin_transaction", 1), ("send_offsets_to_transaction", 1), ("commit_transaction", 1)
CALLS = [BEGIN, *[("produce", nth) for nth in PRODUCED], OFFSETS, COMMIT]
MOMENTS = (False, True)  # before the call takes effect, and after
ANSWERS = (Kind.RETRIABLE, Kind.ABORTABLE, Kind.UNKNOWN, Kind.FATAL)

ONCE = [Fault(*call, after, kind) for call in CALLS for kind in ANSWERS[:3] for after in MOMENTS]
FOR_EVER = [Fault(*call, after, Kind.RETRIABLE, TRIES) for call in (BEGIN, OFFSETS, COMMIT) for after in MOMENTS]
ENDING = [Fault(*call, after, Kind.FATAL) for call in (BEGIN, ("produce", 4), OFFSETS, COMMIT) for after in MOMENTS]
ABORTS = [Fault("abort_transaction", 1, after, kind) for kind in ANSWERS for after in MOMENTS]
DEATHS = [Fault(*call, after, Kind.DEATH) for call in (BEGIN, ("produce", 4), OFFSETS, COMMIT) for after in MOMENTS]


def batch() -> list[Outgoing]:
    """Two events, one of them sent twice, and bytes that are no event: deliveries, a repeat and a rejection."""
    contract = load_event_types()["police.domestic-abuse-incident"]
    at_ms = time.time_ns() // 1_000_000
    records = []
    for _ in range(2):
        event_id = new_event_id(at_ms, Random(f"call-fails:{next(NUMBERS)}").getrandbits)
        datum = example(contract, now_ms=at_ms, event_id=event_id, overrides={})
        records.append(outbox_record(contract, datum, agency=AGENCY, gateway=False, pseudonymiser=PSEUDONYMS))
    return [*records, records[0], Outgoing(OUTBOX, b"no event at all", b"key")]


class Slot:
    """A router slot in a thread, with a client that fails on demand; started again when it ends, as by a supervisor."""

    def __init__(self, kafka: KafkaSettings, faults: Faults) -> None:
        self._kafka = kafka
        self._faults = faults
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._unexpected: BaseException | None = None
        self.restarts = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(90)

    def check(self) -> None:
        if self._unexpected is not None:
            raise self._unexpected

    def _supervise(self) -> None:
        while not self._stop.is_set():
            try:
                telemetry = Telemetry(process="router-0", clock=time.time)
                people = signatories()
                run_router(
                    self._kafka, 0, PSEUDONYM_KEY, telemetry, self._stop,
                    signatories=people, clock=time.time, allow_synthetic=True, built=acceleration(),
                )  # fmt: skip
            except ExitForSupervisor:
                self.restarts += 1
            except BaseException as error:  # noqa: BLE001 - handed to the test
                self._unexpected = error
                return


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    """A broker of the module's own, since the checker looks at all that there is; topics and rules in place."""
    broker = LocalBroker(data_dir=Path(tmp_path_factory.mktemp("kafka")))
    try:
        settings = broker.start()
        exchange, artefact = Exchange(settings, tmp_path_factory.mktemp("exchange")), compiled(AREAS / "northshire")
        exchange.provision(on_kafka(artefact))
        exchange.activate(artefact)
        yield settings
    finally:
        broker.stop()


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def slot(kafka: KafkaSettings, faults: Faults) -> Iterator[Slot]:
    """One slot for all cases: what an earlier one left behind must not harm a later one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction, "Producer", lambda conf: FailingProducer(faults, conf))
        made = Slot(kafka, faults)
        made.start()
        yield made
        made.stop()


def publish(kafka: KafkaSettings) -> int:
    """The offset after the batch."""
    with Publisher(kafka) as publisher:
        return max(place.offset for place in publisher.publish(batch())) + 1


def await_committed(kafka: KafkaSettings, end: int, slot: Slot | None = None) -> None:
    ends = LogEnds(kafka)

    def committed() -> bool:
        if slot is not None:
            slot.check()
        return ends.committed(ROUTER_GROUP).get(Partition(OUTBOX, 0), 0) >= end

    wait_for(committed, 90, what="the commit of the batch")


def check(kafka: KafkaSettings, end: int) -> None:
    """The checker on everything so far; records are counted, so that nothing is skipped."""
    report = reconcile_exchange(kafka, None, router_group=ROUTER_GROUP, salt=b"salt").to_json()
    assert not any(report["totals"].values()), (report["missing"], report["duplicate"], report["unexplained"])
    assert report["events"] == report["audited"] == end
    assert report["kinds"] == {"DECIDED": end // 2, "REPEATED": end // 4, "REJECTED": end // 4}


def test_a_death_at_any_call_loses_and_doubles_nothing(kafka: KafkaSettings, tmp_path: Path) -> None:
    """A process is killed at each call in turn; the slot's next holder settles what it left and goes on."""
    log = tmp_path / "router.log"
    for fault in DEATHS:
        end = publish(kafka)
        with dying(kafka, fault, log) as process:
            status = process.wait(60)
            assert status == -signal.SIGKILL, (str(fault), log.read_text()[-2_000:])
    survivor = Slot(kafka, Faults())
    survivor.start()
    await_committed(kafka, end, survivor)
    survivor.stop()
    check(kafka, end)


@contextmanager
def dying(kafka: KafkaSettings, fault: Fault, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A router process that is killed at that call."""
    moment = "after" if fault.after else "before"
    people = signatories().to_yaml()
    arguments = (kafka.bootstrap_servers, PSEUDONYM_KEY.hex(), people, fault.call, str(fault.nth), moment)
    with log.open("ab") as sink:
        process = subprocess.Popen([sys.executable, "-m", "tests.fault.dying_router", *arguments], stderr=sink)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def test_the_batch_makes_the_calls_that_the_cases_count_on(kafka: KafkaSettings, slot: Slot, faults: Faults) -> None:
    """Without a fault: the transaction's calls in order, and at least so many records as the cases fail one by one."""
    faults.arm()
    end = publish(kafka)
    await_committed(kafka, end, slot)
    assert faults.calls.count("produce") >= PRODUCES
    assert [name for name in faults.calls if name != "produce"][:3] == [
        "begin_transaction",
        "send_offsets_to_transaction",
        "commit_transaction",
    ]
    check(kafka, end)


@pytest.mark.parametrize("fault", [*ONCE, *FOR_EVER, *ENDING], ids=str)
def test_a_failing_call_loses_and_doubles_nothing(
    kafka: KafkaSettings, slot: Slot, faults: Faults, fault: Fault
) -> None:
    """Retriable calls are repeated, others end in an abort, a new client or a restart; the batch is committed once."""
    faults.arm(fault)
    end = publish(kafka)
    await_committed(kafka, end, slot)
    assert faults.struck()
    check(kafka, end)


@pytest.mark.parametrize("fault", ABORTS, ids=str)
def test_a_failing_abort_loses_and_doubles_nothing(
    kafka: KafkaSettings, slot: Slot, faults: Faults, fault: Fault
) -> None:
    """The abort that follows a failure fails too."""
    faults.arm(Fault("produce", 3, after=True, kind=Kind.ABORTABLE), fault)
    end = publish(kafka)
    await_committed(kafka, end, slot)
    assert faults.struck()
    check(kafka, end)
