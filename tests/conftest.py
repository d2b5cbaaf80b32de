"""Real services for the tests that need them: one Kafka broker and one PostgreSQL a test session.

A missing Java or Maven fails those tests with the message that says what to install; nothing is ever skipped.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest

from connectors.errors import ConnectorFailure
from connectors.kafka.distribution import Progress
from connectors.kafka.local import LocalBroker
from connectors.kafka.settings import KafkaSettings
from connectors.postgres.embedded import EmbeddedPostgres

T = TypeVar("T")


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[KafkaSettings]:
    """Connection settings of a broker that serves transactions: `KAFKA_BOOTSTRAP_SERVERS`, or one of our own."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield KafkaSettings.create(bootstrap_servers=given, allow_plaintext=True)
        return
    with tempfile.TemporaryDirectory(prefix="masa-kafka-", ignore_cleanup_errors=True) as folder:
        broker = LocalBroker(data_dir=Path(folder), progress=_teller(request))
        try:
            yield _started(broker.start, "Kafka broker")
        finally:
            broker.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The session's own PostgreSQL server."""
    with tempfile.TemporaryDirectory(prefix="masa-postgres-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedPostgres(data_dir=Path(folder) / "postgres")
        try:
            _started(server.start, "PostgreSQL")
            yield server
        finally:
            server.remove()


@pytest.fixture(scope="module")
def postgres(request: pytest.FixtureRequest, postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """URL of an empty database of the test module's own."""
    module = re.sub(r"\W+", "_", request.module.__name__.rsplit(".", 1)[-1])[:40]
    name = f"{module}_{uuid4().hex[:8]}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


def _started(start: Callable[[], T], what: str) -> T:
    """What `start` returns; its failure as one message that says what to install or look at."""
    try:
        return start()
    except ConnectorFailure as failure:
        message = f"the tests need a real {what}: {failure}"
    pytest.fail(message, pytrace=False)


def _teller(request: pytest.FixtureRequest) -> Progress:
    """Progress lines past pytest's capture: the first start downloads 54 MB, and a silent minute looks like a hang."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    reporter = request.config.pluginmanager.getplugin("terminalreporter")

    def tell(message: str) -> None:
        if capture is None or reporter is None or "fetching" not in message:
            return
        with capture.global_and_fixture_disabled():
            reporter.rewrite(f"{message}\x1b[K", erase=True)

    return tell
