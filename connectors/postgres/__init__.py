"""PostgreSQL: the ledger store, its migrations, the embedded server."""
