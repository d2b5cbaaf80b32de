"""The outermost layer: bounds on every request, headers on every answer, one line and one count for each.

Plain ASGI. It knows nothing of routes but their templates, and nothing of callers but their agency's id, which the
authentication leaves in `request.state`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.http.door import Door
from connectors.http.problems import (
    BAD_REQUEST,
    FAULT,
    TOO_LARGE,
    TOO_SLOW,
    Problem,
    unavailable,
)

BATCH_PATH = "/v1/events/batch"
UNMATCHED = "unmatched"  # the route of whatever fits no template, so that labels stay bounded
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUSY_EXEMPT = ("/health/",)  # a probe must not fail because the gateway is busy

# A page sets its own Content-Security-Policy; what sets none is an answer to a program.
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
HSTS = "max-age=63072000; includeSubDomains"


class Edge:
    """Wraps the app. One a process."""

    def __init__(self, app: ASGIApp, *, door: Door, random_id: Callable[[], uuid.UUID] = uuid.uuid4) -> None:
        self._app = app
        self._door = door
        self._random_id = random_id
        self._in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self._door, scope, receive, send, request_id=str(self._random_id()))
        self._in_work += 1
        self._door.telemetry.http_in_work(self._in_work)
        try:
            if self._in_work > self._door.settings.max_requests and not scope["path"].startswith(BUSY_EXEMPT):
                await exchange.answer(unavailable("too many requests at once", seconds=1))
            else:
                await self._run(exchange)
        finally:
            self._in_work -= 1
            self._door.telemetry.http_in_work(self._in_work)
            exchange.tell()

    async def _run(self, exchange: _Exchange) -> None:
        try:
            exchange.check_length()
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except Problem as problem:
            await exchange.answer(problem)
        except Exception as error:  # noqa: BLE001 - nothing may reach the server's log, which would show values
            if not isinstance(error, _CallerGone):
                self._door.telemetry.http_failed(error, route=exchange.route, request_id=exchange.request_id)
                await exchange.answer(Problem(FAULT, "the request was not carried out because of a fault here"))


class _CallerGone(Exception):  # noqa: N818 - an end, not an error
    """The caller hung up before its request was complete."""


class _Exchange:
    """One request and its answer."""

    def __init__(self, door: Door, scope: Scope, receive: Receive, send: Send, *, request_id: str) -> None:
        self._door = door
        self._receive = receive
        self._send = send
        self._began = door.monotonic()
        self._taken = 0
        self._complete = False
        self._most = door.settings.max_batch_bytes if scope["path"] == BATCH_PATH else door.settings.max_event_bytes
        self.request_id = request_id
        self.scope = scope
        self.scope.setdefault("state", {})["request_id"] = request_id
        self.status: int | None = None

    @property
    def route(self) -> str:
        return getattr(self.scope.get("route"), "path", None) or UNMATCHED

    def check_length(self) -> None:
        """Refuse at once what says that it is too long, or says its length in two ways."""
        lengths = [value for name, value in self.scope["headers"] if name == b"content-length"]
        if len(lengths) > 1 or any(not value.isdigit() for value in lengths):
            raise Problem(BAD_REQUEST, "give one content-length")
        if lengths and int(lengths[0]) > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next part of the body, within the bounds of size and time. Raises Problem."""
        if self._complete:
            return await self._receive()  # waits until the caller hangs up
        left = self._began + self._door.settings.body_seconds - self._door.monotonic()
        try:
            async with asyncio.timeout(max(0.0, left)):
                message = await self._receive()
        except TimeoutError:
            raise self._refused("slow-body", Problem(TOO_SLOW, "send the whole body within seconds")) from None
        if message["type"] != "http.request":
            self._complete = True
            return message
        self._taken += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._taken > self._most:
            raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            self._add_headers(message.setdefault("headers", []))
        await self._send(message)

    def _add_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        named = {name for name, _ in headers}
        headers += [header for header in _HEADERS if header[0] not in named]
        headers.append((b"x-request-id", self.request_id.encode()))
        if self._door.settings.secure:
            headers.append((b"strict-transport-security", HSTS.encode()))
        if not self._complete and self._taken < self._announced():
            headers.append((b"connection", b"close"))  # the rest of the body is not worth reading

    async def answer(self, problem: Problem) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self.status is None:
            await problem.response()(self.scope, self._receive, self.send)

    def tell(self) -> None:
        method = self.scope["method"]
        state: dict[str, Any] = self.scope["state"]
        self._door.telemetry.http_answered(
            route=self.route,
            method=method if method in METHODS else "other",
            status=self.status or 499,  # the caller hung up first
            seconds=self._door.monotonic() - self._began,
            request_id=self.request_id,
            agency=state.get("agency"),
        )

    def _announced(self) -> int:
        for name, value in self.scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value)
            if name == b"transfer-encoding":
                return self._taken + 1
        return 0

    def _too_large(self) -> Problem:
        return self._refused("oversize", Problem(TOO_LARGE, f"at most {self._most} bytes are read here"))

    def _refused(self, reason: str, problem: Problem) -> Problem:
        self._door.telemetry.http_refused(
            reason=reason, route=self.route, request_id=self.request_id, agency=self.scope["state"].get("agency")
        )
        return problem
