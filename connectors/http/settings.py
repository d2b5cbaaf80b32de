"""How the HTTP door is set up: frozen, no extras, nothing insecure by default. It refuses to start rather than guess.

Values come from `MASA_*` variables (see `VARIABLES`), handed in by the command line.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from connectors.errors import ChangeSettings

KIB = 1024
MIB = 1024 * KIB
CALLBACK_PATH = "/auth/callback"  # where the identity issuer sends a browser back to

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Variable -> setting. The README and a test hold to this list.
VARIABLES: Mapping[str, str] = {
    "MASA_GATEWAY_URL": "public_url",
    "MASA_OIDC_ISSUER": "issuer",
    "MASA_OIDC_AUDIENCE": "audience",
    "MASA_OIDC_CLIENT_ID": "client_id",
    "MASA_OIDC_CLIENT_SECRET": "client_secret",
    "MASA_TRUSTED_PROXY_HEADER": "trusted_proxy_header",
    "MASA_TRUSTED_PROXY_ADDRESSES": "trusted_proxy_addresses",
    "MASA_REQUIRE_CLIENT_CERTIFICATE": "require_client_certificate",
    "MASA_RATE_PER_SECOND": "rate_per_second",
    "MASA_RATE_BURST": "rate_burst",
    "MASA_MAX_REQUESTS": "max_requests",
    "MASA_GATEWAY_THREADS": "threads",
    "MASA_BODY_SECONDS": "body_seconds",
    "MASA_WEBHOOKS_FILE": "webhooks_file",
    "MASA_WEBHOOKS_ALLOW_PRIVATE": "webhooks_allow_private",
}


class GatewaySettings(BaseModel):
    """Settings of one gateway process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: str  # how callers reach it, without a path: `https://gateway.example.org.uk`
    issuer: str  # the OpenID provider, exactly as its tokens name it in `iss`
    audience: str = Field(default="masa-gateway", min_length=1, max_length=200)
    client_id: str = Field(default="masa-inbox", min_length=1, max_length=200)  # of the browser inbox
    client_secret: SecretStr | None = None  # none: a public client, PKCE alone
    clock_skew_seconds: int = Field(default=30, ge=0, le=120)
    longest_token_seconds: int = Field(default=3600, ge=60, le=12 * 3600)  # a token that lives longer is refused
    # Mutual TLS ends at a proxy. Its header (RFC 9440) counts only when it comes from one of these addresses.
    trusted_proxy_header: Literal["client-cert"] | None = None
    trusted_proxy_addresses: tuple[Network, ...] = ()
    require_client_certificate: bool = False  # of systems: their tokens must be bound to a certificate (RFC 8705)
    rate_per_second: float = Field(default=200.0, gt=0, le=100_000)  # an agency; a batch counts each of its events
    rate_burst: float = Field(default=2000.0, ge=1, le=1_000_000)
    failures_per_second: float = Field(default=5.0, gt=0)  # a peer address, for requests without a valid token
    failures_burst: float = Field(default=50.0, ge=1)
    max_requests: int = Field(default=512, ge=1, le=100_000)  # in work at once; beyond: 503
    threads: int = Field(default=48, ge=1, le=1000)  # calls on the exchange at once
    max_event_bytes: int = Field(default=256 * KIB, ge=KIB)
    max_batch_bytes: int = Field(default=5 * MIB, ge=KIB)
    max_batch_events: int = Field(default=2000, ge=1)
    body_seconds: float = Field(default=10.0, gt=0)  # for the whole body to arrive; beyond: 408
    header_seconds: float = Field(default=10.0, gt=0)  # for the request line and headers; beyond: hung up
    webhooks_file: str | None = None
    webhooks_allow_private: bool = False  # push to private and loopback addresses: tests, and `masa up`

    @field_validator("public_url", "issuer")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("give an http or https address without query and fragment")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("use https; http is for this machine only")
        return value.removesuffix("/") if not parts.path.rstrip("/") else value

    @model_validator(mode="after")
    def _proxy_complete(self) -> GatewaySettings:
        if (self.trusted_proxy_header is None) != (not self.trusted_proxy_addresses):
            raise ValueError("set the trusted proxy's header and its addresses together, or neither")
        if self.require_client_certificate and self.trusted_proxy_header is None:
            raise ValueError("client certificates can be required only with a trusted proxy")
        return self

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by https."""
        return self.public_url.startswith("https://")

    @property
    def host(self) -> str:
        """Host and port as a browser sends them."""
        return urlsplit(self.public_url).netloc

    @property
    def callback_url(self) -> str:
        return self.public_url + CALLBACK_PATH

    @classmethod
    def load(cls, env: Mapping[str, str], **given: object) -> GatewaySettings:
        """From `MASA_*` variables; `given` stands in where a variable is absent. Raises ChangeSettings naming each."""
        named: dict[str, object] = {name: value for name, value in given.items() if value is not None}
        for variable, name in VARIABLES.items():
            if value := env.get(variable):
                named[name] = _listed(value) if name == "trusted_proxy_addresses" else value
        try:
            return cls.model_validate(named)
        except ValidationError as error:
            raise ChangeSettings("; ".join(_told(each) for each in error.errors(include_input=False))) from None


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _told(error: Mapping[str, object] | object) -> str:
    """One problem in the variable's own name. Never the value: it may be a secret."""
    found = dict(error) if isinstance(error, Mapping) else {}
    location = found.get("loc") or ()
    name = str(location[0]) if isinstance(location, tuple) and location else ""
    variable = next((key for key, setting in VARIABLES.items() if setting == name), name)
    message = str(found.get("msg", "is wrong")).removeprefix("Value error, ")
    return f"{variable}: {message[:1].lower()}{message[1:]}" if variable else message
