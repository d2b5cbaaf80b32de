"""A router slot that is killed at a chosen call of its producer: `python -m tests.fault.dying_router …`."""

from __future__ import annotations

import sys
import threading
import time

from connectors.kafka import transaction
from connectors.kafka.settings import KafkaSettings
from connectors.telemetry import Telemetry
from schemas.acceleration import acceleration
from streams.policy.signatories import parse_signatories
from streams.routing.process import run_router
from tests.fault.failing_client import FailingProducer, Fault, Faults, Kind


def main(bootstrap: str, key: str, signatories: str, call: str, nth: str, after: str) -> None:
    """Route until that call."""
    faults = Faults()
    faults.arm(Fault(call, int(nth), after == "after", Kind.DEATH))
    transaction.Producer = lambda conf: FailingProducer(faults, conf)  # type: ignore[assignment, misc]
    telemetry = Telemetry(process="router-0", clock=time.time)
    settings = KafkaSettings(bootstrap_servers=bootstrap)
    people = parse_signatories(signatories, "the test's signatories")
    key_bytes, stop = bytes.fromhex(key), threading.Event()
    run_router(
        settings, 0, key_bytes, telemetry, stop,
        signatories=people, clock=time.time, allow_synthetic=True, built=acceleration(),
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
