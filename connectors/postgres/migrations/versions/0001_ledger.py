"""The ledger: one row an audit record, one row a candidate, and how far the audit stream was read."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# `record` is the audit record as it was read, framing included: everything in it that has no column of its own (inputs,
# rules, withheld fields) is decoded from there on demand. Text columns have the C collation because they hold codes and
# ids, and it makes their indexes cheaper.
EVENT = """
CREATE TABLE ledger.event (
    audit_partition  integer     NOT NULL,
    audit_offset     bigint      NOT NULL,
    decided_at       timestamptz NOT NULL,
    received_at      timestamptz,
    kind             text COLLATE "C" NOT NULL,
    source_topic     text COLLATE "C",
    source_partition integer,
    source_offset    bigint,
    event_id         text COLLATE "C",
    event_type       text COLLATE "C",
    source           text COLLATE "C",
    rule_set         text COLLATE "C",
    subject          text COLLATE "C",
    record           bytea       NOT NULL,
    PRIMARY KEY (audit_partition, audit_offset, decided_at)
) PARTITION BY RANGE (decided_at)
"""

OUTCOME = """
CREATE TABLE ledger.outcome (
    audit_partition  integer     NOT NULL,
    audit_offset     bigint      NOT NULL,
    decided_at       timestamptz NOT NULL,
    agency           text COLLATE "C" NOT NULL,
    outcome          text COLLATE "C" NOT NULL,
    reason           text COLLATE "C",
    delivery_id      text COLLATE "C",
    ack_by           timestamptz
) PARTITION BY RANGE (decided_at)
"""

PROGRESS = """
CREATE TABLE ledger.progress (
    topic       text COLLATE "C" NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (topic, partition)
)
"""

COMMENTS = {
    "TABLE ledger.event": "One row an audit record; no narrative, no identifier of a child, no locating value (A-02)",
    "COLUMN ledger.event.kind": "What became of the record; UNREADABLE when the audit record itself could not be read",
    "COLUMN ledger.event.subject": "Keyed pseudonym of the child",
    "COLUMN ledger.event.record": "The audit record as it was read: Avro single-object encoding",
    "TABLE ledger.outcome": "One row a candidate recipient",
    "COLUMN ledger.outcome.reason": "The decisive reason code",
    "TABLE ledger.progress": "Next offset to read; written in the transaction that wrote the rows before it",
}


def upgrade() -> None:
    op.execute("CREATE SCHEMA ledger")
    op.execute(EVENT)
    op.execute(OUTCOME)
    op.execute(PROGRESS)
    op.execute("CREATE INDEX event_by_id ON ledger.event (event_id)")
    op.execute("CREATE INDEX outcome_by_agency ON ledger.outcome (agency, decided_at)")
    for what, text in COMMENTS.items():
        op.execute(f"COMMENT ON {what} IS '{text}'")


def downgrade() -> None:
    op.execute("DROP SCHEMA ledger CASCADE")
