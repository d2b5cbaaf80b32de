"""The policy of a running exchange seen by its two demo people, and by somebody who writes nonsense to its topic."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from connectors.kafka import topics
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.settings import POLICY_MAX_BYTES
from connectors.settings import Settings
from streams.cli.people import demo_signers, required_signatories
from streams.cli.policy_topic import PolicyTopic, read_policy
from streams.cli.scrape import scrape
from streams.cli.slots import SlotState, state_of
from streams.policy.activation import HEAD, Activation, activation_records, pack, to_value
from streams.policy.artefact import Artefact
from streams.policy.statement import SignedStatement, Statement
from streams.routing.signers import Signer, signed_by, throwaway_signers
from tests.support import wait_for

AREA = "northshire"


class SignedPolicy:
    """Of the exchange that `masa up` runs in a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.found = Settings.load(data_dir, {})
        self.kafka = self.found.kafka()
        signers = demo_signers(self.found)
        assert signers is not None
        self.signers: Sequence[Signer] = signers

    def topic(self) -> PolicyTopic:
        return read_policy(self.kafka, required_signatories(self.found))

    def in_force(self) -> SignedStatement:
        found = self.topic().in_force(time.time_ns() // 1_000_000)
        assert found is not None
        return found

    def artefact(self) -> Artefact:
        found = self.topic().artefact_in_force(time.time_ns() // 1_000_000)
        assert found is not None
        return found

    def slots(self) -> list[SlotState]:
        """Every router slot that answers."""
        pages = (scrape(url) for url in self._pages())
        return [state for page in pages if page is not None and (state := state_of(page)) is not None]

    def refused(self) -> dict[str, int]:
        """`masa_policy_refused_total` by reason, over all slots."""
        counts: dict[str, int] = {}
        for sample in (each for url in self._pages() for each in scrape(url) or ()):
            if sample.name == "masa_policy_refused_total":
                reason = dict(sample.labels)["reason"]
                counts[reason] = counts.get(reason, 0) + int(sample.value)
        return counts

    def publish(self, *records: tuple[bytes, bytes | None]) -> None:
        """Past the command line, as whoever can write to the topic might."""
        with Publisher(self.kafka, max_bytes=POLICY_MAX_BYTES) as publisher:
            publisher.publish(Outgoing(topics.POLICY, value, key) for key, value in records)

    def activate(self, artefact: Artefact) -> int:
        """As two people who sign and activate at once; the sequence, once every slot follows it."""
        sequence = self.topic().next_sequence()
        statement = Statement(area=AREA, sequence=sequence, rule_set=artefact.hash, reason="a test")
        records = activation_records(signed_by(statement, self.signers), artefact)
        self.publish(*((each.key, each.value) for each in records))
        wait_for(lambda: {each.version for each in self.slots()} == {sequence}, what=f"version {sequence} everywhere")
        return sequence

    def publish_bad(self, artefact: Artefact) -> None:
        """Every kind of bad activation under the head's own key, and wait for every slot's alarm about each."""
        slots, before = len(self.slots()), self.refused()
        bad = bad_heads(artefact, self.topic().next_sequence(), self.signers)
        self.publish(*((HEAD, value) for value in bad.values()))

        def told() -> bool:
            now = self.refused()
            return all(now.get(reason, 0) >= before.get(reason, 0) + slots for reason in bad)

        wait_for(told, what="an alarm for each in every slot")

    def _pages(self) -> Sequence[str]:
        assert self.found.connection is not None
        return self.found.connection.metrics


def bad_heads(artefact: Artefact, sequence: int, signers: Sequence[Signer]) -> dict[str, bytes]:
    """Values by the reason for which routers refuse them; each is sound but for that."""
    packed = pack(artefact)

    def head(people: Sequence[Signer], *, number: int = sequence, area: str = AREA) -> bytes:
        statement = Statement(area=area, sequence=number, rule_set=artefact.hash, reason="a bad one")
        return to_value(Activation(signed_by(statement, people), packed))

    return {
        "unsigned": head([]),
        "one-signer": head([signers[0], signers[0]]),
        "unknown-signatory": head(throwaway_signers()),
        "tampered": head(signers).replace(b'"reason":"a bad one"', b'"reason":"a mad one"'),
        "truncated": head(signers)[: -len(packed) // 2],
        "unreadable": b"not an activation",
        "older": head(signers, number=sequence - 1),
        "wrong-area": head(signers, area="eastmarch"),
    }
