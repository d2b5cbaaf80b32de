"""Is the gateway there, and can it work? For probes and load balancers; nothing else is told."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from connectors.http.door import door_of
from connectors.http.problems import Problem, unavailable


def health_router() -> APIRouter:
    router = APIRouter(prefix="/health", include_in_schema=False)

    @router.get("/live")
    async def live() -> Response:
        """The process answers."""
        return PlainTextResponse("alive\n")

    @router.get("/ready")
    async def ready(request: Request) -> Response:
        """Rules, database and broker are there; else 503 with what is waited for."""
        door = door_of(request)
        try:
            missing = await door.ask(door.doors.unavailable)
        except Problem as problem:
            missing = problem.detail
        if missing is not None:
            raise unavailable(f"waiting for {missing}")
        return PlainTextResponse("ready\n")

    return router
