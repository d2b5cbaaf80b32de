"""Every SQL text of the ledger."""

from __future__ import annotations

# --- writing --------------------------------------------------------------------------------------------------
# Held by the writing session for as long as it lives, so a second instance cannot write at the same time.
TRY_LOCK = "SELECT pg_try_advisory_lock(%s)"
UNLOCK = "SELECT pg_advisory_unlock(%s)"

PROGRESS = "SELECT partition, next_offset FROM ledger.progress WHERE topic = %s"

START_PROGRESS = """
INSERT INTO ledger.progress (topic, partition, next_offset) VALUES (%s, %s, %s)
ON CONFLICT (topic, partition) DO NOTHING
"""

# Compare and set: even a writer that wrongly believes that it is the only one cannot move it twice.
ADVANCE = """
UPDATE ledger.progress SET next_offset = %(next)s
WHERE topic = %(topic)s AND partition = %(partition)s AND next_offset = %(expected)s
"""

COPY_EVENTS = """
COPY ledger.event (audit_partition, audit_offset, decided_at, received_at, kind, source_topic, source_partition,
    source_offset, event_id, event_type, source, rule_set, subject, record) FROM STDIN (FORMAT binary)
"""
# Instants go over as 8-byte integers: that is timestamptz's binary form.
EVENT_TYPES = (
    "int4", "int8", "int8", "int8", "text", "text", "int4", "int8", "text", "text", "text", "text", "text", "bytea",
)  # fmt: skip

COPY_OUTCOMES = """
COPY ledger.outcome (audit_partition, audit_offset, decided_at, agency, outcome, reason, delivery_id, ack_by)
FROM STDIN (FORMAT binary)
"""
OUTCOME_TYPES = ("int4", "int8", "int8", "text", "text", "text", "text", "int8")

# --- chain ----------------------------------------------------------------------------------------------------
CHAIN_HEADS = """
SELECT DISTINCT ON (audit_partition) audit_partition, first_chained, last_offset, rows, link
FROM ledger.chain ORDER BY audit_partition, last_offset DESC
"""
INSERT_SEGMENT = """
INSERT INTO ledger.chain (audit_partition, last_offset, first_chained, rows, link, entries)
VALUES (%s, %s, %s, %s, %b, %b)
"""
SEGMENTS = """
SELECT first_chained, last_offset, rows, link, entries FROM ledger.chain
WHERE audit_partition = %s ORDER BY last_offset
"""
CHAINED_PARTITIONS = """
SELECT audit_partition FROM ledger.chain UNION SELECT audit_partition FROM ledger.event ORDER BY 1
"""
SEGMENTS_AFTER = """
SELECT entries FROM ledger.chain WHERE audit_partition = %s AND last_offset > %s ORDER BY last_offset
"""

# --- months ---------------------------------------------------------------------------------------------------
MONTHS = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'ledger.event'::regclass
"""

# A table made on its own and then attached lets readers of the other months go on; CREATE ... PARTITION OF would wait
# for every one of them, and keep new ones waiting meanwhile.
MAKE_MONTH = (
    "CREATE TABLE ledger.{name} (LIKE ledger.{parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)",
    "ALTER TABLE ledger.{parent} ATTACH PARTITION ledger.{name} FOR VALUES FROM ({first}) TO ({next})",
)
# Audit records of 1 to 4 KiB stay in their row: storing them apart costs more than the space it saves.
KEEP_IN_ROW = "ALTER TABLE ledger.{name} SET (toast_tuple_target = 8160)"

# --- operations -----------------------------------------------------------------------------------------------
# The same operation sent twice is one row: its id is the key.
INSERT_OPERATION = """
INSERT INTO ledger.operations
    (operation_id, at, actor, role, kind, target, reason, result, details, partition, "offset")
VALUES (%s, to_timestamp(%s / 1000.0), %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (operation_id) DO NOTHING
"""

OPERATIONS = """
SELECT operation_id, at, actor, role, kind, target, reason, result, details FROM ledger.operations
WHERE (%(kind)s::text IS NULL OR kind = %(kind)s OR starts_with(kind, %(kind)s || '.'))
  AND (%(actor)s::text IS NULL OR actor = %(actor)s)
  AND (%(target)s::text IS NULL OR target = %(target)s)
ORDER BY at DESC, partition, "offset" DESC
LIMIT %(limit)s
"""

# --- questions ------------------------------------------------------------------------------------------------
BY_EVENT = """
SELECT audit_partition, audit_offset, kind, record FROM ledger.event
WHERE event_id = %s ORDER BY decided_at, audit_partition, audit_offset
"""

DELIVERIES = """
SELECT o.audit_partition, o.audit_offset, o.agency, e.record
FROM ledger.outcome o
JOIN ledger.event e USING (audit_partition, audit_offset, decided_at)
WHERE (%(agency)s::text IS NULL OR o.agency = %(agency)s)
  AND (%(outcome)s::text IS NULL OR o.outcome = %(outcome)s)
  AND (%(since)s::timestamptz IS NULL OR o.decided_at >= %(since)s)
ORDER BY o.decided_at DESC, o.audit_partition, o.audit_offset DESC, o.agency
LIMIT %(limit)s
"""

POSITION = """
SELECT topic, partition, next_offset FROM ledger.progress ORDER BY topic, partition
"""

NEWEST = "SELECT max(decided_at) FROM ledger.event"

COUNTS = "SELECT kind, count(*) FROM ledger.event GROUP BY kind ORDER BY kind"
OUTCOME_COUNTS = "SELECT outcome, count(*) FROM ledger.outcome GROUP BY outcome ORDER BY outcome"

# --- the checker ----------------------------------------------------------------------------------------------
EXPORT_SNAPSHOT = "SELECT pg_export_snapshot()"
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

# Instants as microseconds since 1970.
ALL_EVENTS = """
SELECT audit_partition, audit_offset, (extract(epoch FROM decided_at) * 1000000)::bigint,
    (extract(epoch FROM received_at) * 1000000)::bigint, kind, source_topic, source_partition, source_offset,
    event_id, event_type, source, rule_set, subject, record
FROM ledger.event
"""
PARTITION_EVENTS = (
    ALL_EVENTS
    + """
WHERE audit_partition = %(partition)s ORDER BY audit_partition, audit_offset, decided_at
"""
)
ALL_OUTCOMES = """
SELECT audit_partition, audit_offset, (extract(epoch FROM decided_at) * 1000000)::bigint, agency, outcome, reason,
    delivery_id, (extract(epoch FROM ack_by) * 1000000)::bigint
FROM ledger.outcome
"""
PARTITION_OUTCOMES = (
    ALL_OUTCOMES
    + """
WHERE audit_partition = %(partition)s ORDER BY audit_partition, audit_offset, decided_at, agency
"""
)
