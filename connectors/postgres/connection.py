"""Connections to PostgreSQL, with failures named for the caller's next move (connectors.errors)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from connectors.errors import ChangeSettings, ExitForSupervisor, NotPermitted, NotReady, RetryLater

Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_TIMEOUT_S = 5
# A server that vanished without closing its sockets is noticed after about 25 s.
_KEEPALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

# The server is stopping or starting, or another transaction was in the way: the same work can be done again.
_PASSING = (
    errors.OperationalError,
    errors.InterfaceError,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,
)
_REFUSED = (errors.InsufficientPrivilege, errors.InvalidAuthorizationSpecification, errors.InvalidPassword)
_WRONG_PLACE = (errors.InvalidCatalogName, errors.UndefinedTable, errors.InvalidSchemaName, errors.UndefinedColumn)


def connect(url: str, *, application: str = "masa", autocommit: bool = True) -> Connection:
    """A connection in UTC. Transactions are opened explicitly (`with connection.transaction()`).

    Raises `RetryLater` when the server does not answer, `NotPermitted` when it refuses, `ChangeSettings` when the URL
    cannot be read or names no database.
    """
    with database_failures():
        return psycopg.connect(
            url,
            autocommit=autocommit,
            application_name=application,
            connect_timeout=CONNECT_TIMEOUT_S,
            options="-c timezone=UTC",
            **_KEEPALIVE,
        )


def connect_alone(url: str, *, application: str, lock: int, otherwise: NotReady) -> Connection:
    """A connection that holds the advisory lock `lock`, one session a database; the lock ends with the session.

    Raises `otherwise` when another session holds it, and as `connect` does.
    """
    connection = connect(url, application=application)
    try:
        with database_failures():
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (lock,)).fetchone()
    except BaseException:
        connection.close()
        raise
    if row != (True,):
        connection.close()
        raise otherwise
    return connection


@contextmanager
def database_failures() -> Iterator[None]:
    """Turns psycopg's errors into connector failures. Messages never quote a row: it may be about a child."""
    try:
        yield
    except _REFUSED as error:
        raise NotPermitted(f"postgresql refused: {_primary(error)}") from error
    except _WRONG_PLACE as error:
        raise ChangeSettings(f"postgresql has no such thing: {_primary(error)}; was it migrated?") from error
    except errors.ProgrammingError as error:
        raise ChangeSettings(f"postgresql: {_primary(error)}") from error
    except _PASSING as error:
        if _says_refused(error):
            raise NotPermitted(f"postgresql refused: {_primary(error)}") from error
        raise RetryLater(f"postgresql is not available: {_primary(error)}") from error
    except errors.Error as error:
        raise ExitForSupervisor(f"postgresql: {_primary(error)}") from error


def _primary(error: psycopg.Error) -> str:
    """The first line of the server's message, without its detail (which would quote the row)."""
    text = error.diag.message_primary or str(error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__


def _says_refused(error: psycopg.Error) -> bool:
    """libpq reports a refused log-in as a failed connection, without a code."""
    text = str(error)
    return "password authentication failed" in text or "no pg_hba.conf entry" in text
