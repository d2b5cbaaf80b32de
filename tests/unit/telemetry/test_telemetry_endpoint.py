"""The HTTP endpoint of a process."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from connectors.metrics_server import MetricsServer, serve_metrics
from connectors.telemetry import Telemetry


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(process="test", clock=lambda: 0.0)


@pytest.fixture
def server(telemetry: Telemetry) -> Iterator[MetricsServer]:
    running = serve_metrics(telemetry, port=0)
    yield running
    running.close()


def test_metrics_are_served_in_the_text_format(server: MetricsServer) -> None:
    """The body is what Prometheus scrapes."""
    status, body = get(server.url)
    assert status == 200
    assert "# TYPE masa_router_events_total counter" in body


def test_a_process_is_alive_before_it_is_ready(server: MetricsServer, telemetry: Telemetry) -> None:
    """Readiness answers 503 and the reason until the process says that it is ready."""
    telemetry.process_waiting("the rule set")
    base = server.url.removesuffix("/metrics")
    assert get(f"{base}/health/live") == (200, "alive\n")
    assert get(f"{base}/health/ready") == (503, "waiting for the rule set\n")
    telemetry.process_ready()
    assert get(f"{base}/health/ready") == (200, "ready\n")


def test_nothing_else_is_served(server: MetricsServer) -> None:
    """Any other path is not found, and says what there is."""
    status, body = get(server.url.replace("/metrics", "/etc/passwd"))
    assert status == 404
    assert "/health/ready" in body


def test_a_closed_endpoint_frees_its_port(telemetry: Telemetry) -> None:
    """The same port can be served again at once, as after a restart."""
    first = serve_metrics(telemetry, port=0)
    first.close()
    second = serve_metrics(telemetry, port=first.port)
    assert get(second.url)[0] == 200
    second.close()
