"""Browser sessions: a random cookie here, a sealed record in PostgreSQL there; neither is of use without the other.

The store's key is the SHA-256 of the cookie, and what is stored is encrypted (JWE, A256GCM) with a key derived from it:
whoever reads the table learns neither who was signed in nor how to take their place. OWASP ASVS 4.0.3 V3.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from connectors.http.ports import Sessions
from connectors.http.values import Caller

COOKIE = "__Host-masa"  # the prefix binds it to this very host and to https (RFC 6265bis 4.1.3.2)
SIGN_IN_COOKIE = "__Host-masa-sign-in"
IDLE_MS = 30 * 60_000  # ASVS V3.3.2, level 2
ABSOLUTE_MS = 8 * 3600_000  # a working day
SIGN_IN_MS = 10 * 60_000  # to come back from the identity issuer
_TOKEN_BYTES = 32
_HEADER = {"alg": "dir", "enc": "A256GCM"}


class Session(NamedTuple):
    """A signed-in person's. `said` is a message for the next page, shown once."""

    token: str
    caller: Caller
    csrf: str
    created_at: int
    said: str | None = None


class SignIn(NamedTuple):
    """What must be remembered between the way to the identity issuer and the way back (RFC 7636, OpenID Connect).

    It travels in a cookie of its own, not in the store: who is not signed in yet makes us write nothing. No other site
    can set or read that cookie, and the issuer takes its code once.
    """

    state: str
    nonce: str
    verifier: str
    back_to: str
    begun_at: int  # milliseconds


def new_sign_in(back_to: str, now: int) -> SignIn:
    return SignIn(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), back_to, now)


def sign_in_cookie(sign_in: SignIn) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(sign_in)).encode()).rstrip(b"=").decode()


def sign_in_of(cookie: str, now: int) -> SignIn | None:
    """What a cookie says, unless it is not one of ours or too old."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)))
        sign_in = SignIn(*found)
    except (ValueError, TypeError, RecursionError):
        return None
    if not all(isinstance(each, str) for each in sign_in[:-1]) or not isinstance(sign_in.begun_at, int):
        return None
    return sign_in if 0 <= now - sign_in.begun_at < SIGN_IN_MS else None


class SessionDesk:
    """Makes, finds and ends sessions. Every method may block on PostgreSQL."""

    def __init__(self, store: Sessions) -> None:
        self._store = store

    def begin(self, caller: Caller, now: int) -> Session:
        """A new session under a new cookie, whatever the browser had before (session fixation)."""
        session = Session(secrets.token_urlsafe(_TOKEN_BYTES), caller, secrets.token_urlsafe(24), now)
        self._keep(session, now)
        return session

    def find(self, token: str, now: int) -> Session | None:
        """The session of a cookie, if it is neither too old nor idle for too long."""
        stored = self._store.get(_key(token), now=now, idle_ms=IDLE_MS)
        data = None if stored is None else _unseal(token, stored.data)
        if stored is None or data is None or "caller" not in data or now - stored.created_at > ABSOLUTE_MS:
            return None
        return Session(token, _caller(data["caller"]), data["csrf"], stored.created_at, data.get("said"))

    def say(self, session: Session, message: str | None, now: int) -> None:
        """Leave a message for the next page, or take it away."""
        self._keep(session._replace(said=message), now)

    def end(self, token: str) -> None:
        self._store.drop(_key(token))

    def _keep(self, session: Session, now: int) -> None:
        caller = session.caller
        data: dict[str, Any] = {
            "caller": {**caller._asdict(), "roles": sorted(caller.roles), "scopes": sorted(caller.scopes)},
            "csrf": session.csrf,
            "said": session.said,
        }
        expires = session.created_at + ABSOLUTE_MS
        self._store.put(_key(session.token), _seal(session.token, data), now=now, expires_at=expires)


def same(given: str, kept: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), kept.encode())


def _caller(data: Mapping[str, Any]) -> Caller:
    return Caller(**{**data, "roles": frozenset(data["roles"]), "scopes": frozenset(data["scopes"])})


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _cipher(token: str) -> OctKey:
    """The key that the record of this cookie is sealed with; not to be had from the store's key."""
    secret = token.encode("utf-8", "surrogatepass")
    return OctKey.import_key(hmac.digest(secret, b"masa-session-v1", "sha256"))


def _seal(token: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"sealed": jwe.encrypt_compact(_HEADER, json.dumps(data).encode(), _cipher(token))}


def _unseal(token: str, stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """None when the record was not written for this cookie."""
    try:
        opened = jwe.decrypt_compact(str(stored.get("sealed")), _cipher(token), algorithms=list(_HEADER.values()))
        found = json.loads(opened.plaintext or b"null")
    except (JoseError, ValueError):
        return None
    return found if isinstance(found, dict) else None
