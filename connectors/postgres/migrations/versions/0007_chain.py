"""The ledger's hash chain: the leaves of each stored batch and the link after it, by audit partition."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# `entries` is 40 bytes a record (offset, leaf): digests do not compress, so PostgreSQL is told not to try.
CHAIN = """
CREATE TABLE ledger.chain (
    audit_partition integer NOT NULL,
    last_offset     bigint  NOT NULL,
    first_chained   bigint  NOT NULL,
    rows            bigint  NOT NULL CHECK (rows > 0),
    link            bytea   NOT NULL CHECK (length(link) = 32),
    entries         bytea   NOT NULL CHECK (length(entries) > 0 AND length(entries) % 40 = 0),
    PRIMARY KEY (audit_partition, last_offset)
)
"""

COMMENTS = {
    "TABLE ledger.chain": "One row a stored batch and partition: what `masa ledger verify` holds the rows against",
    "COLUMN ledger.chain.first_chained": "Offset of the first record of this partition that is in the chain",
    "COLUMN ledger.chain.rows": "Records of this partition in the chain up to here",
    "COLUMN ledger.chain.link": "SHA-256 link after the last of them",
    "COLUMN ledger.chain.entries": "Offset (8 bytes, big-endian) and leaf (32 bytes) of each record of the batch",
}


def upgrade() -> None:
    op.execute(CHAIN)
    op.execute("ALTER TABLE ledger.chain ALTER COLUMN entries SET STORAGE EXTERNAL")
    for what, text in COMMENTS.items():
        op.execute(f"COMMENT ON {what} IS '{text}'")


def downgrade() -> None:
    op.execute("DROP TABLE ledger.chain")
