"""Requests to the gateway: with a token that is renewed in time, repeated while that may help.

Every call of the API may be repeated: publishing carries an idempotency key, an acknowledgement is idempotent, a poll
that was not heard of ends with its lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Protocol

import httpx
from pydantic import SecretStr

from connectors.client.patience import ComeBack, Patience
from connectors.errors import ChangeSettings, NotPermitted
from connectors.http.discovery import client_credentials

TIMEOUT_SECONDS = 30.0
_RENEW_SECONDS = 30.0  # before a token ends
_SHORTEST_SECONDS = 5.0  # for which a token is used, however soon it ends
_LONGEST_WAIT_SECONDS = 3600.0
_COME_BACK = frozenset({408, 429, 500, 502, 503, 504})


class Tokens(Protocol):
    """Where access tokens come from."""

    def token(self) -> str: ...
    def forget(self) -> None: ...


class ClientCredentials:
    """OAuth 2 client credentials of the agency's system. Not thread-safe."""

    def __init__(
        self,
        token_endpoint: str,
        client_id: str,
        client_secret: SecretStr,
        *,
        scope: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ChangeSettings when the secret would cross a network in the clear."""
        self._endpoint, self._client_id, self._secret = encrypted(token_endpoint), client_id, client_secret
        self._scope, self._monotonic = scope, monotonic
        self._token, self._until = "", 0.0

    def token(self) -> str:
        """A token that is good for some seconds more. Raises RetryLater, NotPermitted."""
        now = self._monotonic()
        if now >= self._until:
            answer = client_credentials(self._endpoint, self._client_id, self._secret.get_secret_value(), self._scope)
            if not isinstance(answer.get("access_token"), str):
                raise NotPermitted(f"no token for `{self._client_id}`: {answer.get('error', 'unreadable answer')}")
            self._token = answer["access_token"]
            self._until = now + max(_SHORTEST_SECONDS, _seconds(answer.get("expires_in")) - _RENEW_SECONDS)
        return self._token

    def forget(self) -> None:
        """The token was refused: ask for another next time."""
        self._until = 0.0

    def __repr__(self) -> str:
        return f"ClientCredentials({self._client_id!r})"


class HttpSession:
    """One agency's connection to the gateway. Not thread-safe."""

    def __init__(
        self,
        gateway: str,
        tokens: Tokens,
        *,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`gateway` is its URL, HTTPS unless on this machine; `transport` stands in for the network in tests."""
        self._tokens, self._patience = tokens, patience
        self._client = httpx.Client(
            base_url=encrypted(gateway), timeout=TIMEOUT_SECONDS, follow_redirects=False, transport=transport
        )

    def post(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer, whatever it is but: RetryLater when there was none to work with until patience ended,
        NotPermitted for 401 and 403."""
        return self._patience.until_done(lambda: self._attempt(path, body, headers or {}))

    def close(self) -> None:
        self._client.close()

    def _attempt(self, path: str, body: Any, headers: Mapping[str, str]) -> httpx.Response:
        answer = self._send(path, body, headers)
        if answer.status_code == 401:  # a token may be refused before its time: keys change, clocks differ
            self._tokens.forget()
            answer = self._send(path, body, headers)
        if answer.status_code in (401, 403):
            raise NotPermitted(f"the gateway refused: {said(answer)}")
        if answer.status_code in _COME_BACK:
            raise ComeBack(f"the gateway is not available: {said(answer)}", _retry_after(answer))
        return answer

    def _send(self, path: str, body: Any, headers: Mapping[str, str]) -> httpx.Response:
        bearer = {"authorization": f"Bearer {self._tokens.token()}", "accept": "application/json"}
        try:
            return self._client.post(path, json=body, headers={**headers, **bearer})
        except httpx.HTTPError as error:
            raise ComeBack(f"the gateway cannot be reached ({type(error).__name__})") from None


def said(answer: httpx.Response) -> str:
    """The problem's own words (RFC 9457), which never repeat a value of the request."""
    body = problem(answer)
    return f"{body.get('title', 'no reason given')}: {body.get('detail', '')} ({answer.status_code})"


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when it is none, as from a proxy in between."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def encrypted(url: str) -> str:
    """The URL. Raises ChangeSettings unless it is HTTPS, or HTTP to this machine."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ChangeSettings("that URL cannot be read: give it as https://host") from None
    if parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(parsed.host)):
        return url
    raise ChangeSettings(f"`{parsed.scheme}://{parsed.host}` is not encrypted: use https")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds; a date is left to our own pauses."""
    text = answer.headers.get("retry-after", "")
    return min(float(text), _LONGEST_WAIT_SECONDS) if text.isascii() and text.isdigit() else None


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
