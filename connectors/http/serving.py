"""Serving an ASGI app until asked to stop: uvicorn, with bounds on what it waits for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp

from connectors.errors import StartFailed
from connectors.http.protocol import HEADER_SECONDS, PatientlyBounded

App = ASGIApp
GRACE_SECONDS = 10  # for requests in work when asked to stop
KEEP_ALIVE_SECONDS = 30
STOP_LOOK_SECONDS = 0.1


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
        backlog=1024,
    )
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # its lines could quote a request; ours say what matters
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_stopped(_Server(config), stop))


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
