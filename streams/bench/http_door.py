"""The HTTP door of a running exchange under load: so many publishes a second, so many pollers, for so long.

The client side is plain asyncio and bare HTTP/1.1, so that it costs a fraction of what it measures. Publishes are due
at fixed times whatever the answers do (an open loop): a gateway that falls behind shows it as latency.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil
import uvloop

from connectors.pid_files import RUN_DIR, entries

POLL_PAUSE_SECONDS = 1.0  # of a poller that was told there is nothing, as the client library does
CONNECTIONS = 64  # over which publishes go out
RENEW_SECONDS = 240.0  # tokens live ten minutes
DRAIN_SECONDS = 30.0


class Load(NamedTuple):
    """What to do. `token` may block; it gives an agency's access token. `event` makes a new document each time."""

    url: str
    publishers: Sequence[str]  # agencies that take turns
    pollers: Sequence[str]  # agency of each poller
    rate: float  # publishes a second
    seconds: float
    token: Callable[[str], str]
    event: Callable[[], Mapping[str, Any]]


class Measured(NamedTuple):
    """What came of it. Times in seconds, sorted; `late` are publishes that were due but never sent."""

    publishes: list[float]
    polls: list[float]
    answers: Counter[tuple[str, int]]  # (what was asked, status)
    late: int
    elapsed: float  # until the last answer; longer than the load when the gateway fell behind

    @property
    def errors(self) -> int:
        return sum(n for (_, status), n in self.answers.items() if status >= 300) + self.late


class Child:
    """A child of `masa up`, whichever process it is at the moment. Figures are 0 when it does not run."""

    def __init__(self, data_dir: Path, name: str) -> None:
        self._run_dir = data_dir / RUN_DIR
        self._name = name

    def mebibytes(self) -> float:
        """Resident memory."""
        process = self._process()
        with contextlib.suppress(psutil.Error):
            return 0.0 if process is None else float(process.memory_info().rss) / 2**20
        return 0.0

    def cpu_seconds(self) -> float:
        """Processor time since it started."""
        process = self._process()
        with contextlib.suppress(psutil.Error):
            times = None if process is None else process.cpu_times()
            return 0.0 if times is None else float(times.user + times.system)
        return 0.0

    def _process(self) -> psutil.Process | None:
        pid = next((each.pid for each in entries(self._run_dir) if each.name == self._name), None)
        with contextlib.suppress(psutil.Error):
            return None if pid is None else psutil.Process(pid)
        return None


def quantile(ordered: Sequence[float], share: float) -> float:
    """0 of nothing."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def run_load(load: Load, monotonic: Callable[[], float]) -> Measured:
    """Blocks for `seconds` and a little. Raises OSError when the gateway cannot be reached."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Run(load, monotonic).go())


class _Run:
    def __init__(self, load: Load, monotonic: Callable[[], float]) -> None:
        self._load = load
        self._now = monotonic
        self._tokens: dict[str, str] = {}
        self._due: asyncio.Queue[float] = asyncio.Queue()
        self._publishes: list[float] = []
        self._polls: list[float] = []
        self._answers: Counter[tuple[str, int]] = Counter()
        self._turns = itertools.cycle(load.publishers)

    async def go(self) -> Measured:
        await self._renew()
        began = self._now()
        ends = began + self._load.seconds
        helpers = [asyncio.create_task(self._publisher()) for _ in range(CONNECTIONS)]
        helpers.append(asyncio.create_task(self._keep_renewing()))
        pollers = [asyncio.create_task(self._poller(n, agency, ends)) for n, agency in enumerate(self._load.pollers)]
        await self._make_due(ends)
        await asyncio.gather(*pollers)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._due.join(), DRAIN_SECONDS)
        late, elapsed = self._due.qsize(), self._now() - began
        for helper in helpers:
            helper.cancel()
        return Measured(sorted(self._publishes), sorted(self._polls), self._answers, late, elapsed)

    async def _make_due(self, ends: float) -> None:
        began, made = self._now(), 0
        while (now := self._now()) < ends:
            while made < (now - began) * self._load.rate:
                self._due.put_nowait(began + made / self._load.rate)
                made += 1
            await asyncio.sleep(0.005)

    async def _publisher(self) -> None:
        line = Line(self._load.url)
        while True:
            due = await self._due.get()
            body = json.dumps(self._load.event()).encode()
            status, _ = await line.ask("POST", "/v1/events", self._tokens[next(self._turns)], body)
            self._publishes.append(self._now() - due)  # from when it was due: waiting for its turn counts
            self._answers["publish", status] += 1
            self._due.task_done()

    async def _poller(self, number: int, agency: str, ends: float) -> None:
        line = Line(self._load.url)
        await asyncio.sleep(number / max(1, len(self._load.pollers)))
        while self._now() < ends:
            began = self._now()
            status, answer = await line.ask("POST", "/v1/inbox/poll", self._tokens[agency], b'{"limit": 20}')
            self._polls.append(self._now() - began)
            self._answers["poll", status] += 1
            if status != 200:
                await asyncio.sleep(POLL_PAUSE_SECONDS)
                continue
            for each in json.loads(answer)["deliveries"]:
                body = json.dumps({"outcome": "NOTED", "lease": each["lease"]}).encode()
                path = f"/v1/deliveries/{each['deliveryId']}/acknowledge"
                self._answers["acknowledge", (await line.ask("POST", path, self._tokens[agency], body))[0]] += 1

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._renew()

    async def _renew(self) -> None:
        for agency in {*self._load.publishers, *self._load.pollers}:
            self._tokens[agency] = await asyncio.to_thread(self._load.token, agency)


class Line:
    """One connection that is kept; opened anew when the gateway has closed it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, token: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; 0 when there was none."""
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\nauthorization: Bearer {token}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        for _ in range(2):  # a kept connection may have been closed just now
            try:
                return await self._once(head.encode() + body)
            except (OSError, EOFError):
                self._open = None
        return 0, b""

    async def _once(self, sent: bytes) -> tuple[int, bytes]:
        if self._open is None:
            self._open = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._open
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
        return int(head[9:12]), await reader.readexactly(int(length))
