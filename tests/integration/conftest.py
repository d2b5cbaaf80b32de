"""One running exchange for every integration test that only publishes and looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.live_exchange import LiveExchange


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveExchange]:
    """`masa up` as a process of its own, with real Kafka, PostgreSQL, router and ledger; started once a session."""
    exchange = LiveExchange(tmp_path_factory.mktemp("live") / "data")
    try:
        exchange.start()
        yield exchange
    finally:
        exchange.close()
