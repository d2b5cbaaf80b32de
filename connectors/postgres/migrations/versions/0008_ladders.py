"""Escalation: notices gathered into digests, calls that must be made, answers to requests for information."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = (
    # How many notices of their own a role of an agency got in a window of time (D-10).
    """
    CREATE TABLE followup.notice_window (
        agency       text COLLATE "C" NOT NULL,
        role         text COLLATE "C" NOT NULL,
        window_start bigint NOT NULL,
        sent         integer NOT NULL CHECK (sent > 0),
        PRIMARY KEY (agency, role, window_start)
    )
    """,
    """
    CREATE TABLE followup.gathered (
        agency      text COLLATE "C" NOT NULL,
        role        text COLLATE "C" NOT NULL,
        protection  text COLLATE "C" NOT NULL,
        flush_at    bigint NOT NULL,
        area        text COLLATE "C" NOT NULL,
        delivery_id text COLLATE "C" NOT NULL,
        step        smallint NOT NULL,
        due_at      bigint NOT NULL,
        PRIMARY KEY (agency, role, delivery_id, step)
    )
    """,
    """
    CREATE TABLE followup.phone (
        delivery_id text COLLATE "C" PRIMARY KEY,
        due         bigint,
        phoned_at   bigint,
        person      text,
        operation   text COLLATE "C",
        CHECK ((phoned_at IS NULL) = (operation IS NULL))
    )
    """,
    """
    CREATE TABLE followup.answer (
        event_id text COLLATE "C" NOT NULL,
        agency   text COLLATE "C" NOT NULL,
        response text COLLATE "C" NOT NULL,
        at       bigint NOT NULL,
        PRIMARY KEY (event_id, agency)
    )
    """,
    "CREATE INDEX gathered_flush ON followup.gathered (flush_at)",
    "CREATE INDEX phone_due ON followup.phone (due) WHERE due IS NOT NULL",
    "CREATE INDEX phone_missing ON followup.phone (delivery_id) WHERE phoned_at IS NULL",
)

COMMENTS = {
    "TABLE followup.notice_window": "Notices that a role got one by one in a window; more are gathered",
    "TABLE followup.gathered": "Steps taken whose notice goes in a digest",
    "TABLE followup.phone": "Calls that IMMEDIATE deliveries demand (D-05)",
    "COLUMN followup.phone.due": "When somebody is told that no call was recorded; null: not, or not any more",
    "TABLE followup.answer": "Who answered which request for information, with which event (L-10)",
}


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for what, text in COMMENTS.items():
        op.execute(f"COMMENT ON {what} IS '{text}'")


def downgrade() -> None:
    for table in ("answer", "phone", "gathered", "notice_window"):
        op.execute(f"DROP TABLE followup.{table}")
