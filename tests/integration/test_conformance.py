"""The conformance kit with a real broker, and at its other end a system made of the client library."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from base64 import b64encode
from pathlib import Path

import pytest

from connectors.client.filling import Identity
from connectors.client.kafka import KafkaInbox, KafkaPublisher
from connectors.kafka.settings import KafkaSettings
from connectors.signing import new_key
from schemas.examples import example
from schemas.json_form import to_json
from schemas.registry import load_event_types
from streams.cli.runtime import now_ms
from tests.integration.masa_command import MASA
from tests.support import wait_for

pytestmark = pytest.mark.integration

AGENCY, PUBLISHED = "northshire-police", "police.child-detained"
KINDS = ("early-help.episode", "control.correction")
ROOT = Path(__file__).parents[2]


def test_a_system_made_of_the_client_library_passes_and_its_certificate_is_genuine(tmp_path: Path) -> None:
    """Everything that is sent is answered once, what is published is right; the certificate is the operator's."""
    key, pem, certificate = new_key(), tmp_path / "operator.pem", tmp_path / "certificate.json"
    key.write(pem)
    chosen = [word for kind in KINDS for word in ("--type", kind)]
    command = [*MASA, "conformance", "--agency", AGENCY, *chosen, "--publishes", PUBLISHED, "--within", "120",
               "--quiet", "3", "--key", str(pem), "-o", str(certificate), "--json"]  # fmt: skip
    env_free = {"KAFKA_BOOTSTRAP_SERVERS": ""}
    with started(command, tmp_path / "said", env_free) as kit:
        address = wait_for(lambda: address_in(tmp_path / "said"), 120, what="the kit's broker")
        stop = threading.Event()
        system = threading.Thread(target=supplier, args=(address, stop), daemon=True)
        system.start()
        try:
            answer, _ = kit.communicate(timeout=180)
        finally:
            stop.set()
            system.join(30)
    found = json.loads(answer)
    assert [each for each in found["checks"] if not each["passed"]] == []
    assert kit.returncode == 0
    assert found["deliveries"] > len(KINDS)
    public = b64encode(key.public_key).decode()
    checked = subprocess.run([*MASA, "conformance", "verify", str(certificate), "--public-key", public],
                             capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    other = b64encode(new_key().public_key).decode()
    refused = subprocess.run([*MASA, "conformance", "verify", str(certificate), "--public-key", other],
                             capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert refused.returncode == 1


def started(command: list[str], said: Path, env: dict[str, str]) -> subprocess.Popen[str]:
    import os

    with said.open("w") as errors:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT, env={**os.environ, **env}
        )


def address_in(said: Path) -> str | None:
    found = re.search(r"to Kafka at (\S+): \d+ deliveries", said.read_text())
    return found[1] if found else None


def supplier(address: str, stop: threading.Event) -> None:
    """Publishes one event and answers everything, until it is told to stop."""
    settings = KafkaSettings.create(bootstrap_servers=address)
    identity = Identity(AGENCY, "northshire", "POLICE", "GSS", "E23000099")
    kind = load_event_types()[PUBLISHED]
    event = to_json(kind, example(kind, now_ms=now_ms(), event_id="01a0fd32-2d00-7000-8000-00000000000c"))
    for name in ("masaId", "sourceOrg", "eventId", "publishedAt", "recordedAt"):
        del event["envelope"][name]
    with KafkaPublisher(settings, identity, key=b"k" * 32, clock=now_ms, allow_synthetic=True) as publisher:
        publisher.publish(event)
    with KafkaInbox(settings, AGENCY, clock=now_ms) as inbox:
        while not stop.is_set():
            for each in inbox.receive(50, wait_seconds=0.5):
                inbox.acknowledge(each, "NOTED" if each.event is not None else "ASK_MORE")
