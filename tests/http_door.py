"""The HTTP door in memory: the real app before `DoorsDouble`, with tokens of a key that the test holds."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.types import ASGIApp

from connectors.http.app import create_app
from connectors.http.door import Door
from connectors.http.ports import Doors
from connectors.http.settings import GatewaySettings
from connectors.http.tokens import TokenVerifier
from tests.doors_double import DoorsDouble, delivery

ISSUER = "http://127.0.0.1:9000"
SCHOOL, OTHER = "oakfield-primary", "kingsmere-academy"
DELIVERY, OTHERS_DELIVERY = "0a5c9a4e-0000-5000-8000-000000000001", "0a5c9a4e-0000-5000-8000-000000000002"
EVENT = {"envelope": {"eventType": "early-help.episode"}}


@cache
def key(name: str = "k1") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": name, "use": "sig"})


class Source:
    """The issuer's keys. `asked` counts; `away` makes it unreachable."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys = list(keys or (key(),))
        self.asked = 0
        self.away = False

    def fetch(self) -> Mapping[str, Any]:
        from connectors.errors import RetryLater

        self.asked += 1
        if self.away:
            raise RetryLater("away")
        return KeySet(self.keys).as_dict(private=False)


class Told:
    """Everything that the door tells of itself."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.answered: list[dict[str, Any]] = []
        self.failed: list[BaseException] = []
        self.most_in_work = 0

    def http_answered(self, **what: Any) -> None:
        self.answered.append(what)

    def http_refused(self, *, reason: str, **_: Any) -> None:
        self.refused.append(reason)

    def http_failed(self, error: BaseException, **_: Any) -> None:
        self.failed.append(error)

    def http_in_work(self, requests: int) -> None:
        self.most_in_work = max(self.most_in_work, requests)


def settings(**changes: Any) -> GatewaySettings:
    return GatewaySettings.load({}, **({"public_url": "http://127.0.0.1:8080", "issuer": ISSUER} | changes))


def claims(agency: str = SCHOOL, *, at: int | None = None, **changes: Any) -> dict[str, Any]:
    """Claims of a good token of an agency's system; None takes a claim away. `at` is now."""
    now = int(time.time()) if at is None else at
    made = {
        "iss": ISSUER, "aud": "masa-gateway", "sub": f"system@{agency}", "agency": agency, "kind": "system",
        "roles": ["dsl"], "scope": "publish inbox outcome", "iat": now, "nbf": now, "exp": now + 600,
    } | changes  # fmt: skip
    return {name: value for name, value in made.items() if value is not None}


def token(agency: str = SCHOOL, *, signed_with: ECKey | None = None, **changes: Any) -> str:
    signer = signed_with or key()
    header = {"alg": "ES256", "kid": signer.kid, "typ": "at+jwt"}
    return jwt.encode(header, claims(agency, **changes), signer)


def bearer(agency: str = SCHOOL, **changes: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {token(agency, **changes)}"}


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """An event loop in a thread of its own, for the whole session."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="event-loop", daemon=True).start()
    return loop


class Client:
    """Calls an ASGI app without a network; what the app raises is raised here."""

    def __init__(self, app: ASGIApp) -> None:
        transport = httpx.ASGITransport(app=app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = asyncio.run_coroutine_threadsafe(self._client.request(method, path, **more), event_loop())
        return answer.result(timeout=60)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self("POST", path, **more)


class DoorAtHand(NamedTuple):
    client: Client
    doors: DoorsDouble
    told: Told
    source: Source
    door: Door


def waiting() -> dict[str, Sequence[Any]]:
    return {SCHOOL: [delivery(DELIVERY)], OTHER: [delivery(OTHERS_DELIVERY)]}


def door_at_hand(*, doors: Doors | None = None, **changes: Any) -> DoorAtHand:
    """The app with one delivery waiting for each of two schools."""
    double, told, source, chosen = DoorsDouble(waiting()), Told(), Source(), settings(**changes)
    verifier = TokenVerifier(chosen, source, clock=time.time, monotonic=time.monotonic)
    behind: Doors = doors if doors is not None else double
    door = Door(behind, chosen, verifier, telemetry=told, clock=time.time, monotonic=time.monotonic)
    return DoorAtHand(Client(create_app(door)), double, told, source, door)
