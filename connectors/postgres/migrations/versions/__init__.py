"""Alembic's scripts: the history of the database's schema."""
