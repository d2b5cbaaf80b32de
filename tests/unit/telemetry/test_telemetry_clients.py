"""Few figures of librdkafka's many, and a pool that is asked when it is looked at."""

from __future__ import annotations

import json

import pytest

from connectors.client_statistics import client_figures
from connectors.telemetry import Telemetry

BROKER = {"nodeid": 1, "state": "UP", "rtt": {"p99": 4_000}, "throttle": {"max": 250}, "txretries": 2}
STATISTICS = {
    "msg_cnt": 7,
    "msg_size": 900,
    "tx_bytes": 10,
    "rx_bytes": 20,
    "brokers": {
        "boot": {"nodeid": -1, "state": "UP", "rtt": {"p99": 9_000_000}},
        "one": BROKER,
        "two": {**BROKER, "nodeid": 2, "state": "CONNECT", "rtt": {"p99": 8_000}, "req_timeouts": 1},
    },
}


def test_figures_are_sums_and_worst_cases_over_known_brokers() -> None:
    """However many brokers there are, the number of figures is the same; bootstrap entries are no brokers."""
    figures = client_figures(json.dumps(STATISTICS))
    assert (figures.brokers, figures.brokers_up, figures.queue_records) == (2, 1, 7)
    assert figures.round_trip_p99_seconds == pytest.approx(0.008)
    assert figures.throttle_seconds == pytest.approx(0.25)
    assert figures.retries == 5


def test_a_pool_is_asked_at_every_scrape() -> None:
    """The figure is that of the moment, not that of the last change."""
    telemetry, used = Telemetry(process="test", clock=lambda: 0.0), [1]
    telemetry.pool_watched("gateway", size=8, used=lambda: used[0], idle=lambda: 2)
    used[0] = 5
    text = telemetry.exposition()[1].decode()
    assert 'masa_postgres_pool_connections{pool="gateway",state="used"} 5.0' in text
    assert 'masa_postgres_pool_connections{pool="gateway",state="size"} 8.0' in text
    assert 'masa_postgres_pool_refusals_total{pool="gateway"} 0.0' in text
