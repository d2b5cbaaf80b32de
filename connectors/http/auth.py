"""Who is asking: the dependency that turns a request's bearer token into a `Caller`, or answers 401, 403 or 429.

Only the token counts. Headers in which a caller names an agency, a user or a forwarded address are not read. With
mutual TLS at a proxy (`MASA_TRUSTED_PROXY_HEADER`), a token that is bound to a certificate is good only with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import Request

from connectors.http.door import Door, door_of
from connectors.http.problems import FORBIDDEN, UNAUTHENTICATED, Problem, too_many
from connectors.http.settings import GatewaySettings
from connectors.http.tokens import TokenRefused, Vouched, same_certificate
from connectors.http.values import Caller, Scope

REALM = 'Bearer realm="masa"'
CERTIFICATE_HEADER = "client-cert"  # RFC 9440
_scheme = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    scheme_name="accessToken",
    description="A short-lived access token of the identity issuer: OAuth 2 client credentials for a system, OpenID "
    "Connect for a person. Its claims name the agency, the roles and the scopes (publish, inbox, outcome).",
)


async def current_caller(request: Request, _: Annotated[Any, Security(_scheme)] = None) -> Caller:
    """The caller that the access token vouches for. Raises Problem 401 (with WWW-Authenticate), 429, 503."""
    door = door_of(request)
    try:
        vouched = await _vouched(request, door)
        _check_certificate(request, vouched, door.settings)
    except TokenRefused as refused:
        _tell(request, door, refused.reason, None)
        wait = door.by_peer.take(_peer(request))
        if wait:  # never for a valid token: many callers may share a proxy's address with one who guesses
            raise too_many("too many requests without a valid token came from there", wait) from None
        error = "" if refused.reason == "absent" else ', error="invalid_token"'
        raise Problem(UNAUTHENTICATED, str(refused), headers={"www-authenticate": REALM + error}) from None
    request.state.agency = vouched.caller.agency
    charge(door, vouched.caller, 1.0)
    return vouched.caller


CurrentCaller = Annotated[Caller, Depends(current_caller)]


def charge(door: Door, caller: Caller, cost: float) -> None:
    """Count `cost` against the agency's rate. Raises Problem 429 with Retry-After."""
    wait = door.by_agency.take(caller.agency, cost)
    if wait:
        raise too_many("your agency asks faster than it may", wait)


def require_scope(request: Request, caller: Caller, scope: Scope) -> None:
    """Raises Problem 403 (RFC 6750 `insufficient_scope`) when the token does not have it."""
    if scope not in caller.scopes:
        _tell(request, door_of(request), "no-scope", caller.agency)
        header = f'{REALM}, error="insufficient_scope", scope="{scope}"'
        raise Problem(FORBIDDEN, f"the token lacks the scope `{scope}`", headers={"www-authenticate": header})


async def _vouched(request: Request, door: Door) -> Vouched:
    given = request.headers.getlist("authorization")
    if not given:
        raise TokenRefused("absent", "send an access token: `Authorization: Bearer …`")
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise TokenRefused("malformed", "send one access token: `Authorization: Bearer …`")
    known = door.verifier.known(token)
    if known is not None:
        return known
    return await door.ask(door.verifier.verify, token)


def _check_certificate(request: Request, vouched: Vouched, settings: GatewaySettings) -> None:
    shown = certificate_thumbprint(request, settings)
    needed = settings.require_client_certificate and vouched.caller.kind == "system"
    if vouched.thumbprint is None:
        if needed:
            raise TokenRefused("unbound", "the token is not bound to a client certificate, which is required here")
        return
    if not same_certificate(vouched.thumbprint, shown):
        raise TokenRefused("wrong-certificate", "the token is bound to a client certificate that was not shown")


def certificate_thumbprint(request: Request, settings: GatewaySettings) -> str | None:
    """Thumbprint of the certificate that the trusted proxy verified, None when there is none.

    The header from anyone else is an attempt to be somebody: refused. Raises TokenRefused.
    """
    given = request.headers.getlist(CERTIFICATE_HEADER)
    if not given or settings.trusted_proxy_header is None:
        return None  # without a trusted proxy the header means nothing, whoever sends it
    if not _is_trusted(request, settings) or len(given) > 1:
        raise TokenRefused("spoofed-header", "the client certificate's header is the proxy's to send")
    value = given[0]
    try:
        der = base64.b64decode(value.removeprefix(":").removesuffix(":"), validate=True)
    except (ValueError, binascii.Error):
        raise TokenRefused("malformed", "the client certificate's header cannot be read") from None
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def _is_trusted(request: Request, settings: GatewaySettings) -> bool:
    try:
        address = ipaddress.ip_address(_peer(request))
    except ValueError:
        return False
    return any(address in network for network in settings.trusted_proxy_addresses)


def _peer(request: Request) -> str:
    """Address of the other end of the connection, never what a header says of it."""
    return request.client.host if request.client else ""


def _tell(request: Request, door: Door, reason: str, agency: str | None) -> None:
    route = getattr(request.scope.get("route"), "path", "")
    door.telemetry.http_refused(reason=reason, route=route, request_id=request.state.request_id, agency=agency)
