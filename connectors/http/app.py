"""The ASGI app: routes, error answers, and the edge around them.

`create_app` is given everything; it opens nothing. Pages for browsers are further routers: they share
`request.app.state.door` and set their own Content-Security-Policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from connectors.http.api import api_router
from connectors.http.direct import Direct
from connectors.http.door import Door
from connectors.http.edge import Edge
from connectors.http.health import health_router
from connectors.http.openapi import DESCRIPTION, TITLE, VERSION, document_of
from connectors.http.problems import FAULT, INVALID, Problem, of_status
from connectors.http.values import FieldProblem


def create_app(door: Door, *, routers: Sequence[APIRouter] = ()) -> ASGIApp:
    """The gateway's app, ready to serve. `routers` are mounted beside the API."""
    return Edge(Direct(create_bare_app(door, routers=routers)), door=door)


def create_bare_app(door: Door | None, *, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """The app without its edge, for tools that want the FastAPI object; without a door for its document alone."""
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,  # it would load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.door = door
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Exception, _fault)
    for router in (health_router(), api_router(), *routers):
        app.include_router(router)
    app.openapi = lambda: document_of(app)  # type: ignore[method-assign]
    return app


async def _problem(request: Request, error: Exception) -> Response:
    return cast(Problem, error).response()


async def _fault(request: Request, error: Exception) -> Response:
    """Answered here, told by the edge: the framework raises the error once more after this."""
    return Problem(FAULT, "the request was not carried out because of a fault here").response()


async def _framework(request: Request, error: Exception) -> Response:
    """No such route, or not that method."""
    found = cast(HTTPException, error)
    problem = of_status(found.status_code)
    problem.headers.update(found.headers or {})
    return problem.response()


async def _validation(request: Request, error: Exception) -> Response:
    """A parameter of the path or query that the framework refused; its value is not repeated."""
    found = cast(RequestValidationError, error).errors()
    errors = [FieldProblem("", str(each["type"]).upper(), str(each["msg"]).lower(), "") for each in found]
    return Problem(INVALID, "a parameter is not as it should be", errors=errors).response()
