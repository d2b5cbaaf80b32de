"""The metrics of the follow-up; the rules of `connectors.metrics` hold."""

from __future__ import annotations

from connectors.metrics import Metric

FOLLOWUP_DELIVERIES = Metric(
    name="masa_followup_deliveries_total",
    kind="counter",
    help="Deliveries whose life began. Standing still while routers deliver: the engine is down or far behind.",
)
FOLLOWUP_RECEIPTS = Metric(
    name="masa_followup_receipts_total",
    kind="counter",
    help="Receipts by what they did. `UNKNOWN_DELIVERY`, `OTHER_AGENCY` or `UNREADABLE`: somebody's software is "
    "wrong, or they are trying; `masa ledger show` names the agency. `CONTRADICTORY`: the first answer stands, ring "
    "them.",
    labels={"result": "accepted, or the named refusal"},
)
FOLLOWUP_LATE = Metric(
    name="masa_followup_late_receipts_total",
    kind="counter",
    help="Receipts accepted after their time.",
)
FOLLOWUP_MISDIRECTED = Metric(
    name="masa_followup_misdirected_total",
    kind="counter",
    help="Deliveries answered NOT_OUR_CHILD or CANNOT_IDENTIFY. A run of them: a rule or a register entry is wrong.",
)
FOLLOWUP_EARLY = Metric(
    name="masa_followup_early_receipts_total",
    kind="counter",
    help="Receipts that came before the audit record of their delivery and waited for it. Not an error.",
)
FOLLOWUP_BEHIND = Metric(
    name="masa_followup_behind_records",
    kind="gauge",
    help="Records of audit, receipts and the exchange's inboxes not read yet. Growing: nothing is escalated meanwhile.",
)
FOLLOWUP_SWEPT_AT = Metric(
    name="masa_followup_swept_timestamp_seconds",
    kind="gauge",
    help="Instant up to which every missed deadline has been escalated. Older than a minute or two: a topic cannot be "
    "read to its end (a dead router slot?), or the database is slow.",
)
FOLLOWUP_STEPS = Metric(
    name="masa_followup_steps_total",
    kind="counter",
    help="Steps of escalation taken. A jump: an agency does not answer, or its inbox is not read.",
)
FOLLOWUP_ESCALATIONS = Metric(
    name="masa_followup_escalations_total",
    kind="counter",
    help="Steps of escalation by how far up the ladder and why. LEAD_PARTNER: the ladder is at its end and nobody "
    "has acted; ring them. NOT_PICKED_UP for one agency after the other: an inbox is not read at all.",
    labels={"level": "level of the ladder", "reason": "what was missed"},
)
RECALLED_DELIVERIES = Metric(
    name="masa_recalled_deliveries_total",
    kind="counter",
    help="Deliveries taken back, by what for. PROTECTION: places of a child were recalled. SEVERANCE: quarantined. "
    "Look at `masa recall list` when it jumps: one publisher may be taking back what is right.",
    labels={"kind": "RETRACTION, CORRECTION, PROTECTION, SEVERANCE or FREEZE"},
)
RECALLS_REFUSED = Metric(
    name="masa_recalls_refused_total",
    kind="counter",
    help="Requests to take something back that changed nothing. NOT_THE_PUBLISHER: somebody tried to take back another "
    "agency's event; find out who and why.",
    labels={"refusal": "the named refusal"},
)
REMOVAL_SECONDS = Metric(
    name="masa_removal_seconds",
    kind="histogram",
    help="From the recall of a delivery to its recipient's confirmation that it is removed.",
    buckets=(60, 600, 3_600, 14_400, 86_400, 259_200, 604_800),
)
FOLLOWUP_FAILURES = Metric(
    name="masa_followup_failures_total",
    kind="counter",
    help="Passing failures of the follow-up, which is tried again. Many: Kafka or PostgreSQL is away.",
    labels={"part": "engine, relay or rules", "error": "class of the error"},
)
