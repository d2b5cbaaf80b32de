"""What the identity issuer publishes about itself: its endpoints (OpenID Connect discovery) and its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

from connectors.errors import ChangeSettings, RetryLater

TIMEOUT_SECONDS = 5.0
LARGEST_ANSWER = 512 * 1024
DISCOVERY_PATH = "/.well-known/openid-configuration"


class Endpoints(NamedTuple):
    """Where the issuer does what. `end_session` is None when it cannot sign a person out."""

    authorization: str
    token: str
    keys: str
    end_session: str | None


class Discovery:
    """One issuer, asked by HTTPS. A `KeySource`; every method may block for a few seconds."""

    def __init__(self, issuer: str, *, transport: httpx.BaseTransport | None = None) -> None:
        """`transport` stands in for the network in tests."""
        self._issuer = issuer
        self._transport = transport

    def endpoints(self) -> Endpoints:
        """Raises RetryLater when the issuer is away, ChangeSettings when it is another one than configured."""
        found = self._json(self._issuer.rstrip("/") + DISCOVERY_PATH)
        if found.get("issuer") != self._issuer:  # the mix-up defence of OpenID Connect discovery, 4.3
            raise ChangeSettings("MASA_OIDC_ISSUER is not what that issuer calls itself: use its own spelling")
        try:
            return Endpoints(
                authorization=str(found["authorization_endpoint"]),
                token=str(found["token_endpoint"]),
                keys=str(found["jwks_uri"]),
                end_session=None if found.get("end_session_endpoint") is None else str(found["end_session_endpoint"]),
            )
        except KeyError as missing:
            raise RetryLater(f"the identity issuer does not publish its {missing}") from None

    def fetch(self) -> Mapping[str, Any]:
        """The issuer's JWK set. Raises RetryLater, ChangeSettings."""
        return self._json(self.endpoints().keys)

    def _json(self, url: str) -> dict[str, Any]:
        try:
            with httpx.Client(timeout=TIMEOUT_SECONDS, transport=self._transport, follow_redirects=False) as client:
                answer = client.get(url, headers={"accept": "application/json"})
            body = answer.json() if answer.status_code == 200 and len(answer.content) <= LARGEST_ANSWER else None
        except (httpx.HTTPError, ValueError) as error:
            raise RetryLater(f"the identity issuer cannot be reached ({type(error).__name__})") from None
        if not isinstance(body, dict):
            raise RetryLater(f"the identity issuer answered {answer.status_code}")
        return body


def client_credentials(token_endpoint: str, client_id: str, secret: str, scope: str = "") -> dict[str, Any]:
    """The token endpoint's answer to a system's own credentials, an OAuth 2 error included. Raises RetryLater."""
    form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    try:
        answer = httpx.post(token_endpoint, data=form, auth=(client_id, secret), timeout=TIMEOUT_SECONDS)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise RetryLater(f"the identity issuer cannot be reached ({type(error).__name__})") from None
    return body if isinstance(body, dict) else {"error": "unreadable"}
