"""Every example of deploy/examples, run as its first line says, against a running exchange."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connectors.postgres.connection import connect
from connectors.settings import PSEUDONYM_KEY_FILE, SECRETS_DIR
from tests.integration.live_exchange import LiveExchange
from tests.integration.masa_command import ROOT
from tests.support import wait_for

EXAMPLES = ROOT / "deploy" / "examples"
LONGEST = 20  # lines of code: without imports, comments, blank lines and closing braces
ABSENCE, INCIDENT = "education.absence-concern", "police.domestic-abuse-incident"
SCHOOL, ATTENDANCE, POLICE, CSC = "oakfield-primary", "northshire-attendance", "northshire-police", "northshire-csc"
FILLED = ("eventId", "sourceOrg", "masaId", "publishedAt", "recordedAt", "schemaVersion", "sequence")
_COMMENT = re.compile(r"^\s*(#|//|/\*\*|import |from |\}$|$)")

HTTP = {
    "python": ([sys.executable, "http_publish.py"], [sys.executable, "http_receive.py"]),
    "java": (["java", "Publish.java"], ["java", "Receive.java"]),
    "curl": (["sh", "publish.sh"], ["sh", "receive.sh"]),
}


def examples() -> list[Path]:
    return sorted(each for each in EXAMPLES.rglob("*") if each.suffix in (".py", ".java", ".sh"))


@pytest.mark.parametrize("file", examples(), ids=lambda each: each.name)
def test_an_example_is_short(file: Path) -> None:
    """Somebody reads it before lunch."""
    lines = [line for line in file.read_text().splitlines() if not _COMMENT.match(line)]
    assert 3 < len(lines) <= LONGEST


def run(example: list[str], folder: str, work: Path, env: dict[str, str], stdin: str = "") -> tuple[int, str]:
    command = [str(EXAMPLES / folder / part) if part.endswith((".py", ".java", ".sh")) else part for part in example]
    done = subprocess.run(
        command, cwd=work, env={**os.environ, **env}, input=stdin, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.stderr == "" or folder != "python", done.stderr
    return done.returncode, done.stdout


def credentials(live: LiveExchange, agency: str) -> dict[str, str]:
    """What a supplier is given, as the examples expect it."""
    (given,) = live.answers("token", agency, "--credentials")
    return {
        "MASA_CLIENT_ID": given["clientId"],
        "MASA_CLIENT_SECRET": given["clientSecret"],
        "MASA_TOKEN_ENDPOINT": given["tokenEndpoint"],
        "MASA_GATEWAY_URL": given["gateway"],
    }


def event(live: LiveExchange, event_type: str) -> str:
    made: dict[str, Any] = json.loads(live.example(event_type))
    for name in FILLED:
        del made["envelope"][name]
    return json.dumps(made) + "\n"


@pytest.mark.integration
@pytest.mark.parametrize("language", sorted(HTTP))
def test_what_an_example_publishes_at_the_gateway_an_example_receives(
    language: str, live: LiveExchange, tmp_path: Path
) -> None:
    """Acknowledged, so that it does not come again."""
    publish, receive = HTTP[language]
    (tmp_path / "event.json").write_text(event(live, ABSENCE))
    publish = [*publish, "event.json"] if language == "curl" else publish
    status, said = run(publish, language, tmp_path, credentials(live, SCHOOL), (tmp_path / "event.json").read_text())
    assert status == 0, said
    event_id = said.strip() if language == "python" else json.loads(said)["eventId"]
    env = credentials(live, ATTENDANCE)
    wait_for(lambda: event_id in run(receive, language, tmp_path, env)[1], 120, what="the delivery")
    wait_for(lambda: _acknowledged(live, event_id), 60, what="the acknowledgement")


@pytest.mark.integration
def test_what_an_example_publishes_to_kafka_an_example_receives(live: LiveExchange, tmp_path: Path) -> None:
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": live.connection()["kafka"],
        "MASA_OUTBOX_KEY_FILE": str(live.data_dir / SECRETS_DIR / PSEUDONYM_KEY_FILE),
    }
    example = [sys.executable, "kafka_publish.py"]
    status, said = run(example, "python", tmp_path, env, event(live, INCIDENT))
    assert status == 0, said
    receive = [sys.executable, "kafka_receive.py", CSC]
    wait_for(lambda: said.strip() in run(receive, "python", tmp_path, env)[1], 120, what="the delivery")


def _acknowledged(live: LiveExchange, event_id: str) -> bool:
    with connect(live.database) as connection:
        query = "SELECT count(*) FROM gateway_delivery WHERE event_id = %s AND agency = %s AND state = 'ACKNOWLEDGED'"
        return connection.execute(query, (event_id, ATTENDANCE)).fetchone() == (1,)
