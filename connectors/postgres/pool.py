"""A bounded pool of connections for the gateway's worker threads.

A connection that met trouble is thrown away, not repaired: after a restart of the server the pool heals itself one
failed call at a time, each of which the caller hears of as `RetryLater`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.errors import RetryLater
from connectors.postgres.connection import Connection, connect, database_failures

WAIT_SECONDS = 5.0


class Pool:
    """Safe from any thread. Nothing is connected before it is needed."""

    def __init__(
        self,
        url: str,
        *,
        size: int,
        application: str,
        wait_seconds: float = WAIT_SECONDS,
        exhausted: Callable[[], object] = lambda: None,
    ) -> None:
        """`size` is the most connections at once; who finds none free within `wait_seconds` is told to come back, and
        `exhausted` is called."""
        self._exhausted = exhausted
        self._used = 0
        self._url = url
        self._application = application
        self._wait_seconds = wait_seconds
        self._free = threading.BoundedSemaphore(size)
        self._idle: list[Connection] = []  # the one used last is used next, so that others can be closed by the server
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Connection]:
        """A connection inside one transaction: committed at the end, rolled back when the body raises.

        With `durable` false the commit does not wait for the disk: a crash of the server may forget it, whole. Raises
        as `connect`; after `RetryLater` at the end it is unknown whether it was committed.
        """
        with self._borrowed() as connection, database_failures(), connection.transaction():
            if not durable:
                connection.execute("SET LOCAL synchronous_commit = off")
            yield connection

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection outside any transaction, for a single statement that only looks. Raises as `connect`."""
        with self._borrowed() as connection, database_failures():
            yield connection

    @contextmanager
    def _borrowed(self) -> Iterator[Connection]:
        if not self._free.acquire(timeout=self._wait_seconds):
            self._exhausted()
            raise RetryLater("every database connection is in use: too much at once")
        try:
            self._count(1)
            connection = self._take()
            try:
                yield connection
            except BaseException:
                connection.close()  # whatever state it is in, nobody else gets it
                raise
            self._give_back(connection)
        finally:
            self._count(-1)
            self._free.release()

    def _count(self, change: int) -> None:
        with self._lock:
            self._used += change

    def used(self) -> int:
        """Connections in use now."""
        return self._used

    def idle(self) -> int:
        """Connections open and not in use."""
        return len(self._idle)

    def _take(self) -> Connection:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed:
                    return connection
        return connect(self._url, application=self._application)

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            if not self._closed and not connection.closed:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
