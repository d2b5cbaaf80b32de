"""The doors as an agency's own software finds them: from its settings, or from the exchange of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from streams.cli.runtime import BadUsage, Refused, environment, now_ms

if TYPE_CHECKING:
    from connectors.client.filling import Identity
    from connectors.client.http_session import HttpSession
    from connectors.client.interface import Publisher
    from connectors.settings import Settings

GATEWAY_URL, TOKEN_ENDPOINT = "MASA_GATEWAY_URL", "MASA_TOKEN_ENDPOINT"
CLIENT_ID, CLIENT_SECRET_FILE = "MASA_CLIENT_ID", "MASA_CLIENT_SECRET_FILE"
KEY_FILE = "MASA_OUTBOX_KEY_FILE"


def http_publisher(found: Settings, agency: str) -> Callable[[], Publisher]:
    """Makes publishers at the gateway. Raises ChangeSettings that says which setting is missing."""
    from connectors.client.http import HttpPublisher

    make = http_session(found, agency)
    return lambda: HttpPublisher(make())


def http_session(found: Settings, agency: str) -> Callable[[], HttpSession]:
    """Makes sessions at the gateway as an agency's system, with the credentials of its settings or, on the machine of
    `masa up`, those that its own issuer knows."""
    from connectors.client.http_session import ClientCredentials, HttpSession
    from connectors.errors import ChangeSettings

    env, here = environment(), found.connection
    gateway = env.get(GATEWAY_URL) or (here.gateway if here else None)
    endpoint = env.get(TOKEN_ENDPOINT) or (f"{here.issuer}/token" if here and here.issuer else None)
    for name, value in ((GATEWAY_URL, gateway), (TOKEN_ENDPOINT, endpoint)):
        if not value:
            raise ChangeSettings(f"set {name}, or name the directory of a running exchange with --data-dir")
    secret = _client_secret(found, agency)
    client_id = env.get(CLIENT_ID) or agency
    return lambda: HttpSession(str(gateway), ClientCredentials(str(endpoint), client_id, secret))


def kafka_publisher(found: Settings, agency: str, identity: str) -> Callable[[], Publisher]:
    """Makes publishers at Kafka. `identity` as AREA/CATEGORY/SCHEME/CODE, empty to read the rules in force."""
    from connectors.client.kafka import KafkaPublisher

    kafka, key, synthetic = found.kafka(), _key(found), found.allow_synthetic
    who = _identity(agency, identity) if identity else _identity_in_force(found, agency)
    return lambda: KafkaPublisher(kafka, who, key=key, clock=now_ms, allow_synthetic=synthetic)


def _identity(agency: str, text: str) -> Identity:
    from connectors.client.filling import Identity

    parts = text.split("/")
    if len(parts) != 4 or not all(parts):
        raise BadUsage(f"--identity `{text}`: give it as AREA/CATEGORY/SCHEME/CODE")
    return Identity(agency, *parts)


def _identity_in_force(found: Settings, agency: str) -> Identity:
    from connectors.client.filling import Identity
    from streams.cli.areas import required_rule_set
    from streams.cli.people import known_signatories
    from streams.gateway.publishers import Publishers

    named = Publishers.of_rule_set(required_rule_set(found.kafka(), known_signatories(found)).document()).named(agency)
    if isinstance(named, str):
        raise Refused(named)
    if named.gateway:
        raise Refused(f"`{agency}` has no topics of its own: its door is http")
    scheme, code = named.identifiers[0] if named.identifiers else (None, None)
    return Identity(agency, named.area, named.category, scheme, code)


def _key(found: Settings) -> bytes:
    """The agency's own key for record keys; on the machine of `masa up` the exchange's will do."""
    from connectors.errors import ChangeSettings
    from schemas.pseudonym import MIN_KEY_BYTES

    file = environment().get(KEY_FILE)
    key = _read(file, KEY_FILE) if file else found.pseudonym_key()
    if len(key) < MIN_KEY_BYTES:
        raise ChangeSettings(f"the key in {KEY_FILE} has {len(key)} bytes: at least {MIN_KEY_BYTES} are needed")
    return key


def _client_secret(found: Settings, agency: str) -> SecretStr:
    from connectors.http.issuer import client_secret, read_secret

    file = environment().get(CLIENT_SECRET_FILE)
    if file:
        return SecretStr(_read(file, CLIENT_SECRET_FILE).decode().strip())
    return SecretStr(client_secret(read_secret(found.data_dir), agency))


def _read(file: str, variable: str) -> bytes:
    from connectors.errors import ChangeSettings

    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ChangeSettings(f"{variable}: `{file}` cannot be read: {error.strerror}") from None
