"""Notifications to push: which deliveries an agency was told of, and which it is still to be told of."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WEBHOOK = """
CREATE TABLE gateway_webhook (
    delivery_id text COLLATE "C" PRIMARY KEY,
    agency      text COLLATE "C" NOT NULL,
    state       text COLLATE "C" NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'TOLD', 'MOOT', 'GIVEN_UP')),
    attempts    integer NOT NULL DEFAULT 0,
    made_at     bigint  NOT NULL,
    next_at     bigint  NOT NULL
)
"""
DUE = "CREATE INDEX gateway_webhook_due ON gateway_webhook (agency, next_at) WHERE state = 'PENDING'"
COMMENT = (
    "COMMENT ON TABLE gateway_webhook IS 'Notifications pushed to agencies that asked for it; MOOT: the delivery was "
    "picked up before the notification was sent'"
)


def upgrade() -> None:
    for statement in (WEBHOOK, DUE, COMMENT):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE gateway_webhook")
