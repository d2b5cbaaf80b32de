"""The local issuer's HTTP side: OpenID Connect's endpoints on the loopback address."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from connectors.http.issuer import Denied, Issuer
from connectors.http.issuer_page import STYLE, choose_page, message_page

LARGEST_FORM_BYTES = 16 * 1024


def create_issuer_app(issuer: Issuer) -> Starlette:
    """The app. Only requests for its own host are answered, so that no other site can reach it by a name of its own."""
    pages = _Pages(issuer)
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", pages.metadata),
            Route("/jwks", pages.keys),
            Route("/authorize", pages.ask, methods=["GET"]),
            Route("/authorize", pages.answer, methods=["POST"]),
            Route("/token", pages.token, methods=["POST"]),
            Route("/end-session", pages.end),
            Route("/style.css", pages.style),
            Route("/health/ready", pages.ready),
        ],
        exception_handlers={Denied: _denied},
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[urlsplit(issuer.url).hostname or ""], www_redirect=False)
    return app


class _Pages:
    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    async def metadata(self, request: Request) -> Response:
        return JSONResponse(self._issuer.metadata())

    async def keys(self, request: Request) -> Response:
        return JSONResponse(self._issuer.keys())

    async def ready(self, request: Request) -> Response:
        return Response("ready\n", media_type="text/plain")

    async def style(self, request: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    async def ask(self, request: Request) -> Response:
        """The page on which a person chooses who they are; `login_hint` may name an agency."""
        checked = self._issuer.checked(request.query_params)
        wanted = request.query_params.get("login_hint", "")
        return self._html(choose_page(self._issuer.agencies, self._issuer.choice(checked), wanted=wanted))

    async def answer(self, request: Request) -> Response:
        form = await _form(request)
        asked, code = self._issuer.chosen(form.get("choice", ""), form.get("person", ""))
        back = urlencode({"code": code, "state": asked.state, "iss": self._issuer.url})
        return RedirectResponse(f"{asked.redirect_uri}?{back}", status_code=303, headers={"cache-control": "no-store"})

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        match form.get("grant_type"):
            case "authorization_code":
                answer = self._issuer.redeem(form)
            case "client_credentials":
                client, secret = _credentials(request, form)
                answer = self._issuer.for_system(client, secret, form.get("scope", ""))
            case _:
                raise Denied("unsupported_grant_type", "authorization_code or client_credentials")
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    async def end(self, request: Request) -> Response:
        """Nothing is kept here, so there is nothing to end; back to the gateway, and nowhere else."""
        wanted = request.query_params.get("post_logout_redirect_uri", "")
        if wanted == self._issuer.gateway_url or wanted.startswith(self._issuer.gateway_url + "/"):
            return RedirectResponse(wanted, status_code=303)
        return self._html(message_page("Signed out", "You can close this page."))

    def _html(self, text: str) -> Response:
        # The form's answer is a redirect to the gateway, which browsers count as a target of the form.
        policy = (
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {self._issuer.gateway_url}"
        )
        headers = {
            "content-security-policy": policy,
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
        }
        return HTMLResponse(text, headers=headers)


async def _denied(request: Request, error: Exception) -> Response:
    code = error.code if isinstance(error, Denied) else "server_error"
    status = 401 if code == "invalid_client" else 400
    headers = {"www-authenticate": 'Basic realm="issuer"'} if status == 401 else {}
    if request.url.path == "/authorize":
        return HTMLResponse(message_page("That did not work", str(error)), status_code=status)
    body = {"error": code, "error_description": str(error)}
    return JSONResponse(body, status_code=status, headers={"cache-control": "no-store", **headers})


async def _form(request: Request) -> Mapping[str, str]:
    """Fields of a small urlencoded form, texts only."""
    if int(request.headers.get("content-length") or LARGEST_FORM_BYTES + 1) > LARGEST_FORM_BYTES:
        raise Denied("invalid_request", "send a small form with its content-length")
    async with request.form(max_files=0, max_fields=20) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def _credentials(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret, by HTTP Basic (RFC 6749, 2.3.1) or in the form."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Denied("invalid_client", "the authorization header cannot be read") from None
    return unquote(client), unquote(secret)
