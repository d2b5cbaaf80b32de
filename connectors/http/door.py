"""What every request handler of the HTTP door works with: the exchange behind it, settings, limits, clocks, threads."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, Protocol, TypeVar, cast

from starlette.requests import HTTPConnection

from connectors.errors import ConnectorFailure
from connectors.http.asked import AcknowledgeAsked, PollAsked, PublishAsked
from connectors.http.limits import Buckets
from connectors.http.ports import Doors
from connectors.http.problems import unavailable
from connectors.http.rounds import Rounds
from connectors.http.settings import GatewaySettings
from connectors.http.tokens import TokenVerifier
from connectors.http.values import Accepted, AckAnswer, Delivery, Refused

P = ParamSpec("P")
T = TypeVar("T")


class Occurrences(Protocol):
    """What the door tells of itself; `connectors.telemetry.Telemetry` counts and logs it."""

    def http_answered(
        self, *, route: str, method: str, status: int, seconds: float, request_id: str, agency: str | None
    ) -> None:
        """A request was answered. `route` is the route's template, never the path asked for."""
        ...

    def http_refused(self, *, reason: str, route: str, request_id: str, agency: str | None) -> None:
        """Refused for its security or its size; `reason` is a closed word."""
        ...

    def http_failed(self, error: BaseException, *, route: str, request_id: str) -> None:
        """A fault of ours: only its class and place may be logged."""
        ...

    def http_in_work(self, requests: int) -> None:
        """Requests in work now."""
        ...


class Door:
    """One object a process; `app.state.door`."""

    def __init__(
        self,
        doors: Doors,
        settings: GatewaySettings,
        verifier: TokenVerifier,
        *,
        telemetry: Occurrences,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`clock` gives Unix seconds."""
        self.doors = doors
        self.settings = settings
        self.verifier = verifier
        self.telemetry = telemetry
        self.clock = clock
        self.monotonic = monotonic
        self.by_agency = Buckets(rate=settings.rate_per_second, burst=settings.rate_burst, monotonic=monotonic)
        self.by_peer = Buckets(rate=settings.failures_per_second, burst=settings.failures_burst, monotonic=monotonic)
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="door")
        self._publishing = Rounds[PublishAsked, Accepted | Refused](
            lambda asked: self._in_thread(doors.publish_together, asked)
        )
        self._polling = Rounds[PollAsked, Sequence[Delivery]](lambda asked: self._in_thread(doors.poll_together, asked))
        self._acknowledging = Rounds[AcknowledgeAsked, AckAnswer](
            lambda asked: self._in_thread(doors.acknowledge_together, asked)
        )

    async def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A call that may block, in a worker thread; 503 with Retry-After when what it needs is away."""
        with _or_unavailable():
            return await self._in_thread(call, *args, **kwargs)

    async def publish(self, asked: PublishAsked) -> Accepted | Refused:
        """With others that come at about the same time; 503 as `ask`."""
        with _or_unavailable():
            return await self._publishing.do(asked)

    async def poll(self, asked: PollAsked) -> Sequence[Delivery]:
        """As `publish`."""
        with _or_unavailable():
            return await self._polling.do(asked)

    async def acknowledge(self, asked: AcknowledgeAsked) -> AckAnswer:
        """As `publish`."""
        with _or_unavailable():
            return await self._acknowledging.do(asked)

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        work = functools.partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@contextmanager
def _or_unavailable() -> Iterator[None]:
    try:
        yield
    except ConnectorFailure:  # its message may name our servers, which is nobody's business
        raise unavailable("the exchange cannot do this at the moment: the same request again is safe") from None


def door_of(request: HTTPConnection) -> Door:
    """The door that a request came in by."""
    return cast(Door, request.app.state.door)
