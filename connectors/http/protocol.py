"""HTTP/1.1 on one connection: uvicorn on httptools, with bounds on heads and with less leniency."""

from __future__ import annotations

import asyncio

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_CONNECTIONS = 4000
HEADER_SECONDS = 10.0
LARGEST_HEAD_BYTES = 32 * 1024


class PatientlyBounded(HttpToolsProtocol):
    """Hangs up on who does not send a whole request line and headers in time, and refuses heads without end.

    uvicorn bounds only the pause between two requests: a slow sender of headers would hold a connection for ever. Nor
    does it say when to come back, when there are too many connections; those are closed at once.
    """

    header_seconds = HEADER_SECONDS
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0  # received of a head that is not complete
    _in_head = True  # from the end of one message to the end of the next head

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > MOST_CONNECTIONS:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        was_in_head = self._in_head
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
            return
        except HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
            return
        if self._in_head and was_in_head:  # else what came before it may have been a body
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")
        if self._deadline is None and self._between_requests():
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers come here too, when the request is with the app already: they are dropped."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Raises what the parser answers with 400 (RFC 9112, 3.2: exactly one Host)."""
        self._head_is_here()
        self._in_head, self._head_bytes = False, 0
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise HttpParserError("one host")
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > LARGEST_HEAD_BYTES:
            raise HttpParserError("too large")
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _decline(self, rest: bytes) -> None:
        """Go on as if another protocol had not been offered (RFC 9110, 7.8), as Java's client does with each request.

        To the parser what follows would be the other protocol, though a body may be due. `rest` is what follows.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            self.send_400_response("Invalid HTTP request received.")
            return
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version.encode(), b"".join(kept))
        self.parser, self._in_head = HttpRequestParser(self), True
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as the parser before it
        self.data_received(head + rest)

    def _head_is_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self.header_seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
