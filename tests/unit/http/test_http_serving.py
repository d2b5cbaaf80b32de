"""The server itself, over a socket: who is too slow is hung up on, what is not HTTP is refused, a stop is orderly."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from connectors.errors import StartFailed
from connectors.http.serving import serve
from connectors.ports import free_ports
from tests.support import wait_for


class App:
    """Answers every request, `/slow` once `release` is set; keeps the headers and the body of the last to `/kept`."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.entered.set()
        if scope["path"] == "/kept":
            self.body, more = b"", True
            while more:
                message = await receive()
                self.body += message["body"]
                more = message["more_body"]
            self.headers = list(scope["headers"])
        if scope["path"] == "/slow":
            import anyio.to_thread

            await anyio.to_thread.run_sync(self.release.wait, 30)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


class Running:
    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self.app, self.stop = App(), threading.Event()
        given = {"host": "127.0.0.1", "port": self.port, "stop": self.stop, "header_seconds": 0.3}
        self.thread = threading.Thread(target=serve, args=(self.app,), kwargs=given)
        self.thread.start()
        wait_for(self.answers, what="the server's answer")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        try:
            return httpx.get(self.url).status_code == 200
        except httpx.TransportError:
            return False

    def hung_up_on(self, *parts: bytes, pause: bool = True) -> bytes:
        """What comes back until the server closes, after `parts` (each but the first after an answer) and no more."""
        received = b""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection,
            contextlib.suppress(ConnectionResetError),
        ):
            for sent in parts:
                if pause and sent != parts[0]:
                    received += connection.recv(4096)
                connection.sendall(sent)
            while chunk := connection.recv(4096):
                received += chunk
        return received


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.app.release.set()
    made.stop.set()
    made.thread.join(30)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_who_does_not_send_a_whole_head_in_time_is_hung_up_on(running: Running, sent: bytes) -> None:
    """Silence and half a head alike; a request before it changes nothing."""
    assert running.hung_up_on(sent) == b""
    whole = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert running.hung_up_on(whole, b"GET / HT").endswith(b"ok")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 not http\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000,
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\n z\0\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_400_and_goes_no_further(running: Running, sent: bytes) -> None:
    """Two lengths, odd encodings and endless heads are how requests are smuggled."""
    running.app.entered.clear()
    received = running.hung_up_on(sent)
    assert received == b"" or received.split(b" ", 2)[1] in (b"400", b"431", b"501")
    assert not running.app.entered.is_set()


def test_trailers_are_no_headers(running: Running) -> None:
    """They come when it is decided already who is asking."""
    head = b"POST /kept HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert running.hung_up_on(head + b"2\r\nhi\r\n0\r\nAuthorization: x\r\n\r\n").endswith(b"ok")
    assert running.app.body == b"hi"
    assert {name for name, _ in running.app.headers} == {b"host", b"transfer-encoding", b"connection"}


def test_an_offer_to_speak_http_2_changes_nothing(running: Running) -> None:
    """Java's own client makes it with every request."""
    offer = b"Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAE\r\n"
    sent = b"POST /kept HTTP/1.1\r\n" + offer + b"Content-Length: 2\r\n\r\nhi"
    last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received = running.hung_up_on(sent, b"GET /kept HTTP/1.1\r\n" + offer + b"\r\n", last)
    assert received.count(b"HTTP/1.1 200 OK") == 3
    for parts in ((sent,), (sent[:-2], b"hi"), (sent[:-2] + b"h", b"i")):
        assert running.hung_up_on(*parts, last, pause=False).count(b"HTTP/1.1 200 OK") == 2
        assert running.app.body == b"hi"


def test_a_stop_lets_requests_in_work_finish(running: Running) -> None:
    """Then nobody is listening any more, and nothing of the server's name was ever told."""
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(httpx.get(f"{running.url}/slow", timeout=30)))
    running.app.entered.clear()
    asking.start()
    assert running.app.entered.wait(20)
    running.stop.set()
    wait_for(lambda: not running.answers(), what="the end of listening")
    running.app.release.set()
    asking.join(30)
    running.thread.join(30)
    assert (answers[0].status_code, answers[0].text) == (200, "ok")
    assert "server" not in answers[0].headers


def test_a_taken_port_is_a_failure_to_start(running: Running) -> None:
    """Said with the address, for a supervisor to see."""
    with pytest.raises(StartFailed, match=str(running.port)):
        serve(App(), host="127.0.0.1", port=running.port, stop=threading.Event())
