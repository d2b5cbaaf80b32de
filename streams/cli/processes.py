"""What every long-running command does around its work: telemetry, its endpoint, a stop on SIGTERM."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from connectors.errors import ConnectorFailure
from connectors.metrics_server import LOOPBACK, serve_metrics
from connectors.telemetry import Telemetry
from streams.cli.runtime import Exit, environment, make_telemetry


def stopped_by_signal() -> threading.Event:
    """An event that SIGTERM and ctrl-C set. The work in hand is finished, then the process ends with status 0."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def process_of(name: str, metrics_port: int | None) -> Iterator[Telemetry]:
    """Telemetry of a process for as long as it runs; a failure is logged without its message, and raised."""
    telemetry = make_telemetry(name)
    host = environment().get("MASA_METRICS_HOST") or LOOPBACK  # in a container, its own address
    server = serve_metrics(telemetry, port=metrics_port, host=host) if metrics_port is not None else None
    try:
        yield telemetry
    except ConnectorFailure as error:
        telemetry.process_failed(error)
        raise  # its message is safe to show, and says what to do
    except Exception as error:  # noqa: BLE001 - whatever it is, its message must not be shown
        telemetry.process_failed(error)
        raise SystemExit(Exit.ENVIRONMENT) from None  # a message of unknown origin could quote a record
    finally:
        telemetry.process_stopping(reason="ended")
        if server is not None:
            server.close()


@contextmanager
def beside(work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    """Run `work` in a thread while the body runs; either of them ending sets `stop`, which both heed.

    What `work` raised is raised once the body has ended, so that a supervisor starts both again.
    """

    def guarded() -> None:
        try:
            work()
        finally:
            stop.set()

    with ThreadPoolExecutor(1, thread_name_prefix="beside") as pool:
        done = pool.submit(guarded)
        try:
            yield
        finally:
            stop.set()
        done.result()
