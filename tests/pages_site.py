"""The pages on a port of this machine: the real app and a real identity issuer around `InboxDouble`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from joserfc.jwk import ECKey

from connectors.http.app import create_app
from connectors.http.discovery import Discovery
from connectors.http.door import Door
from connectors.http.issuer import DemoAgency, Issuer, Secret
from connectors.http.issuer_app import create_issuer_app
from connectors.http.pages.oidc import OidcIdentity
from connectors.http.pages.router import pages_router
from connectors.http.serving import serve
from connectors.http.settings import GatewaySettings
from connectors.http.tokens import TokenVerifier
from connectors.ports import LOOPBACK, free_ports, is_free
from connectors.telemetry import Telemetry
from connectors.waiting import wait_until
from tests.inbox_double import NOW, InboxDouble, SessionsDouble

ROLES = {"dsl": "Designated safeguarding lead", "deputy-dsl": "Deputy designated safeguarding lead"}


class Clock:
    """Unix seconds that the test moves; tokens are issued and verified by it too."""

    def __init__(self, millis: int = NOW) -> None:
        self.seconds = millis / 1000

    def __call__(self) -> float:
        return self.seconds


class PagesSite(NamedTuple):
    url: str
    issuer_url: str
    doors: InboxDouble
    sessions: SessionsDouble
    clock: Clock


def settings_of(url: str, issuer_url: str) -> GatewaySettings:
    return GatewaySettings(public_url=url, issuer=issuer_url)


@contextmanager
def running() -> Iterator[PagesSite]:
    """Serve until the block ends."""
    gateway_port, issuer_port = free_ports(2)
    url, issuer_url = f"http://127.0.0.1:{gateway_port}", f"http://127.0.0.1:{issuer_port}"
    settings, clock, doors, sessions = settings_of(url, issuer_url), Clock(), InboxDouble(), SessionsDouble()
    issuer = Issuer(
        issuer_url,
        Secret(ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": "test"}), b"secret"),
        [DemoAgency("oakfield-primary", "Oakfield Primary School", "SCHOOL", ROLES)],
        audience=settings.audience,
        client_id=settings.client_id,
        gateway_url=url,
        callback_url=settings.callback_url,
        clock=clock,
    )
    discovery = Discovery(issuer_url)
    verifier = TokenVerifier(settings, discovery, clock=clock, monotonic=time.monotonic)
    door = Door(
        doors,
        settings,
        verifier,
        telemetry=Telemetry(process="pages", clock=clock),
        clock=clock,
        monotonic=time.monotonic,
    )
    router = pages_router(sessions, lambda door: OidcIdentity(door.settings, discovery.endpoints, door.verifier))
    apps = [(create_app(door, routers=[router]), gateway_port), (create_issuer_app(issuer), issuer_port)]
    stop = threading.Event()
    threads = [
        threading.Thread(target=serve, args=(app,), kwargs={"host": LOOPBACK, "port": port, "stop": stop})
        for app, port in apps
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: not (is_free(gateway_port) or is_free(issuer_port)), timeout=20, what="serving")
        yield PagesSite(url, issuer_url, doors, sessions, clock)
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
