"""`masa conformance --door http`: the gateway's application and an issuer on this machine, for one agency."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from streams.cli.runtime import monotonic, now_ms, say, unix_seconds

if TYPE_CHECKING:
    from streams.conformance.http_door import HttpDoor

READY_SECONDS = 30.0
END_SECONDS = 15.0


class Party(Protocol):
    """The agency under test."""

    @property
    def id(self) -> str: ...
    @property
    def area(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def identifiers(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def roles(self) -> tuple[str, ...]: ...


@contextmanager
def http_door(party: Party) -> Iterator[HttpDoor]:
    """The door, served on 127.0.0.1 until left; says where, and the credentials of this run."""
    from connectors.http.issuer import client_secret, ensure_secret, read_secret
    from connectors.http.serving import serve
    from connectors.ports import free_ports
    from schemas.registry import load_event_types
    from streams.conformance.http_door import HttpDoor
    from streams.gateway.publishers import Publisher

    who = Publisher(id=party.id, category=party.category, area=party.area, gateway=True, identifiers=party.identifiers)
    door = HttpDoor(who, load_event_types(), clock=now_ms)
    with tempfile.TemporaryDirectory(prefix="masa-conformance-") as folder:
        ensure_secret(Path(folder))
        secret = read_secret(Path(folder))
    here, there = free_ports(2)
    gateway, issuer = f"http://127.0.0.1:{here}", f"http://127.0.0.1:{there}"
    stop = threading.Event()
    apps = ((here, _gateway_app(door, gateway, issuer)), (there, _issuer_app(party, secret, gateway, issuer)))
    threads = [
        threading.Thread(target=serve, args=(app,), kwargs={"host": "127.0.0.1", "port": port, "stop": stop})
        for port, app in apps
    ]
    for thread in threads:
        thread.start()
    try:
        _await_ready(f"{issuer}/health/ready")
        _await_ready(f"{gateway}/health/live")
        say(f"connect the system to the gateway at {gateway}")
        say(f"token endpoint {issuer}/token, client id {party.id}, client secret {client_secret(secret, party.id)}")
        yield door
    finally:
        stop.set()
        for thread in threads:
            thread.join(END_SECONDS)


def _gateway_app(doors: HttpDoor, url: str, issuer: str) -> Any:
    from connectors.http.app import create_app
    from connectors.http.discovery import Discovery
    from connectors.http.door import Door
    from connectors.http.settings import GatewaySettings
    from connectors.http.tokens import TokenVerifier
    from streams.conformance.http_door import Silent

    settings = GatewaySettings.load({}, public_url=url, issuer=issuer)
    verifier = TokenVerifier(settings, Discovery(issuer), clock=unix_seconds, monotonic=monotonic)
    return create_app(Door(doors, settings, verifier, telemetry=Silent(), clock=unix_seconds, monotonic=monotonic))


def _issuer_app(party: Party, secret: Any, gateway: str, url: str) -> Any:
    from connectors.http.issuer import DemoAgency, Issuer
    from connectors.http.issuer_app import create_issuer_app
    from connectors.http.settings import GatewaySettings

    shell = GatewaySettings.load({}, public_url=gateway, issuer=url)
    agency = DemoAgency(party.id, party.id, party.category, {role: role for role in party.roles})
    made = Issuer(
        url,
        secret,
        [agency],
        audience=shell.audience,
        client_id=shell.client_id,
        gateway_url=shell.public_url,
        callback_url=shell.callback_url,
        clock=unix_seconds,
    )
    return create_issuer_app(made)


def _await_ready(url: str) -> None:
    """Raises StartFailed when nothing answers there in time."""
    import urllib.error
    import urllib.request

    from connectors.errors import StartFailed
    from connectors.waiting import Deadline

    deadline = Deadline(READY_SECONDS)
    while not deadline.passed:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own, on this machine
                return
        except OSError:
            threading.Event().wait(0.1)
    raise StartFailed(f"nothing answers at {url}")
