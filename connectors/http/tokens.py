"""Access tokens: JWTs of the one identity issuer that the settings name, verified against its published keys.

The signature (RS256, ES256 or EdDSA and nothing else), issuer, audience, times and the shape of every claim are looked
at before a `Caller` comes out. Where `agency` and roles come from is the issuer's business alone: no header or body of
a request has a say (RFC 9068, RFC 8725).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, cast

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from connectors.errors import RetryLater
from connectors.http.settings import GatewaySettings
from connectors.http.values import Caller, Kind, Scope

ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")  # the last two are two names of one (RFC 9864)
LONGEST_TOKEN_BYTES = 8192
SCOPES: frozenset[Scope] = frozenset({"publish", "inbox", "outcome"})
ID_SHAPE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?", re.ASCII)
MOST_ROLES = 64
KEPT_TOKENS = 10_000
KEYS_FRESH_SECONDS = 600.0
KEYS_REFETCH_SECONDS = 10.0  # an unknown key id makes us look again, but not more often


class TokenRefused(Exception):  # noqa: N818 - an answer
    """The token proves nothing. `reason` is one of a few closed words, for metrics; `str()` may be shown."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Vouched(NamedTuple):
    """Whom a token stands for, until when (Unix seconds), and the certificate it is bound to."""

    caller: Caller
    expires_at: int
    thumbprint: str | None  # `x5t#S256` (RFC 8705), base64url SHA-256 of the DER certificate


class KeySource(Protocol):
    """Where the issuer's public keys come from."""

    def fetch(self) -> Mapping[str, Any]:
        """The issuer's JWK set. May block; raises RetryLater when the issuer cannot be reached."""
        ...


class Keys:
    """The issuer's keys, kept and fetched again when they age or when a token names an unknown one. Thread-safe."""

    def __init__(self, source: KeySource, *, monotonic: Callable[[], float]) -> None:
        self._source = source
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None

    def for_token(self, key_id: str | None) -> KeySet:
        """Keys in which `key_id` should be. Raises RetryLater when there are none at all."""
        with self._lock:
            age = self._monotonic() - self._fetched_at
            stale = self._keys is None or age > KEYS_FRESH_SECONDS or not self._has(key_id)
            if stale and self._may_try():
                self._refresh()
            if self._keys is None:
                raise RetryLater("the identity issuer's keys cannot be read")
            return self._keys

    def _has(self, key_id: str | None) -> bool:
        return key_id is None or (self._keys is not None and any(key.kid == key_id for key in self._keys.keys))

    def _may_try(self) -> bool:
        return self._tried_at is None or self._monotonic() - self._tried_at >= (
            KEYS_REFETCH_SECONDS if self._keys is not None else 1.0
        )

    def _refresh(self) -> None:
        self._tried_at = self._monotonic()
        try:
            found = self._source.fetch()
            self._keys = KeySet.import_key_set(cast(Any, found))
        except (RetryLater, JoseError, ValueError, KeyError, TypeError) as error:
            if self._keys is None:
                raise RetryLater("the identity issuer's keys cannot be read") from error
            return  # those we have stay good: the issuer is away for a moment
        self._fetched_at = self._tried_at


class TokenVerifier:
    """Turns a bearer token into a `Caller`, or says why not. Thread-safe."""

    def __init__(
        self,
        settings: GatewaySettings,
        source: KeySource,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`clock` gives Unix seconds."""
        self._settings = settings
        self._keys = Keys(source, monotonic=monotonic)
        self._clock = clock
        self._known: OrderedDict[bytes, Vouched] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, token: str) -> Vouched | None:
        """What a token that was verified before stands for, if it still does. Never blocks."""
        key = _key(token)
        with self._lock:
            vouched = self._known.get(key)
            if vouched is None:
                return None
            if vouched.expires_at + self._settings.clock_skew_seconds <= self._clock():
                del self._known[key]
                return None
            self._known.move_to_end(key)
            return vouched

    def verify(self, token: str) -> Vouched:
        """Verify an access token. May block on the issuer; raises TokenRefused, RetryLater."""
        claims = self.claims(token, audience=self._settings.audience)
        vouched = Vouched(_caller(claims), int(claims["exp"]), _thumbprint(claims))
        with self._lock:
            self._known[_key(token)] = vouched
            while len(self._known) > KEPT_TOKENS:
                self._known.popitem(last=False)
        return vouched

    def claims(self, token: str, *, audience: str) -> dict[str, Any]:
        """Claims of a token of the issuer that is for `audience` and valid now; an ID token's too.

        Raises TokenRefused, RetryLater.
        """
        if len(token) > LONGEST_TOKEN_BYTES or not token.isascii():
            raise TokenRefused("malformed", "the token is not a JWT")
        keys = self._keys.for_token(_key_id(token))
        try:
            found = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise TokenRefused("forged", "the token's signature cannot be verified") from None
        self._check(found.claims, audience)
        return dict(found.claims)

    def _check(self, claims: Mapping[str, Any], audience: str) -> None:
        settings, now = self._settings, self._clock()
        skew = settings.clock_skew_seconds
        if claims.get("iss") != settings.issuer:
            raise TokenRefused("wrong-issuer", "the token is of another issuer")
        named = claims.get("aud")
        if audience not in ([named] if isinstance(named, str) else named if isinstance(named, list) else []):
            raise TokenRefused("wrong-audience", "the token is for another audience")
        expires, issued, not_before = (_instant(claims, name) for name in ("exp", "iat", "nbf"))
        if expires is None or expires + skew <= now:
            raise TokenRefused("expired", "the token has expired")
        if any(at is not None and at - skew > now for at in (issued, not_before)):
            raise TokenRefused("not-yet", "the token is not valid yet")
        if expires - (issued if issued is not None else now) > settings.longest_token_seconds + skew:
            raise TokenRefused("too-long-lived", "the token lives too long: short-lived ones are taken only")


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e11:
        raise TokenRefused("malformed", f"the token's `{name}` is not a time")
    return float(value)


def _caller(claims: Mapping[str, Any]) -> Caller:
    subject, agency, kind = claims.get("sub"), claims.get("agency"), claims.get("kind", "system")
    roles, scope, name = claims.get("roles", []), claims.get("scope", ""), claims.get("name")
    if not isinstance(subject, str) or not 0 < len(subject) <= 200:
        raise TokenRefused("malformed", "the token names no subject")
    if not isinstance(agency, str) or not ID_SHAPE.fullmatch(agency):
        raise TokenRefused("no-agency", "the token names no agency")
    if kind not in ("person", "system"):
        raise TokenRefused("malformed", "the token's `kind` is neither person nor system")
    if not isinstance(roles, list) or len(roles) > MOST_ROLES or not all(_is_id(role) for role in roles):
        raise TokenRefused("malformed", "the token's `roles` are not a list of role ids")
    if not isinstance(scope, str) or not (name is None or (isinstance(name, str) and len(name) <= 200)):
        raise TokenRefused("malformed", "the token's `scope` or `name` is not text")
    return Caller(
        agency=agency,
        subject=subject,
        kind=cast(Kind, kind),
        roles=frozenset(roles),
        scopes=frozenset(scope.split()) & SCOPES,
        name=name,
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(ID_SHAPE.fullmatch(value))


def _thumbprint(claims: Mapping[str, Any]) -> str | None:
    """The certificate that the token is bound to. A `cnf` we do not know is a binding we cannot check."""
    bound = claims.get("cnf")
    if bound is None:
        return None
    thumbprint = bound.get("x5t#S256") if isinstance(bound, dict) else None
    if not isinstance(thumbprint, str):
        raise TokenRefused("malformed", "the token is bound in a way that is not known here")
    return thumbprint


def _key_id(token: str) -> str | None:
    """The header's `kid`; TokenRefused when the header cannot be read or names a method that is not allowed."""
    from joserfc.util import urlsafe_b64decode  # a plain helper of the library's own

    try:
        header = json.loads(urlsafe_b64decode(token.partition(".")[0].encode()))
    except (ValueError, RecursionError):
        raise TokenRefused("malformed", "the token is not a JWT") from None
    if not isinstance(header, dict) or token.count(".") != 2:
        raise TokenRefused("malformed", "the token is not a JWT")
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused("forged", "the token's signature method is not taken here")
    key_id = header.get("kid")
    return key_id if isinstance(key_id, str) else None


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def same_certificate(bound: str | None, shown: str | None) -> bool:
    """Whether the certificate shown is the one that the token is bound to, in constant time."""
    return bound is not None and shown is not None and hmac.compare_digest(bound.encode(), shown.encode())
