"""Run by Alembic for each command. The connection is handed over by `connectors.postgres.migrate`."""

from __future__ import annotations

from alembic import context


def run() -> None:
    """Migrate inside the caller's transaction and lock."""
    context.configure(connection=context.config.attributes["connection"], target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()


run()
