"""Operations: what people did to the exchange, kept beside the ledger."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The id is the key, so that a record that was sent twice is one row. `details` is small and read by people.
OPERATIONS = """
CREATE TABLE ledger.operations (
    operation_id text COLLATE "C" PRIMARY KEY,
    at           timestamptz NOT NULL,
    actor        text        NOT NULL,
    role         text,
    kind         text COLLATE "C" NOT NULL,
    target       text COLLATE "C" NOT NULL,
    reason       text,
    result       text COLLATE "C" NOT NULL,
    details      jsonb       NOT NULL,
    partition    integer     NOT NULL,
    "offset"     bigint      NOT NULL
)
"""

COMMENTS = {
    "TABLE ledger.operations": "One row an operation of a person: activations, stops, openings. Nothing about a child",
    "COLUMN ledger.operations.offset": "Where its record is on masa.operations",
}


def upgrade() -> None:
    op.execute(OPERATIONS)
    op.execute("CREATE INDEX operations_by_time ON ledger.operations (at)")
    op.execute("CREATE INDEX operations_by_target ON ledger.operations (target)")
    for what, text in COMMENTS.items():
        op.execute(f"COMMENT ON {what} IS '{text}'")


def downgrade() -> None:
    op.execute("DROP TABLE ledger.operations")
