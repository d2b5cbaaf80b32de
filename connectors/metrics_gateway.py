"""The metrics of what stands behind the HTTP door; the rules of `connectors.metrics` hold."""

from __future__ import annotations

from connectors.metrics import Metric

GATEWAY_PUBLISHED = Metric(
    name="masa_gateway_published_total",
    kind="counter",
    help="Events sent to the gateway, by answer. Many INVALID from one agency: help its supplier (`masa conformance`). "
    "KEY_REUSED: a client makes the same idempotency key for different events.",
    labels={"result": "ACCEPTED, REPEATED, NOT_PERMITTED, INVALID, KEY_REUSED or TOO_LARGE"},
)
GATEWAY_FILLED = Metric(
    name="masa_gateway_filled_deliveries_total",
    kind="counter",
    help="Deliveries of `gateway.inbox` stored in PostgreSQL.",
)
GATEWAY_UNREADABLE = Metric(
    name="masa_gateway_unreadable_deliveries_total",
    kind="counter",
    help="Records of `gateway.inbox` without a recipient or an id. Above 0: somebody other than a router writes there.",
)
GATEWAY_BEHIND = Metric(
    name="masa_gateway_inbox_behind_records",
    kind="gauge",
    help="Deliveries not yet stored. Growing: the filler is down or PostgreSQL is slow, and agencies see nothing new.",
)
GATEWAY_CLAIMED = Metric(
    name="masa_gateway_claimed_deliveries_total",
    kind="counter",
    help="Deliveries handed to polling software. Far more than acknowledged ones: leases run out unanswered.",
)
GATEWAY_ACKNOWLEDGED = Metric(
    name="masa_gateway_acknowledged_total",
    kind="counter",
    help="Deliveries acknowledged through the gateway. Many NOT_OUR_CHILD: rules or settings name the wrong agency.",
    labels={"outcome": "AckOutcome"},
)
GATEWAY_ACCESS_REFUSED = Metric(
    name="masa_gateway_access_refused_total",
    kind="counter",
    help="Requests for what is not the caller's, or not there; each is an operation `access.refused`. A run of them is "
    "somebody trying: `masa ledger operations --kind access.refused`.",
    labels={"what": "open, acknowledge, outcome or publish-as-another"},
)
GATEWAY_PURGED = Metric(
    name="masa_gateway_purged_deliveries_total",
    kind="counter",
    help="Deliveries whose content was removed after 14 days. Any state but ACKNOWLEDGED: nobody dealt with it.",
    labels={"state": "state of the delivery"},
)
GATEWAY_FAILURES = Metric(
    name="masa_gateway_failures_total",
    kind="counter",
    help="Passing failures of the work beside the HTTP door, which is tried again. Many: Kafka or PostgreSQL is away.",
    labels={"part": "filler, relay or housekeeping", "error": "class of the error"},
)
OUTBOX_RELAYED = Metric(
    name="masa_outbox_relayed_records_total",
    kind="counter",
    help="Records relayed from the transactional outbox to Kafka.",
)
OUTBOX_REFUSED = Metric(
    name="masa_outbox_refused_records_total",
    kind="counter",
    help="Rows of an agency's own outbox that break the contract and wait for a person: see `problem` in masa_outbox.",
)
