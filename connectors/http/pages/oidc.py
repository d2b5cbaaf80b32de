"""Signing a person in at the identity issuer: OpenID Connect, authorization code with PKCE (RFC 9700).

The access token says who may do what (`TokenVerifier`), the ID token ties it to this very sign-in by its nonce.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import httpx

from connectors.errors import RetryLater
from connectors.http.discovery import LARGEST_ANSWER, TIMEOUT_SECONDS, Endpoints
from connectors.http.pages.sessions import SignIn, same
from connectors.http.settings import GatewaySettings
from connectors.http.tokens import TokenRefused, TokenVerifier
from connectors.http.values import Caller

SCOPES = "openid profile publish inbox outcome"


class SignInRefused(Exception):  # noqa: N818 - an answer
    """The issuer did not vouch for a person. `reason` is a closed word for metrics; `str()` may be shown."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Identity(Protocol):
    """Where people are signed in. Every method may block; raises RetryLater when it is away."""

    def way_there(self, sign_in: SignIn) -> str:
        """Address to send the browser to."""
        ...

    def who(self, code: str, sign_in: SignIn) -> Caller:
        """The person who came back with this code. Raises SignInRefused."""
        ...

    def way_out(self) -> str | None:
        """Address at which the person can sign out of the issuer itself."""
        ...


class OidcIdentity:
    """The issuer that the settings name."""

    def __init__(
        self,
        settings: GatewaySettings,
        endpoints: Callable[[], Endpoints],
        verifier: TokenVerifier,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`endpoints` asks the issuer (`Discovery.endpoints`); `transport` stands in for the network in tests."""
        self._settings = settings
        self._ask = endpoints
        self._verifier = verifier
        self._transport = transport
        self._found: Endpoints | None = None

    def way_there(self, sign_in: SignIn) -> str:
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.callback_url,
            "scope": SCOPES,
            "resource": self._settings.audience,  # RFC 8707
            "state": sign_in.state,
            "nonce": sign_in.nonce,
            "code_challenge": challenge_of(sign_in.verifier),
            "code_challenge_method": "S256",
        }
        address = self._endpoints().authorization
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"

    def who(self, code: str, sign_in: SignIn) -> Caller:
        tokens = self._tokens(code, sign_in)
        try:
            claims = self._verifier.claims(str(tokens.get("id_token", "")), audience=self._settings.client_id)
            if not same(str(claims.get("nonce", "")), sign_in.nonce):
                raise SignInRefused("wrong-nonce", "the sign-in was not begun here: please try again")
            caller = self._verifier.verify(str(tokens.get("access_token", ""))).caller
        except TokenRefused as refused:
            raise SignInRefused(refused.reason, "your organisation's sign-in was not accepted here") from None
        if caller.subject != claims.get("sub"):
            raise SignInRefused("wrong-subject", "your organisation's sign-in was not accepted here")
        if caller.kind != "person":
            raise SignInRefused("not-a-person", "these pages are for people: systems use the API")
        name = claims.get("name")
        return caller if caller.name or not isinstance(name, str) else caller._replace(name=name[:200])

    def way_out(self) -> str | None:
        try:
            return self._endpoints().end_session
        except RetryLater:
            return None

    def _endpoints(self) -> Endpoints:
        if self._found is None:
            self._found = self._ask()
        return self._found

    def _tokens(self, code: str, sign_in: SignIn) -> dict[str, Any]:
        """The answer of the token endpoint. Raises SignInRefused, RetryLater."""
        secret = self._settings.client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.callback_url,
            "client_id": self._settings.client_id,
            "code_verifier": sign_in.verifier,
        } | ({} if secret is None else {"client_secret": secret.get_secret_value()})
        try:
            with httpx.Client(timeout=TIMEOUT_SECONDS, transport=self._transport, follow_redirects=False) as client:
                answer = client.post(self._endpoints().token, data=form, headers={"accept": "application/json"})
            body = answer.json() if len(answer.content) <= LARGEST_ANSWER else None
        except (httpx.HTTPError, ValueError) as error:
            raise RetryLater(f"the identity issuer cannot be reached ({type(error).__name__})") from None
        if answer.status_code >= 500:
            raise RetryLater(f"the identity issuer answered {answer.status_code}")
        if answer.status_code != 200 or not isinstance(body, dict):
            raise SignInRefused("code-refused", "the sign-in took too long or was used already: please try again")
        return body


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
