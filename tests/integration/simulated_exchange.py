"""A provisioned broker, a real rule set and one router process, for tests that publish simulated events."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from connectors.kafka import topics
from connectors.kafka.admin import apply_topics, plan_topics
from connectors.kafka.publisher import Outgoing, Published, Publisher
from connectors.kafka.reader import end_offsets, read_topic
from connectors.kafka.settings import POLICY_MAX_BYTES, KafkaSettings
from connectors.kafka.topic_plan import wanted_topics
from schemas.codec import decode_record
from schemas.registry import load_event_types
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.load import load_areas
from streams.policy.signatories import Signatories
from streams.routing.signers import Signer, self_signed, signatories_of, throwaway_signers
from tests.support import wait_for

AREA = "northshire"
AREAS = Path(__file__).resolve().parents[2] / "deploy" / "areas"
PSEUDONYM_KEY = b"a key for tests of simulated events only"
ROUTED_WITHIN_SECONDS = 120.0

Position = tuple[str, int, int]  # topic, partition, offset


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@cache
def signers() -> Sequence[Signer]:
    """The two people who sign in this test run, whatever broker they sign for."""
    return throwaway_signers()


def signatories() -> Signatories:
    return signatories_of(AREA, signers())


def compiled(folder: Path) -> Artefact:
    """An area folder with its neighbours, as today's rule set."""
    today = datetime.now(UTC).date()
    return compile_areas(load_areas(folder, today), load_event_types(), today)


def on_kafka(artefact: Artefact) -> list[str]:
    return [entry["id"] for entry in artefact.document()["agencies"] if entry["channel"] == "kafka"]


@dataclass
class Exchange:
    """One router as a process of its own, on a broker that other tests use too: it looks at its own records only."""

    kafka: KafkaSettings
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def provision(self, agencies: Iterable[str]) -> None:
        """Topics of the exchange and of agencies with topics of their own."""
        apply_topics(self.kafka, plan_topics(self.kafka, wanted_topics(agencies)))

    def activate(self, artefact: Artefact) -> None:
        records = self_signed(AREA, artefact, now_ms(), signers())
        with Publisher(self.kafka, max_bytes=POLICY_MAX_BYTES) as publisher:
            publisher.publish(Outgoing(topics.POLICY, each.value, each.key, each.headers) for each in records)

    def start(self) -> None:
        with (self.folder / "router.log").open("ab") as log:
            self.process = subprocess.Popen(self._masa("router", "--slot", "0"), env=self._env(), stderr=log)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def log(self) -> str:
        return (self.folder / "router.log").read_text(errors="replace")

    def masa(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of `masa`, as an operator would."""
        return subprocess.run(
            self._masa(*arguments), env=self._env(), capture_output=True, text=True, timeout=120, check=False
        )

    def publish(self, records: Sequence[Outgoing]) -> list[Position]:
        """Where each record is, in the order given."""
        with Publisher(self.kafka) as publisher:
            places: list[Published] = publisher.publish(records)
        return [tuple(place) for place in places]

    def ends(self) -> dict[tuple[str, int], int]:
        """Where audit and rejected end now: later readings start here."""
        return end_offsets(self.kafka, [topics.AUDIT, topics.REJECTED])

    def audits(self, since: dict[tuple[str, int], int], positions: Iterable[Position]) -> dict[Position, list[Any]]:
        """Audit records of these source positions, once each of them has one."""
        wanted = set(positions)

        def complete() -> dict[Position, list[Any]] | None:
            assert self.is_alive(), f"the router ended:\n{self.log()[-4000:]}"
            found = self._found("audit", topics.AUDIT, since, wanted)
            return found if found.keys() == wanted else None

        return wait_for(complete, ROUTED_WITHIN_SECONDS, what="an audit record for every record")

    def rejected(self, since: dict[tuple[str, int], int], positions: Iterable[Position]) -> dict[Position, list[Any]]:
        """Records of `masa.rejected` from these source positions."""
        return self._found("rejected", topics.REJECTED, since, set(positions))

    def _found(
        self, name: Any, topic: str, since: dict[tuple[str, int], int], wanted: set[Position]
    ) -> dict[Position, list[Any]]:
        found: dict[Position, list[Any]] = {}
        offsets = {key: offset for key, offset in since.items() if key[0] == topic}
        for record in read_topic(self.kafka, [topic], offsets=offsets):
            datum = decode_record(name, record.value or b"")
            position = (datum["sourceTopic"], datum["sourcePartition"], datum["sourceOffset"])
            if position in wanted:
                found.setdefault(position, []).append(datum)
        return found

    def _masa(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "streams.cli", *arguments, "--data-dir", str(self.folder)]

    def _env(self) -> dict[str, str]:
        key = self.folder / "pseudonym.key"
        key.write_bytes(PSEUDONYM_KEY)
        listed = self.folder / "signatories.yaml"
        listed.write_text(signatories().to_yaml())
        return {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "MASA_PSEUDONYM_KEY_FILE": str(key),
            "MASA_SIGNATORIES_FILE": str(listed),
            "MASA_ALLOW_SYNTHETIC": "true",
        }
