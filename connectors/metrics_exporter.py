"""The metrics of `masa exporter`, which looks at an exchange from outside; the rules of `connectors.metrics` hold.

A process that is down says nothing of itself, and a consumer's lag lies where transactions leave markers in the log.
So these are measured by a process of its own, from what Kafka and PostgreSQL hold: ages of real records.
"""

from __future__ import annotations

from connectors.metrics import Metric

# A second to a fortnight: people publish hours after what happened, machines in milliseconds.
STAGE_SECONDS = (
    0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0, 1_209_600.0,
)  # fmt: skip

CHANNEL = "kafka or gateway"
DOOR = "kafka or gateway"
TOPICS = "audit, inbox, outbox, receipts or other"

UNDECIDED_AGE = Metric(
    name="masa_undecided_oldest_age_seconds",
    kind="gauge",
    help="Age of the oldest event in an outbox that no router has decided, by the door it came through; 0 for none. "
    "Markers of transactions do not count. Growing: no router owns the partition, or it is stuck.",
    labels={"door": DOOR},
)
UNDECIDED_PARTITIONS = Metric(
    name="masa_undecided_partitions",
    kind="gauge",
    help="Outbox partitions in which an event waits to be decided. Many for long: the routers are behind or down.",
    labels={"door": DOOR},
)
UNDELIVERED_AGE = Metric(
    name="masa_undelivered_oldest_age_seconds",
    kind="gauge",
    help="Age of the oldest event that its recipients of this channel cannot read yet: not decided, inside an open "
    "transaction, or, at the gateway, not yet stored. 0 for none. The one figure to watch.",
    labels={"channel": CHANNEL},
)
UNCLAIMED_AGE = Metric(
    name="masa_unclaimed_oldest_age_seconds",
    kind="gauge",
    help="Age of the oldest delivery that is ready and that nobody has picked up. Hours on a school day: the agency "
    "does not look. `masa deliveries --late` names it.",
    labels={"channel": CHANNEL},
)
UNCLAIMED = Metric(
    name="masa_unclaimed_deliveries",
    kind="gauge",
    help="Deliveries ready and not picked up.",
    labels={"channel": CHANNEL},
)
OPEN_TRANSACTION_AGE = Metric(
    name="masa_open_transaction_oldest_age_seconds",
    kind="gauge",
    help="Age of the oldest transaction still open, by the topics it writes; 0 for none. Above 15 s: whoever wrote it "
    "is dead or hung, and no reader gets past it (the last stable offset stalls).",
    labels={"topics": TOPICS},
)
WAITING_RECORDS = Metric(
    name="masa_queue_waiting_records",
    kind="gauge",
    help="Records that wait for a person: held and not released, rejected and neither replayed nor closed.",
    labels={"queue": "held or rejected", "reason": "ReasonCode or RejectReason, the first of a record"},
)
WAITING_AGE = Metric(
    name="masa_queue_oldest_age_seconds",
    kind="gauge",
    help="Age of the oldest record that waits for a person; 0 for none. These are children: `masa held list`, "
    "`masa rejected list`. The broker forgets a record after 30 days.",
    labels={"queue": "held or rejected"},
)
LEDGER_UNSTORED_AGE = Metric(
    name="masa_ledger_unstored_oldest_age_seconds",
    kind="gauge",
    help="Age of the oldest audit record that the ledger has not stored; 0 for none. Growing: who was told what is "
    "not provable yet, and escalation may not see it.",
    labels={"topic": "audit"},
)
CERTIFICATE = Metric(
    name="masa_certificate_expiry_timestamp_seconds",
    kind="gauge",
    help="When a certificate that the exchange uses stops being valid, Unix time. Renew it two weeks before.",
    labels={"certificate": "names given in MASA_CERTIFICATES, kafka-client and kafka-ca"},
)
DATABASE_CONNECTIONS = Metric(
    name="masa_postgres_connections",
    kind="gauge",
    help="Connections to the database, by state. Near masa_postgres_connections_limit: new ones are refused.",
    labels={"state": "active, idle, in-transaction or other"},
)
DATABASE_LIMIT = Metric(
    name="masa_postgres_connections_limit",
    kind="gauge",
    help="Most connections that the database accepts.",
    labels={"database": "exchange"},
)
DATABASE_TRANSACTION_AGE = Metric(
    name="masa_postgres_transaction_oldest_age_seconds",
    kind="gauge",
    help="Age of the oldest open transaction of the database; 0 for none. Minutes: a session hangs and keeps locks.",
    labels={"database": "exchange"},
)
DATABASE_BYTES = Metric(
    name="masa_postgres_size_bytes",
    kind="gauge",
    help="Size of the database on disk. Watch its growth against the volume.",
    labels={"database": "exchange"},
)
LOOKED = Metric(
    name="masa_exporter_looked_timestamp_seconds",
    kind="gauge",
    help="When the exporter last succeeded with a part of its round, Unix time. Old: that part's figures are old too.",
    labels={"part": "undecided, transactions, gateway, queues, ledger, database or certificates"},
)
LOOK_FAILURES = Metric(
    name="masa_exporter_failures_total",
    kind="counter",
    help="Parts of rounds that failed. A steady stream: Kafka or PostgreSQL is away, or a permission is missing.",
    labels={"part": "as masa_exporter_looked_timestamp_seconds", "error": "class of the error"},
)
STAGES = Metric(
    name="masa_stage_seconds",
    kind="histogram",
    help="Time of an event's stages, of a sample of decided events: from what happened to its publication, to its "
    "arrival, to the decision (and so to being available). `published` rising: agencies report later than they did.",
    labels={"stage": "published, arrived, available"},
    buckets=STAGE_SECONDS,
)
