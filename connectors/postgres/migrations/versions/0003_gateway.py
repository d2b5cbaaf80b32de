"""The gateway: inboxes of agencies without a Kafka client, what they published, sessions; and the outbox."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Instants are milliseconds since the epoch, as everywhere in the exchange, and written by the gateway's own clock.
DELIVERY = """
CREATE TABLE gateway_delivery (
    delivery_id     text COLLATE "C" PRIMARY KEY,
    agency          text COLLATE "C" NOT NULL,
    event_id        text COLLATE "C" NOT NULL,
    event_type      text COLLATE "C" NOT NULL,
    urgency         smallint NOT NULL,
    source_area     text COLLATE "C",
    roles           text[] COLLATE "C" NOT NULL,
    available_at    bigint NOT NULL,
    ack_by          bigint,
    headers         jsonb NOT NULL,
    value           bytea,
    state           text COLLATE "C" NOT NULL CHECK (state IN
        ('AVAILABLE', 'LEASED', 'PICKED_UP', 'ACKNOWLEDGED', 'FROZEN', 'RECALLED')),
    lease           text COLLATE "C",
    lease_until     bigint,
    lease_holder    text COLLATE "C",
    picked_up_at    bigint,
    picked_up_by    text COLLATE "C",
    acknowledged_at bigint,
    acknowledged_by text COLLATE "C",
    acknowledged_lease text COLLATE "C",
    outcome         text COLLATE "C",
    note            text COLLATE "C",
    purged_at       bigint,
    CHECK ((state = 'ACKNOWLEDGED') <= (outcome IS NOT NULL AND acknowledged_at IS NOT NULL)),
    CHECK ((value IS NULL) = (purged_at IS NOT NULL))
)
"""

# What waits, in the order in which it is worked off. Small however long the table gets.
WAITING = """
CREATE INDEX gateway_delivery_waiting ON gateway_delivery (agency, urgency, available_at, delivery_id)
WHERE state IN ('AVAILABLE', 'LEASED', 'PICKED_UP')
"""
UNPURGED = "CREATE INDEX gateway_delivery_unpurged ON gateway_delivery (available_at) WHERE value IS NOT NULL"
PURGED = "CREATE INDEX gateway_delivery_purged ON gateway_delivery (available_at) WHERE value IS NULL"

POSITION = """
CREATE TABLE gateway_position (
    topic       text COLLATE "C" NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (topic, partition)
)
"""

PUBLICATION = """
CREATE TABLE gateway_publication (
    agency      text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    digest      bytea  NOT NULL,
    event_id    text COLLATE "C" NOT NULL,
    event_type  text COLLATE "C" NOT NULL,
    accepted_at bigint NOT NULL,
    topic       text COLLATE "C",
    partition   integer,
    "offset"    bigint,
    PRIMARY KEY (agency, key)
)
"""

OUTBOX = """
CREATE TABLE outbox (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic   text COLLATE "C" NOT NULL,
    key     bytea,
    value   bytea,
    headers jsonb NOT NULL DEFAULT '[]'
)
"""

SESSION = """
CREATE TABLE gateway_session (
    key        bytea  PRIMARY KEY,
    data       jsonb  NOT NULL,
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    expires_at bigint NOT NULL
)
"""

DELEGATION = """
CREATE TABLE gateway_delegation (
    delegation_id text COLLATE "C" PRIMARY KEY,
    agency        text COLLATE "C" NOT NULL,
    person        text COLLATE "C" NOT NULL,
    role          text COLLATE "C" NOT NULL,
    to_role       text COLLATE "C",
    to_person     text COLLATE "C",
    since         bigint NOT NULL,
    until         bigint NOT NULL,
    ended_at      bigint,
    CHECK ((to_role IS NULL) <> (to_person IS NULL))
)
"""

INDEXES = (
    WAITING,
    UNPURGED,
    PURGED,
    "CREATE INDEX gateway_delivery_event ON gateway_delivery (event_id)",
    "CREATE INDEX gateway_publication_event ON gateway_publication (event_id)",
    "CREATE INDEX gateway_publication_age ON gateway_publication (accepted_at)",
    "CREATE INDEX gateway_session_expiry ON gateway_session (expires_at)",
    "CREATE INDEX gateway_delegation_agency ON gateway_delegation (agency, until)",
)

COMMENTS = {
    "TABLE gateway_delivery": "Inboxes of agencies without a Kafka client; one row a delivery",
    "COLUMN gateway_delivery.urgency": "1 IMMEDIATE, 2 URGENT, 3 ROUTINE, 4 INFORMATION; 0 when it could not be read",
    "COLUMN gateway_delivery.headers": "Headers of the Kafka record, as texts",
    "COLUMN gateway_delivery.value": "The minimised event, sealed; removed after 14 days (A-04, A-11)",
    "COLUMN gateway_delivery.lease_holder": "Pseudonym of the person or name of the system that polled it",
    "COLUMN gateway_delivery.acknowledged_by": "Keyed pseudonym of the person, or name of the system",
    "TABLE gateway_position": "Next offset of gateway.inbox; written in the transaction that wrote the rows before it",
    "TABLE gateway_publication": "What was accepted under which idempotency key; no content",
    "COLUMN gateway_publication.digest": "HMAC-SHA-256 of the request under the exchange key",
    "TABLE outbox": "Transactional outbox: written with the change it tells of, relayed to Kafka in order of seq",
    "TABLE gateway_session": "Browser sessions; the key is the SHA-256 of the cookie",
    "TABLE gateway_delegation": "Roles handed to a deputy until a time (D-09); persons are keyed pseudonyms",
}


def upgrade() -> None:
    for table in (DELIVERY, POSITION, PUBLICATION, OUTBOX, SESSION, DELEGATION, *INDEXES):
        op.execute(table)
    for what, text in COMMENTS.items():
        op.execute(f"COMMENT ON {what} IS '{text}'")


def downgrade() -> None:
    names = ("delivery", "position", "publication", "session", "delegation")
    for table in ("outbox", *(f"gateway_{name}" for name in names)):
        op.execute(f"DROP TABLE {table}")
