"""The pages' addresses, and the framework's part: reading forms, cookies out, headers of pages.

`pages_router` is mounted beside the API by `create_app`; nothing here knows what a page does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from connectors.http.door import Door, door_of
from connectors.http.pages import compose, cover, help_page, inbox, sent, showing
from connectors.http.pages.answers import Form
from connectors.http.pages.asking import Spot
from connectors.http.pages.oidc import Identity
from connectors.http.pages.serving import INBOX, SIGN_IN, Came, Sent, Site
from connectors.http.pages.sessions import SessionDesk
from connectors.http.ports import Sessions
from connectors.http.problems import BAD_REQUEST, NOT_FOUND, UNAVAILABLE, UNSUPPORTED_MEDIA, Problem
from connectors.http.settings import CALLBACK_PATH

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1000
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "same-origin",  # with `no-referrer`, browsers send a form's origin as `null`
}
_STATIC = {
    "inbox.css": "text/css; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "inbox.svg": "image/svg+xml",
}
_A_YEAR = "public, max-age=31536000, immutable"  # the address changes with the content

SPOTS: tuple[Spot, ...] = (
    Spot("GET", "/inbox", inbox.show_list, "inbox"),
    Spot("GET", "/inbox/{delivery_id}", inbox.open_one, "inbox"),
    Spot("POST", "/inbox/{delivery_id}/answer", inbox.answer, "inbox"),
    Spot("POST", "/inbox/{delivery_id}/removed", inbox.removed, "inbox"),
    Spot("GET", "/send", compose.choose, "publish"),
    Spot("GET", "/send/{event_type}", compose.begin, "publish"),
    Spot("POST", "/send/{event_type}", compose.go_on, "publish"),
    Spot("GET", "/sent", sent.ask_reference, "outcome"),
    Spot("POST", "/sent", sent.look_up, "outcome"),
    Spot("GET", "/sent/{event_id}", sent.outcome, "outcome"),
    Spot("GET", "/cover", cover.show, "inbox"),
    Spot("POST", "/cover", cover.give, "inbox"),
    Spot("POST", "/cover/end", cover.end, "inbox"),
    Spot("GET", "/help", help_page.show),
    Spot("GET", "/session", help_page.stay),
)


def pages_router(sessions: Sessions, identity: Callable[[Door], Identity]) -> APIRouter:
    """All pages. `identity` makes the way to the identity issuer when the first person needs it."""
    router = APIRouter(include_in_schema=False)
    static = _static_files()
    desk = SessionDesk(sessions)
    templates = make_templates({name: digest for name, (digest, _) in static.items()})
    made: dict[str, Site] = {}

    def site_of(request: Request) -> Site:
        door = door_of(request)
        return made.setdefault("site", Site(door, desk, identity(door), templates)) if not made else made["site"]

    def add(method: str, path: str, serve: Callable[[Site, Came], Sent]) -> None:
        async def endpoint(request: Request) -> Response:
            return await _respond(site_of(request), request, serve)

        router.add_api_route(path, endpoint, methods=[method], response_model=None, name=f"{method} {path}")

    for spot in SPOTS:
        add(spot.method, spot.path, _serving(spot))
    add("GET", "/", lambda site, came: Sent(303, location=INBOX))
    add("GET", SIGN_IN, Site.welcome)
    add("GET", f"{SIGN_IN}/go", Site.leave_for_issuer)
    add("GET", CALLBACK_PATH, Site.come_back)
    add("POST", "/sign-out", Site.sign_out)
    register_url_convertor("page", _PageConvertor())
    router.add_api_route("/static/{name}", _static_endpoint(static), methods=["GET"], response_model=None)
    add("GET", "/{path:page}", lambda site, came: site.plain("lost.html", "There is no such page", 404))
    return router


class _PageConvertor(Convertor[str]):
    """Any address that is neither of the API nor of the health checks: those have answers of their own."""

    regex = "(?!v1(?:/|$)|health(?:/|$)).*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def make_templates(digests: dict[str, str]) -> Environment:
    """The templates; everything put into them is escaped, and a name that does not exist is an error."""
    folder = files("connectors.http") / "templates"
    sources = {each.name: each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith(".html")}
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = showing.plain
    environment.globals["static"] = lambda name: f"/static/{name}?{digests[name]}"
    return environment


def _serving(spot: Spot) -> Callable[[Site, Came], Sent]:
    return lambda site, came: site.serve(spot, came)


async def _respond(site: Site, request: Request, serve: Callable[[Site, Came], Sent]) -> Response:
    if "prefetch" in request.headers.get("sec-purpose", "") or "prefetch" in request.headers.get("purpose", ""):
        return Response(status_code=204, headers=HEADERS)  # opening a message is recorded: never on a guess
    came = await _came(request)
    try:
        answer = await site.door.ask(serve, site, came)
    except Problem as problem:
        if problem.kind is not UNAVAILABLE:
            raise
        answer = site.unavailable()
    if answer.status == 404 and "text/html" not in request.headers.get("accept", "*/*"):
        raise Problem(NOT_FOUND, NOT_FOUND.title)
    request.state.agency = answer.agency
    return _response(answer)


async def _came(request: Request) -> Came:
    return Came(
        method=request.method,
        path=request.url.path,
        params=request.path_params,
        query=dict(request.query_params),
        form=await _form(request) if request.method == "POST" else {},
        cookies=request.cookies,
        origin=request.headers.get("origin"),
        fetch_site=request.headers.get("sec-fetch-site"),
        request_id=request.state.request_id,
        route=getattr(request.scope.get("route"), "path", ""),
    )


async def _form(request: Request) -> Form:
    """The fields of a form, texts only. Raises Problem. The edge bounds size and time."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Problem(UNSUPPORTED_MEDIA, f"send {FORM}", headers={"accept": FORM})
    try:
        text = (await request.body()).decode("utf-8")
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ClientDisconnect:
        raise Problem(BAD_REQUEST, "the body is not complete") from None
    except ValueError:
        raise Problem(BAD_REQUEST, "the form cannot be read") from None
    form: dict[str, list[str]] = {}
    for name, value in fields:
        form.setdefault(name, []).append(value)
    return form


def _response(sent: Sent) -> Response:
    headers = dict(HEADERS)
    if sent.location is not None:
        headers["location"] = sent.location
    if sent.retry_after is not None:
        headers["retry-after"] = str(sent.retry_after)
    response = Response(sent.html, sent.status, headers, "text/html; charset=utf-8")
    for name, (value, seconds) in sent.cookies.items():
        response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")
    return response


def _static_files() -> dict[str, tuple[str, bytes]]:
    """Style and script by name: a digest for the address, and the bytes."""
    folder = files("connectors.http") / "static"
    read = {name: (folder / name).read_bytes() for name in _STATIC}
    return {name: (hashlib.sha256(data).hexdigest()[:12], data) for name, data in read.items()}


def _static_endpoint(static: dict[str, tuple[str, bytes]]) -> Callable[..., Any]:
    async def endpoint(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in static:
            return Response(status_code=404)
        return Response(static[name][1], headers={"cache-control": _A_YEAR}, media_type=_STATIC[name])

    return endpoint
