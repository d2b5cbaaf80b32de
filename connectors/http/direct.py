"""The requests that programs make all day, without the framework's way to them: it costs more than they do.

The functions are those of the routes, given what the framework would give them. Whatever is not exactly one of these
requests goes on to the framework, which also describes them all; a test holds both ways to the same answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connectors.http.api_events import publish
from connectors.http.api_inbox import acknowledge, poll
from connectors.http.auth import current_caller
from connectors.http.values import Caller

_BEFORE_ID, _AFTER_ID = "/v1/deliveries/", "/acknowledge"


class Direct:
    """Wraps the app. A problem that is raised is for the edge around it to answer."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _found(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        template, answer = found
        scope["app"], scope["route"] = self._app, _Route(template)
        request = Request(scope, receive, send)
        response = await answer(request, await current_caller(request))
        await response(scope, receive, send)


class _Route(NamedTuple):
    """What others want to know of a route."""

    path: str


_Answer = Callable[[Request, Caller], Awaitable[Response]]


def _found(path: str) -> tuple[str, _Answer] | None:
    """The route's template, and who answers."""
    if path == "/v1/events":
        return path, publish
    if path == "/v1/inbox/poll":
        return path, poll
    if path.startswith(_BEFORE_ID) and path.endswith(_AFTER_ID):
        delivery_id = path[len(_BEFORE_ID) : -len(_AFTER_ID)]
        if delivery_id and "/" not in delivery_id:
            return f"{_BEFORE_ID}{{delivery_id}}{_AFTER_ID}", lambda request, caller: acknowledge(
                request, delivery_id, caller
            )
    return None
