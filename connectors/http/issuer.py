"""A local identity issuer for `masa up`: demo people and systems of one machine's exchange. Never for anything else.

It asks nobody for a password, so it must not be reachable from elsewhere: its command binds it to the loopback
address, and starts only beside the `masa up` that owns the data directory, whose secret it needs. What it issues has
the shape of what a real OpenID provider issues, so that the gateway knows no difference.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from connectors.errors import ChangeSettings
from connectors.http.tokens import SCOPES
from connectors.settings import SECRETS_DIR, write_private
from schemas.vocabulary import UNMANNED_ROLES

SECRET_FILE = "issuer.json"  # noqa: S105 - a name
TOKEN_SECONDS = 600
CODE_SECONDS = 60
CHOICE_SECONDS = 600  # for a person to choose who they are
MOST_CODES = 1000
ALGORITHM = "ES256"
CHOICE_AUDIENCE = "choice"  # of the form on the page; no token of ours for others has it


class DemoAgency(NamedTuple):
    """An agency of the rule set in force: its roles by id, with titles."""

    id: str
    name: str
    category: str
    roles: Mapping[str, str]


class DemoPerson(NamedTuple):
    """Somebody who exists on this machine only: one a role of an agency, `dsl@oakfield-primary`."""

    subject: str
    name: str
    agency: str
    role: str


class Secret(NamedTuple):
    """The issuer's own: its signing key, and the key that clients' secrets derive from."""

    key: ECKey
    clients: bytes


class AuthorizationRequest(NamedTuple):
    """A browser sent here by the gateway, checked."""

    client_id: str
    redirect_uri: str
    state: str
    nonce: str
    challenge: str


class Denied(Exception):  # noqa: N818 - an answer
    """OAuth 2's own error: `code` of RFC 6749, and a sentence."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


class _Grant(NamedTuple):
    request: AuthorizationRequest
    person: DemoPerson
    until: float


def people_of(agencies: Sequence[DemoAgency]) -> list[DemoPerson]:
    """One person a role of each agency, but for roles that no person holds."""
    return [
        DemoPerson(f"{role}@{agency.id}", f"{title}, {agency.name}", agency.id, role)
        for agency in agencies
        for role, title in agency.roles.items()
        if role not in UNMANNED_ROLES
    ]


def ensure_secret(data_dir: Path) -> Path:
    """The issuer's secret of a data directory, made once; mode 0600 in a directory of mode 0700."""
    path = data_dir / SECRETS_DIR / SECRET_FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM, "kid": secrets.token_hex(8)})
        document = {"key": key.as_dict(private=True), "clients": secrets.token_hex(32)}
        write_private(path, json.dumps(document).encode())
    return path


def read_secret(data_dir: Path) -> Secret:
    """Raises ChangeSettings when there is none: it is made by `masa up` alone."""
    path = data_dir / SECRETS_DIR / SECRET_FILE
    try:
        document = json.loads(path.read_bytes())
        return Secret(ECKey.import_key(document["key"]), bytes.fromhex(document["clients"]))
    except (OSError, ValueError, KeyError, TypeError, JoseError):
        raise ChangeSettings(
            f"no issuer's secret in `{path}`: the local issuer is part of `masa up`, which makes one; elsewhere name "
            "your own OpenID provider in MASA_OIDC_ISSUER"
        ) from None


def client_secret(secret: Secret, agency: str) -> str:
    """The client secret of an agency's system; its client id is the agency's id."""
    digest = hmac.digest(secret.clients, b"client:" + agency.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Issuer:
    """Issues tokens. One thread uses it."""

    def __init__(
        self,
        url: str,
        secret: Secret,
        agencies: Sequence[DemoAgency],
        *,
        audience: str,
        client_id: str,
        gateway_url: str,
        callback_url: str,
        clock: Callable[[], float],
    ) -> None:
        """`client_id`, `gateway_url` and `callback_url` are the browser inbox's; `clock` gives Unix seconds."""
        self.url = url
        self.agencies = tuple(agencies)
        self.gateway_url = gateway_url
        self._secret = secret
        self._people = {person.subject: person for person in people_of(agencies)}
        self._by_id = {agency.id: agency for agency in agencies}
        self._audience = audience
        self._client_id = client_id
        self._callback_url = callback_url
        self._clock = clock
        self._codes: OrderedDict[str, _Grant] = OrderedDict()

    def metadata(self) -> dict[str, Any]:
        """OpenID Connect discovery."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/end-session",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "scopes_supported": ["openid", *sorted(SCOPES)],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "authorization_response_iss_parameter_supported": True,
        }

    def keys(self) -> dict[str, Any]:
        return dict(KeySet([self._secret.key]).as_dict(private=False))

    # --- people ---

    def checked(self, query: Mapping[str, str]) -> AuthorizationRequest:
        """The authorization request of a query. Raises Denied; nothing unchecked is ever redirected to."""
        if query.get("client_id") != self._client_id or query.get("redirect_uri") != self._callback_url:
            raise Denied("invalid_request", "that client, or that address to return to, is not known here")
        if query.get("response_type") != "code":
            raise Denied("unsupported_response_type", "only `code` is offered")
        challenge = query.get("code_challenge", "")
        if query.get("code_challenge_method") != "S256" or not 43 <= len(challenge) <= 128:
            raise Denied("invalid_request", "PKCE with S256 is needed")
        return AuthorizationRequest(
            self._client_id, self._callback_url, query.get("state", ""), query.get("nonce", ""), challenge
        )

    def choice(self, request: AuthorizationRequest) -> str:
        """The request as a signed text for the page's form."""
        return self._signed({"aud": CHOICE_AUDIENCE, "request": list(request)}, CHOICE_SECONDS)

    def chosen(self, choice: str, subject: str) -> tuple[AuthorizationRequest, str]:
        """The request and a one-time code for the person chosen. Raises Denied."""
        try:
            claims = jwt.decode(choice, self._secret.key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            raise Denied("invalid_request", "the form is not one of ours") from None
        if claims.get("aud") != CHOICE_AUDIENCE or claims["exp"] <= self._clock():
            raise Denied("invalid_request", "the form is too old: start again")
        person = self._people.get(subject)
        if person is None:
            raise Denied("access_denied", "there is no such person here")
        request = AuthorizationRequest(*claims["request"])
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Grant(request, person, self._clock() + CODE_SECONDS)
        while len(self._codes) > MOST_CODES:
            self._codes.popitem(last=False)
        return request, code

    def redeem(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Tokens for a code, once. Raises Denied."""
        grant = self._codes.pop(form.get("code", ""), None)
        if grant is None or grant.until <= self._clock():
            raise Denied("invalid_grant", "the code is not valid, or no longer")
        verifier = form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        if (form.get("client_id"), form.get("redirect_uri")) != (grant.request.client_id, grant.request.redirect_uri):
            raise Denied("invalid_grant", "the code was issued to another client or address")
        if not hmac.compare_digest(digest, grant.request.challenge.encode()):
            raise Denied("invalid_grant", "the code verifier does not fit")
        person = grant.person
        claims = {
            "sub": person.subject,
            "agency": person.agency,
            "roles": [person.role],
            "kind": "person",
            "name": person.name,
        }
        identity = claims | {"aud": self._client_id, "nonce": grant.request.nonce}
        answer = self._access(claims, " ".join(sorted(SCOPES)))
        return answer | {"id_token": self._signed(identity, TOKEN_SECONDS)}

    # --- systems ---

    def for_system(self, agency_id: str, given_secret: str, scope: str) -> dict[str, Any]:
        """An access token for an agency's system. Raises Denied."""
        agency = self._by_id.get(agency_id)
        right = client_secret(self._secret, agency_id)
        if not hmac.compare_digest(right.encode(), given_secret.encode()) or agency is None:
            raise Denied("invalid_client", "that client id and secret do not belong together")
        wanted = frozenset(scope.split()) or SCOPES
        if not wanted <= SCOPES:
            raise Denied("invalid_scope", f"scopes are {', '.join(sorted(SCOPES))}")
        claims = {"sub": f"system@{agency_id}", "agency": agency_id, "kind": "system", "roles": list(agency.roles)}
        return self._access(claims, " ".join(sorted(wanted)))

    def _access(self, claims: Mapping[str, Any], scope: str) -> dict[str, Any]:
        full = {**claims, "aud": self._audience, "scope": scope, "jti": secrets.token_hex(16)}
        return {
            "access_token": self._signed(full, TOKEN_SECONDS, kind="at+jwt"),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": scope,
        }

    def _signed(self, claims: Mapping[str, Any], seconds: int, *, kind: str = "JWT") -> str:
        now = int(self._clock())
        header = {"alg": ALGORITHM, "kid": self._secret.key.kid, "typ": kind}
        full = {"iss": self.url, "iat": now, "nbf": now, "exp": now + seconds, **claims}
        return jwt.encode(header, full, self._secret.key, algorithms=[ALGORITHM])
