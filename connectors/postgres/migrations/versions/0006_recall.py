"""Recall: what was taken back and why, from whom, and what the gateway must not show any more."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# PENDING: the event that it names has not been delivered to anybody yet, so nobody can say who published it.
RECALL = """
CREATE TABLE followup.recall (
    recall_id   text COLLATE "C" PRIMARY KEY,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN
        ('RETRACTION', 'CORRECTION', 'PROTECTION', 'SEVERANCE', 'FREEZE')),
    state       text COLLATE "C" NOT NULL CHECK (state IN ('PENDING', 'ACTIVE', 'REFUSED', 'ENDED')),
    area        text COLLATE "C" NOT NULL,
    event_id    text COLLATE "C",
    delivery_id text COLLATE "C",
    subject     text COLLATE "C",
    by_event    text COLLATE "C",
    by_agency   text COLLATE "C",
    by_person   text COLLATE "C",
    because     text,
    ground      text COLLATE "C" NOT NULL,
    fields      text[] COLLATE "C",
    replacement text COLLATE "C",
    level       text COLLATE "C",
    at          bigint NOT NULL,
    remove_by   bigint,
    notify_by   bigint,
    ended_at    bigint,
    refusal     text COLLATE "C",
    CHECK (num_nonnulls(event_id, delivery_id, subject) = 1),
    CHECK ((state = 'REFUSED') = (refusal IS NOT NULL))
)
"""

RECALLED = """
CREATE TABLE followup.recalled (
    recall_id   text COLLATE "C" NOT NULL REFERENCES followup.recall,
    delivery_id text COLLATE "C" NOT NULL,
    event_id    text COLLATE "C" NOT NULL,
    event_type  text COLLATE "C" NOT NULL,
    agency      text COLLATE "C" NOT NULL,
    source      text COLLATE "C" NOT NULL,
    before      text COLLATE "C" NOT NULL,
    fields      text[] COLLATE "C",
    notice      text COLLATE "C",
    at          bigint NOT NULL,
    remove_by   bigint,
    removed_at  bigint,
    PRIMARY KEY (recall_id, delivery_id)
)
"""

# What the gateway asks for whenever it lists, claims or opens. A target is an event, a delivery or a child's pseudonym.
BLOCK = """
CREATE TABLE followup.block (
    target    text COLLATE "C" NOT NULL,
    recall_id text COLLATE "C" NOT NULL REFERENCES followup.recall,
    effect    text COLLATE "C" NOT NULL CHECK (effect IN ('FROZEN', 'RECALLED', 'WITHOUT_PLACES')),
    PRIMARY KEY (target, recall_id)
)
"""

# What arrived in the exchange's inbox before the audit record that says who published it: they are different topics.
HEARD = """
CREATE TABLE followup.recall_heard (
    delivery_id text COLLATE "C" PRIMARY KEY,
    area        text COLLATE "C" NOT NULL,
    request     jsonb NOT NULL
)
"""

INDEXES = (
    "CREATE INDEX recall_event ON followup.recall (event_id) WHERE event_id IS NOT NULL",
    "CREATE INDEX recall_delivery ON followup.recall (delivery_id) WHERE delivery_id IS NOT NULL",
    "CREATE INDEX recall_subject ON followup.recall (subject) WHERE subject IS NOT NULL",
    "CREATE INDEX recall_by_event ON followup.recall (by_event) WHERE by_event IS NOT NULL",
    "CREATE INDEX recall_at ON followup.recall (at)",
    "CREATE INDEX recalled_delivery ON followup.recalled (delivery_id)",
    "CREATE INDEX recalled_notice ON followup.recalled (notice) WHERE notice IS NOT NULL",
    "CREATE INDEX recalled_due ON followup.recalled (remove_by) WHERE removed_at IS NULL AND remove_by IS NOT NULL",
    "CREATE INDEX gateway_delivery_subject ON gateway_delivery (subject) WHERE subject IS NOT NULL",
)

COMMENTS = {
    "TABLE followup.recall": "What was taken back, corrected, protected, severed or frozen, and why (P-13, P-14, I-06)",
    "COLUMN followup.recall.event_id": "The original: the end of a chain of corrections",
    "COLUMN followup.recall.by_event": "The control event that asked for it; null when a person did",
    "COLUMN followup.recall.notify_by": "End of the 72 hours of Article 33 UK GDPR, of a frozen delivery",
    "TABLE followup.recalled": "Every delivery that a recall took back, and whether its recipient confirmed removal",
    "COLUMN followup.recalled.before": "State of the delivery when it was taken back",
    "COLUMN followup.recalled.fields": "Leaf paths that must be removed; null: all of it",
    "COLUMN followup.recalled.notice": "Event that told the recipient",
    "TABLE followup.recall_heard": "Requests to take something back that wait for their audit record",
    "TABLE followup.block": "What the gateway must not show: asked for at every opening",
    "COLUMN gateway_delivery.subject": "Keyed pseudonym of the child, or the event id",
}


def upgrade() -> None:
    op.execute('ALTER TABLE gateway_delivery ADD COLUMN subject text COLLATE "C"')
    for statement in (RECALL, RECALLED, BLOCK, HEARD, *INDEXES):
        op.execute(statement)
    for what, text in COMMENTS.items():
        op.execute(f"COMMENT ON {what} IS '{text}'")


def downgrade() -> None:
    for name in ("block", "recalled", "recall", "recall_heard"):
        op.execute(f"DROP TABLE followup.{name}")
    op.execute("ALTER TABLE gateway_delivery DROP COLUMN subject")
