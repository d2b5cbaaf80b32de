"""The API, version 1: everything below `/v1`."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.http import answers
from connectors.http.api_events import events_router
from connectors.http.api_inbox import inbox_router
from connectors.http.api_schemas import schemas_router
from connectors.http.auth import CurrentCaller
from connectors.http.openapi import problems
from connectors.http.shapes import CallerAnswer

OPENAPI_PATH = "/v1/openapi.json"


def api_router() -> APIRouter:
    router = APIRouter()
    for part in (events_router(), inbox_router(), schemas_router()):
        router.include_router(part)

    @router.get("/v1/me", tags=["who"], response_model=CallerAnswer, responses=problems())
    async def whom_the_token_stands_for(caller: CurrentCaller) -> Response:
        """Agency, roles and scopes of the access token: the first thing to look at when something is refused."""
        return JSONResponse(answers.caller(caller))

    @router.get(OPENAPI_PATH, include_in_schema=False)
    async def openapi(request: Request) -> Response:
        """The document itself; nothing in it is secret."""
        app: FastAPI = request.app
        return JSONResponse(app.openapi())

    return router
