"""The conformance kit with a real broker, and at its other end a system made of the client library."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import SecretStr

from connectors.client.filling import Identity
from connectors.client.http import HttpInbox, HttpPublisher
from connectors.client.http_session import ClientCredentials, HttpSession
from connectors.client.interface import Inbox, Publisher
from connectors.client.kafka import KafkaInbox, KafkaPublisher
from connectors.client.patience import Patience
from connectors.errors import ConnectorFailure
from connectors.kafka.settings import KafkaSettings
from connectors.signing import new_key
from schemas.examples import example
from schemas.json_form import to_json
from schemas.registry import load_event_types
from streams.cli.runtime import now_ms
from tests.integration.masa_command import MASA
from tests.support import wait_for

pytestmark = pytest.mark.integration

KINDS = ("early-help.episode", "control.correction")
ROOT = Path(__file__).parents[2]


class Door(NamedTuple):
    """One door: whose system is tried there, what it publishes, and where the kit says it is."""

    agency: str
    published: str
    says: str
    inbox: Callable[[tuple[str, ...]], Inbox]
    publisher: Callable[[tuple[str, ...]], Publisher]


def session(found: tuple[str, ...]) -> HttpSession:
    gateway, endpoint, client, secret = found
    return HttpSession(gateway, ClientCredentials(endpoint, client, SecretStr(secret)), patience=Patience(BRIEFLY))


def kafka_settings(found: tuple[str, ...]) -> KafkaSettings:
    return KafkaSettings.create(bootstrap_servers=found[0])


BRIEFLY = 5.0  # seconds: once the kit has seen enough, its door is gone
POLICE = Identity("northshire-police", "northshire", "POLICE", "GSS", "E23000099")
DOORS = {
    "kafka": Door(
        "northshire-police",
        "police.child-detained",
        r"to Kafka at (\S+)\n",
        lambda found: KafkaInbox(kafka_settings(found), "northshire-police", clock=now_ms, patience=Patience(BRIEFLY)),
        lambda found: KafkaPublisher(kafka_settings(found), POLICE, key=b"k" * 32, clock=now_ms, allow_synthetic=True),
    ),
    "http": Door(
        "oakfield-primary",
        "education.absence-concern",
        r"gateway at (\S+)\ntoken endpoint (\S+), client id (\S+), client secret (\S+)\n",
        lambda found: HttpInbox(session(found)),
        lambda found: HttpPublisher(session(found)),
    ),
}


@pytest.mark.parametrize("name", sorted(DOORS))
def test_a_system_made_of_the_client_library_passes_and_its_certificate_is_genuine(name: str, tmp_path: Path) -> None:
    """Everything that is sent is answered once, what is published is right; the certificate is the operator's."""
    door = DOORS[name]
    key, pem, certificate = new_key(), tmp_path / "operator.pem", tmp_path / "certificate.json"
    key.write(pem)
    chosen = [word for kind in KINDS for word in ("--type", kind)]
    command = [*MASA, "conformance", "--door", name, "--agency", door.agency, *chosen, "--publishes", door.published,
               "--within", "120", "--quiet", "3", "--key", str(pem), "-o", str(certificate), "--json"]  # fmt: skip
    with started(command, tmp_path / "said") as kit:
        found = wait_for(lambda: said(tmp_path / "said", door.says), 120, what="where the kit's door is")
        stop = threading.Event()
        system = threading.Thread(target=supplier, args=(door, found, stop), daemon=True)
        system.start()
        try:
            answer, _ = kit.communicate(timeout=180)
        finally:
            stop.set()
            system.join(60)
    report = json.loads(answer)
    assert [each for each in report["checks"] if not each["passed"]] == []
    assert kit.returncode == 0
    assert (report["door"], report["deliveries"] > len(KINDS)) == (name, True)
    assert verified_by(certificate, key.public_key) == 0
    assert verified_by(certificate, new_key().public_key) == 1


def verified_by(certificate: Path, public_key: bytes) -> int:
    command = [*MASA, "conformance", "verify", str(certificate), "--public-key", b64encode(public_key).decode()]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


def started(command: list[str], said: Path) -> subprocess.Popen[str]:
    with said.open("w") as errors:
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": ""},
        )


def said(file: Path, pattern: str) -> tuple[str, ...] | None:
    found = re.search(pattern, file.read_text())
    return found.groups() if found else None


def supplier(door: Door, found: tuple[str, ...], stop: threading.Event) -> None:
    """Publishes one event and answers everything, until it is told to stop."""
    kind = load_event_types()[door.published]
    event = to_json(kind, example(kind, now_ms=now_ms(), event_id="01a0fd32-2d00-7000-8000-00000000000c"))
    for name in ("masaId", "sourceOrg", "eventId", "publishedAt", "recordedAt"):
        del event["envelope"][name]
    with door.publisher(found) as publisher:
        publisher.publish(event)
    with contextlib.suppress(ConnectorFailure), door.inbox(found) as inbox:
        while not stop.is_set():
            for each in inbox.receive(50, wait_seconds=0.5):
                inbox.acknowledge(each, "NOTED" if each.event is not None else "ASK_MORE")
