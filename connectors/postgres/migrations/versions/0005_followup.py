"""Follow-up: the life of every delivery, receipts that came before theirs, and how far each topic was read."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

POSITION = """
CREATE TABLE followup.position (
    topic       text COLLATE "C" NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (topic, partition)
)
"""

# Instants are milliseconds since the epoch, as everywhere in the exchange, and always an argument.
DELIVERY = """
CREATE TABLE followup.delivery (
    delivery_id       text COLLATE "C" PRIMARY KEY,
    event_id          text COLLATE "C" NOT NULL,
    event_type        text COLLATE "C" NOT NULL,
    agency            text COLLATE "C" NOT NULL,
    source            text COLLATE "C" NOT NULL,
    roles             text[] COLLATE "C" NOT NULL,
    area              text COLLATE "C" NOT NULL,
    clock             text COLLATE "C",
    urgency           text COLLATE "C" NOT NULL,
    protection        text COLLATE "C" NOT NULL,
    restricted        boolean NOT NULL,
    subject           text COLLATE "C",
    available_at      bigint NOT NULL,
    ack_by            bigint,
    pick_up_by        bigint,
    state             text COLLATE "C" NOT NULL CHECK (state IN
        ('AVAILABLE', 'PICKED_UP', 'ACKNOWLEDGED', 'CLOSED', 'MISDIRECTED', 'RETRACTED', 'FROZEN', 'EXPIRED')),
    outcome           text COLLATE "C",
    picked_up_at      bigint,
    acknowledged_at   bigint,
    acknowledged_role text COLLATE "C",
    step              smallint NOT NULL DEFAULT 0,
    next_due          bigint,
    recalled_by       text COLLATE "C",
    answer            text COLLATE "C",
    CHECK ((state = 'ACKNOWLEDGED') <= (outcome IS NOT NULL AND acknowledged_at IS NOT NULL))
) WITH (fillfactor = 80)
"""

# A delivery is not known before its audit record is read, and a receipt may overtake it: they are different topics.
EARLY = """
CREATE TABLE followup.early_receipt (
    topic       text COLLATE "C" NOT NULL,
    partition   integer NOT NULL,
    "offset"    bigint  NOT NULL,
    receipt_id  text COLLATE "C" NOT NULL,
    delivery_id text COLLATE "C" NOT NULL,
    event_id    text COLLATE "C" NOT NULL,
    agency      text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    outcome     text COLLATE "C",
    role        text COLLATE "C",
    at          bigint  NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
)
"""

# Small however long the table gets: only open clocks are in it, and only answers that are under way.
INDEXES = (
    "CREATE INDEX delivery_due ON followup.delivery (next_due) WHERE next_due IS NOT NULL",
    "CREATE INDEX delivery_late ON followup.delivery (ack_by) WHERE state IN ('AVAILABLE', 'PICKED_UP')",
    "CREATE INDEX delivery_answer ON followup.delivery (answer) WHERE state = 'ACKNOWLEDGED'",
    "CREATE INDEX delivery_event ON followup.delivery (event_id)",
    "CREATE INDEX delivery_subject ON followup.delivery (subject) WHERE subject IS NOT NULL",
    "CREATE INDEX early_receipt_delivery ON followup.early_receipt (delivery_id)",
)

# Accepted and refused receipts, steps of a ladder, recalls: whatever changed a delivery, or tried to.
TRANSITION = """
CREATE TABLE ledger.transitions (
    transition_id text COLLATE "C" PRIMARY KEY,
    at            timestamptz NOT NULL,
    delivery_id   text COLLATE "C",
    event_id      text COLLATE "C",
    agency        text COLLATE "C" NOT NULL,
    from_state    text COLLATE "C",
    to_state      text COLLATE "C",
    outcome       text COLLATE "C",
    cause         text COLLATE "C" NOT NULL,
    refusal       text COLLATE "C",
    late          boolean NOT NULL,
    partition     integer NOT NULL,
    "offset"      bigint  NOT NULL
)
"""

COMMENTS = {
    "TABLE followup.position": "Next offset to read; written in the transaction that wrote what came before it",
    "TABLE followup.delivery": "The life of every delivery (D-01); no content, no identifier of a child",
    "COLUMN followup.delivery.subject": "Keyed pseudonym of the child",
    "COLUMN followup.delivery.step": "Steps of the ladder of escalation that were taken",
    "COLUMN followup.delivery.next_due": "When the next step is due; null: no clock runs",
    "COLUMN followup.delivery.recalled_by": "Event or recall that takes it back (P-13)",
    "COLUMN followup.delivery.answer": "Event that tells the publisher the outcome (D-11)",
    "TABLE followup.early_receipt": "Receipts whose delivery is not known yet",
    "TABLE ledger.transitions": "Changes in deliveries'' lives, and receipts that changed nothing, with the reason",
    "COLUMN ledger.transitions.cause": "receipt, audit, sweep or recall, and which",
}


def upgrade() -> None:
    op.execute("CREATE SCHEMA followup")
    for statement in (POSITION, DELIVERY, EARLY, *INDEXES, TRANSITION):
        op.execute(statement)
    op.execute("CREATE INDEX transitions_event ON ledger.transitions (event_id)")
    op.execute("CREATE INDEX transitions_delivery ON ledger.transitions (delivery_id)")
    for what, text in COMMENTS.items():
        op.execute(f"COMMENT ON {what} IS '{text}'")


def downgrade() -> None:
    op.execute("DROP TABLE ledger.transitions")
    op.execute("DROP SCHEMA followup CASCADE")
