"""Serving an ASGI app until asked to stop: uvicorn, with bounds on what it waits for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from connectors.errors import StartFailed

App = ASGIApp
GRACE_SECONDS = 10  # for requests in work when asked to stop
KEEP_ALIVE_SECONDS = 30
MOST_CONNECTIONS = 4000
HEADER_SECONDS = 10.0
LARGEST_HEAD_BYTES = 32 * 1024
STOP_LOOK_SECONDS = 0.1


class PatientlyBounded(H11Protocol):
    """HTTP/1.1 that hangs up on who does not send a whole request line and headers in time.

    uvicorn bounds only the pause between two requests: a slow sender of headers would hold a connection for ever. Nor
    does it say when to come back, when there are too many connections; those are closed at once.
    """

    header_seconds = HEADER_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > MOST_CONNECTIONS:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and self._between_requests():
            self._await_head()
        super().data_received(data)
        if self._deadline is not None and not self._between_requests():
            self._deadline.cancel()
            self._deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        super().connection_lost(exc)

    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self.header_seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()


def serve(app: App, *, host: str, port: int, stop: threading.Event, header_seconds: float = HEADER_SECONDS) -> None:
    """Serve until `stop` is set; requests in work are finished within GRACE_SECONDS. Raises StartFailed.

    Call from the main thread or any other: signals are the caller's.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=type("Bounded", (PatientlyBounded,), {"header_seconds": header_seconds}),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who is at the other end is never taken from a header
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
        backlog=1024,
    )
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # its lines could quote a request; ours say what matters
    asyncio.run(_until_stopped(_Server(config), stop))


class _Server(uvicorn.Server):
    def capture_signals(self) -> Any:
        """The command line has its own handlers, which set `stop`."""
        return contextlib.nullcontext()


async def _until_stopped(server: _Server, stop: threading.Event) -> None:
    async def watch() -> None:
        while not stop.is_set():
            await asyncio.sleep(STOP_LOOK_SECONDS)
        server.should_exit = True

    watching = asyncio.create_task(watch())
    try:
        await server.serve()
    except SystemExit:
        raise StartFailed(f"cannot listen on {server.config.host}:{server.config.port}: is the port taken?") from None
    finally:
        watching.cancel()
    if not server.started:
        raise StartFailed(f"cannot listen on {server.config.host}:{server.config.port}: is the port taken?")
