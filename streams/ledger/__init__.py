"""The ledger: the audit stream in PostgreSQL, queries and reconciliation."""
