"""Webhooks: an agency that asked for it is told that something waits in its inbox. An option; polling needs none of it.

What is pushed is a reference and nothing about a child, signed as Standard Webhooks has it (HMAC-SHA-256). At least
once: `webhook-id` is the delivery's id, by which a receiver knows a repeat. One agency's slow or broken address never
holds up another's, and a failure costs nothing: the delivery waits in the inbox either way.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_validator

from connectors.errors import ChangeSettings, RetryLater
from connectors.http.webhook_post import Outcome
from schemas.dates import iso_instant

SECRET_PREFIX = "whsec_"  # noqa: S105 - Standard Webhooks' mark of a secret
SHORTEST_SECRET_BYTES = 24
LOOK_SECONDS = 1.0
LEASE_SECONDS = 120  # a claimed notice that nobody reports on is tried again after that
MOST_AT_ONCE = 20  # of one agency's notices in one turn
MOST_THREADS = 64
GIVE_UP_AFTER_SECONDS = 24 * 3600
PAUSES_SECONDS = (5, 30, 120, 600, 1800, 3600)  # after the first failure, the second, …; then the last one again
URGENCIES = {1: "IMMEDIATE", 2: "URGENT", 3: "ROUTINE", 4: "INFORMATION"}


class Hook(BaseModel):
    """Where an agency is told, and the secret that it checks the signature with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    secret: SecretStr

    @field_validator("secret")
    @classmethod
    def _strong(cls, value: SecretStr) -> SecretStr:
        if len(key_of(value.get_secret_value())) < SHORTEST_SECRET_BYTES:
            raise ValueError(f"is shorter than {SHORTEST_SECRET_BYTES} bytes")
        return value


class Notice(NamedTuple):
    """A delivery that an agency is to be told of. Instants in milliseconds."""

    delivery_id: str
    agency: str
    urgency: int
    ack_by: int | None
    attempt: int  # this one, from 1
    made_at: int


class Notices(Protocol):
    """Where notices are kept. Every method may block and raises RetryLater."""

    def claim(self, agencies: Sequence[str], *, now: int, since: int, lease_until: int) -> list[Notice]:
        """Notices of these agencies that are due, new deliveries since `since` included; nobody else gets them until
        `lease_until`. At most MOST_AT_ONCE an agency."""
        ...

    def told(self, delivery_id: str) -> None: ...
    def postpone(self, delivery_id: str, until: int) -> None: ...
    def give_up(self, delivery_id: str) -> None: ...


class WebhookTelemetry(Protocol):
    def webhook_attempted(self, *, agency: str, result: str, attempt: int) -> object: ...


Post = Callable[[str, bytes, Mapping[str, str]], Outcome]


def read_hooks(path: Path, *, allow_private: bool) -> dict[str, Hook]:
    """The settings file: TOML, `[agency-id]` with `url` and `secret` (`whsec_` and Base64). Raises ChangeSettings."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        hooks = {agency: Hook.model_validate(given) for agency, given in document.items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ChangeSettings(f"MASA_WEBHOOKS_FILE `{path}` cannot be read: {type(error).__name__}") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise ChangeSettings(f"MASA_WEBHOOKS_FILE `{path}`: {first['loc'] or ''} {first['msg']}") from None
    for agency, hook in hooks.items():
        if urlsplit(hook.url).scheme != "https" and not allow_private:
            raise ChangeSettings(f"MASA_WEBHOOKS_FILE `{path}`: `{agency}` has no https address")
    return hooks


def key_of(secret: str) -> bytes:
    """The bytes of a `whsec_` secret. Raises ValueError."""
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"does not begin with {SECRET_PREFIX}")
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"is not Base64 after {SECRET_PREFIX}") from None


def message(notice: Notice, *, gateway: str, now: int) -> bytes:
    """What is pushed: that something waits, how urgent it is, and where. `now` in milliseconds."""
    data = {
        "deliveryId": notice.delivery_id,
        "urgency": URGENCIES.get(notice.urgency, "UNKNOWN"),
        "ackBy": None if notice.ack_by is None else iso_instant(notice.ack_by),
        "url": f"{gateway}/v1/deliveries/{notice.delivery_id}",
    }
    return json.dumps({"type": "delivery.available", "timestamp": iso_instant(now), "data": data}).encode()


def signed_headers(secret: str, message_id: str, body: bytes, *, at: int) -> dict[str, str]:
    """Standard Webhooks' headers; `at` in Unix seconds."""
    signed = f"{message_id}.{at}.".encode() + body
    signature = base64.b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }


def pause_after(attempt: int) -> int:
    """Seconds between the n-th failure and the next attempt."""
    return PAUSES_SECONDS[min(attempt, len(PAUSES_SECONDS)) - 1]


class Pusher:
    """Pushes what is due. One agency's notices go one after another; agencies beside each other."""

    def __init__(
        self,
        hooks: Mapping[str, Hook],
        notices: Notices,
        post: Post,
        *,
        gateway: str,
        telemetry: WebhookTelemetry,
        clock: Callable[[], float],
    ) -> None:
        """`gateway` is the public URL; `clock` gives Unix seconds."""
        self._hooks = hooks
        self._notices = notices
        self._post = post
        self._gateway = gateway
        self._telemetry = telemetry
        self._clock = clock

    def push(self, notice: Notice) -> None:
        """One attempt, and what follows from it. Raises RetryLater when that cannot be written down."""
        now = self._clock()
        secret = self._hooks[notice.agency].secret.get_secret_value()
        body = message(notice, gateway=self._gateway, now=int(now * 1000))
        headers = signed_headers(secret, notice.delivery_id, body, at=int(now))
        result = self._post(self._hooks[notice.agency].url, body, headers)
        told: str = result
        if result == "told":
            self._notices.told(notice.delivery_id)
        elif result == "gone" or now - notice.made_at / 1000 > GIVE_UP_AFTER_SECONDS:
            self._notices.give_up(notice.delivery_id)
            told = "given-up"
        else:
            self._notices.postpone(notice.delivery_id, int((now + pause_after(notice.attempt)) * 1000))
        self._telemetry.webhook_attempted(agency=notice.agency, result=told, attempt=notice.attempt)

    def keep_pushing(self, pause: Callable[[float], object], stopping: Callable[[], bool]) -> None:
        """Push until told to stop. A database that is away is waited for."""
        busy: set[str] = set()
        with ThreadPoolExecutor(min(MOST_THREADS, max(1, len(self._hooks))), thread_name_prefix="webhook") as pool:
            while not stopping():
                idle = [agency for agency in self._hooks if agency not in busy]
                for agency, mine in self._due(idle).items():
                    busy.add(agency)
                    pool.submit(self._push_all, agency, mine, busy, stopping)
                pause(LOOK_SECONDS)

    def _due(self, agencies: Sequence[str]) -> dict[str, list[Notice]]:
        now = int(self._clock() * 1000)
        since, lease_until = now - GIVE_UP_AFTER_SECONDS * 1000, now + LEASE_SECONDS * 1000
        try:
            found = self._notices.claim(agencies, now=now, since=since, lease_until=lease_until) if agencies else []
        except RetryLater:
            return {}
        by_agency: dict[str, list[Notice]] = {}
        for notice in found:
            by_agency.setdefault(notice.agency, []).append(notice)
        return by_agency

    def _push_all(self, agency: str, notices: Sequence[Notice], busy: set[str], stopping: Callable[[], bool]) -> None:
        """All of one agency's, in order. What cannot be written down is pushed once more after its lease."""
        try:
            for notice in notices:
                if not stopping():
                    self.push(notice)
        except RetryLater:
            return
        finally:
            busy.discard(agency)
