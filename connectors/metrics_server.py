"""HTTP endpoint of a process: `/metrics`, `/health/live`, `/health/ready`.

Listens on the loopback address unless told otherwise, and serves nothing else. Alive means that the process
answers; ready means that it does its work, and when it is not, the body says what it waits for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

LOOPBACK = "127.0.0.1"
_TEXT = "text/plain; charset=utf-8"


class Exposed(Protocol):
    """What the endpoint needs of a process's telemetry."""

    def exposition(self) -> tuple[str, bytes]:
        """Content type and body of `/metrics`."""
        ...

    def waiting_for(self) -> str | None:
        """None when ready, else what the process waits for."""
        ...


@dataclass(frozen=True, kw_only=True)
class MetricsServer:
    """A running endpoint. `close()` stops it and frees the port."""

    url: str
    port: int
    close: Callable[[], None]


def _answer(source: Exposed, path: str) -> tuple[int, str, bytes]:
    if path == "/metrics":
        content_type, body = source.exposition()
        return 200, content_type, body
    if path == "/health/live":
        return 200, _TEXT, b"alive\n"
    if path == "/health/ready":
        reason = source.waiting_for()
        return (200, _TEXT, b"ready\n") if reason is None else (503, _TEXT, f"waiting for {reason}\n".encode())
    return 404, _TEXT, b"not found: try /metrics, /health/live or /health/ready\n"


def serve_metrics(source: Exposed, *, port: int, host: str = LOOPBACK) -> MetricsServer:
    """Serve `source` in a daemon thread. Port 0 takes a free one. Raises OSError when the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content_type, body = _answer(source, self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes are not worth a log line."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    bound = int(server.server_address[1])

    def close() -> None:
        server.shutdown()
        server.server_close()

    return MetricsServer(url=f"http://{host}:{bound}/metrics", port=bound, close=close)
