"""Brings a database to the schema that this version of the exchange needs."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool

from connectors.postgres.connection import connect, database_failures

_SCRIPTS = Path(__file__).with_name("migrations")
# Two processes that start together must not both migrate; the second finds nothing left to do.
_MIGRATION_LOCK = 0x6D617361_0001
_ALEMBIC_IS_NOT_THREAD_SAFE = Lock()


def migrate(url: str, *, revision: str = "head") -> None:
    """Apply every migration up to `revision`. Doing it again changes nothing.

    All of them run in one transaction, under an advisory lock. Raises as `connectors.postgres.connection.connect`.
    """
    with (
        _ALEMBIC_IS_NOT_THREAD_SAFE,
        connect(url, application="masa-migrate", autocommit=False) as connection,
        database_failures(),
    ):
        engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=pool.StaticPool)
        with engine.connect() as bound:
            # Only now: SQLAlchemy rolls back when it first meets a connection, which would let go of the lock.
            bound.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            config = configuration()
            config.attributes["connection"] = bound
            command.upgrade(config, revision)
            bound.commit()


def configuration() -> Config:
    """Alembic's settings; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
