"""Every metric of the exchange: its name, its labels and what an operator should make of it.

The one place for metric names. Definitions only: no registry, no client library. Units are base units
(seconds, bytes, records); counters end in `_total`. Every label is bounded by a closed list named beside
it, and none ever holds a person, a place or an identifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

EVENT_TYPE = "event type of the catalogue, `unreadable` when unreadable"
PROCESS = "process name, such as `router-0`"

# 5 ms (an idle router commits in about 10) to an hour (an agency that was cut off and caught up).
LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0)
COMMIT_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_RECORDS = (1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 2000.0, 5000.0)

POLICY_REFUSALS = (
    "unsigned", "one-signer", "unknown-signatory", "tampered", "older", "truncated", "unreadable", "wrong-area",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric. `help` says what it is and what to do about it; `labels` maps each label to its closed list;
    `starts` are label values that a counter has from the beginning, at 0."""

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, str] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()
    starts: tuple[tuple[str, ...], ...] = ()


# Router
ROUTED = Metric(
    name="masa_router_events_total",
    kind="counter",
    help="Records read from outboxes and committed, by what became of them. UNROUTED above zero: nobody was "
    "entitled to an event; look at it with `masa ledger show` and ask the policy lead.",
    labels={"event_type": EVENT_TYPE, "disposition": "Disposition"},
)
OUTCOMES = Metric(
    name="masa_router_outcomes_total",
    kind="counter",
    help="Outcomes of candidate recipients, by the decisive reason. A rise of HELD or DENIED after a rule "
    "change "
    "means that the change did more than intended: `masa rules explain` an example.",
    labels={"outcome": "OutcomeKind", "reason": "ReasonCode, empty when delivered plainly"},
)
DELIVERIES = Metric(
    name="masa_router_deliveries_total",
    kind="counter",
    help="Deliveries written to inboxes and committed.",
    labels={"event_type": EVENT_TYPE},
)
WITHHELD_FIELDS = Metric(
    name="masa_router_withheld_fields_total",
    kind="counter",
    help="Filled or empty fields cut from deliveries, by reason. PROTECTED_ADDRESS counts locating fields "
    "kept from "
    "a recipient of a protected child's event.",
    labels={"reason": "WithheldReason"},
    starts=(("PROTECTED_ADDRESS",),),
)
REJECTED = Metric(
    name="masa_router_rejected_total",
    kind="counter",
    help="Records refused and kept in `masa.rejected`. SPOOFED_SOURCE is a security incident: find the "
    "principal "
    "that wrote it. Others: `masa rejected list`, tell the agency, replay after the fix.",
    labels={"reason": "RejectReason"},
    starts=(("SPOOFED_SOURCE",), ("UNKNOWN",)),
)
HELD = Metric(
    name="masa_router_held_total",
    kind="counter",
    help="Events put into `masa.held` because a person must look: `masa held list`.",
    labels={"reason": "ReasonCode"},
    starts=(("POLICY_ABSENT",), ("POLICY_STALE",)),
)
TRANSACTIONS = Metric(
    name="masa_router_transactions_total",
    kind="counter",
    help="Kafka transactions by result. Aborts in a row: look at the brokers. `fenced`: two processes have one slot.",
    labels={"result": "committed, aborted, fenced or unknown"},
    starts=(("committed",), ("aborted",), ("fenced",), ("unknown",)),
)
TRANSACTION_SECONDS = Metric(
    name="masa_router_transaction_seconds",
    kind="histogram",
    help="Time from the begin to the commit of a transaction. Near the transaction timeout: brokers are too slow.",
    buckets=COMMIT_SECONDS,
)
BATCH_SIZE = Metric(
    name="masa_router_batch_records",
    kind="histogram",
    help="Records in a transaction. Always at its maximum: the router is behind.",
    buckets=BATCH_RECORDS,
)
LATENCY = Metric(
    name="masa_router_latency_seconds",
    kind="histogram",
    help="From an event's arrival in the outbox (Kafka timestamp) to the commit of its deliveries.",
    buckets=LATENCY_SECONDS,
)
OLDEST_UNROUTED = Metric(
    name="masa_router_oldest_unrouted_age_seconds",
    kind="gauge",
    help="Age of the oldest record read but not committed, 0 when there is none. Growing: the router is "
    "stuck; "
    "read its log, then restart it.",
)
PARTITIONS = Metric(
    name="masa_router_assigned_partitions",
    kind="gauge",
    help="Outbox partitions assigned to this slot. 0 with another slot running is a standby; 0 on all is an outage.",
)
# Policy
POLICY_VERSION = Metric(
    name="masa_policy_version",
    kind="gauge",
    help="Sequence of the signed statement whose rule set is in force, 0 for none. Different on two slots for over a "
    "minute: one does not read `masa.policy`. 0: everything is held.",
)
POLICY_ACTIVATED = Metric(
    name="masa_policy_activated_timestamp_seconds",
    kind="gauge",
    help="When the rule set in force was taken up by this process, Unix time.",
)
POLICY_REFUSED = Metric(
    name="masa_policy_refused_total",
    kind="counter",
    help="Rule sets and stops that were refused; the last good ones stay in force. Any rise is an alarm: `masa rules "
    "history` shows what is signed; find out who else wrote to `masa.policy`.",
    labels={"reason": "unsigned, one-signer, unknown-signatory, tampered, older, truncated, unreadable, wrong-area"},
    starts=tuple((reason,) for reason in POLICY_REFUSALS),
)
POLICY_SCHEDULED = Metric(
    name="masa_policy_scheduled_version",
    kind="gauge",
    help="Highest version that this slot holds until its time comes, 0 for none.",
)
POLICY_OFFSET = Metric(
    name="masa_policy_read_offset",
    kind="gauge",
    help="Offset of the newest record of `masa.policy` that this slot has dealt with. Behind the others for seconds: "
    "it does not hear of stops.",
)
POLICY_STOPS = Metric(
    name="masa_policy_stops",
    kind="gauge",
    help="Stops in force. Above 0: sharing is halted somewhere and events wait in `masa.held`: `masa rules stops`.",
)
# Relationship register
REGISTER_RELATIONSHIPS = Metric(
    name="masa_register_relationships",
    kind="gauge",
    help="Relationships this slot holds, about 200 bytes each. Slots that differ for minutes: one does not follow "
    "`masa.relationships`; restart it.",
)
REGISTER_REFUSED = Metric(
    name="masa_register_refused_records",
    kind="gauge",
    help="Records of `masa.relationships` that this slot could not read or had no room for. Above 0: somebody other "
    "than a router writes there, or the register is full; recipients are then found from events alone.",
)
REGISTER_USES = Metric(
    name="masa_register_uses_total",
    kind="counter",
    help="Relationships that filled in an event's recipient, and those that events declared or ended. Many used and "
    "few declared: agencies leave their settings empty.",
    labels={"use": "used, declared or ended"},
)
# Ledger
LEDGER_EVENTS = Metric(
    name="masa_ledger_events_total", kind="counter", help="Audit records stored in PostgreSQL and committed."
)
LEDGER_OUTCOMES = Metric(
    name="masa_ledger_outcomes_total", kind="counter", help="Outcomes stored in PostgreSQL and committed."
)
LEDGER_COMMIT_SECONDS = Metric(
    name="masa_ledger_commit_seconds",
    kind="histogram",
    help="Time of a PostgreSQL transaction of the ledger. Seconds: look at the database's disk and locks.",
    buckets=COMMIT_SECONDS,
)
LEDGER_NEWEST = Metric(
    name="masa_ledger_newest_decision_timestamp_seconds",
    kind="gauge",
    help="Decision time of the newest audit record stored, Unix time.",
)
LEDGER_BEHIND = Metric(
    name="masa_ledger_behind_records",
    kind="gauge",
    help="Audit records not yet stored. Growing: PostgreSQL is slow or the ledger is down.",
)
LEDGER_CHECKPOINT = Metric(
    name="masa_ledger_checkpoint_timestamp_seconds",
    kind="gauge",
    help="When the ledger's chain was last signed, Unix time. Old while events are stored: Kafka does not answer.",
)
LEDGER_UNPROVEN = Metric(
    name="masa_ledger_unproven",
    kind="gauge",
    help="1 when the ledger's chain does not go on from what was signed before, so that it is signed no more: somebody "
    "changed the database. Run `masa ledger verify`.",
)
LEDGER_FAILURES = Metric(
    name="masa_ledger_failures_total",
    kind="counter",
    help="Ledger batches that failed and will be repeated; nothing is lost. Many: PostgreSQL is unreachable.",
    labels={"reason": "class of the error"},
)
# HTTP door
HTTP_REQUESTS = Metric(
    name="masa_http_requests_total",
    kind="counter",
    help="Requests answered, by route and status. 5xx other than 503: a fault, read the gateway's log. 503: "
    "PostgreSQL, Kafka or the issuer is away, or the gateway is overrun. 499: callers hang up first.",
    labels={"route": "template of the route, `unmatched` for none", "method": "HTTP method", "status": "HTTP status"},
)
HTTP_SECONDS = Metric(
    name="masa_http_request_seconds",
    kind="histogram",
    help="Time from a request's headers to the end of its answer. Rising with masa_http_in_work at its maximum: add a "
    "gateway process.",
    buckets=COMMIT_SECONDS,
)
HTTP_IN_WORK = Metric(
    name="masa_http_in_work",
    kind="gauge",
    help="Requests in work now. At MASA_MAX_REQUESTS further ones are answered 503.",
)
HTTP_REFUSED = Metric(
    name="masa_http_refused_total",
    kind="counter",
    help="Requests refused for their safety. A rise of `forged`, `spoofed-header` or `wrong-certificate` is an attack "
    "or a broken client: find the request ids in the log. `expired`: a client does not renew its tokens.",
    labels={"reason": "closed words of connectors/http: absent, expired, forged, no-scope, oversize, slow-body …"},
)
WEBHOOKS = Metric(
    name="masa_webhook_attempts_total",
    kind="counter",
    help="Notifications pushed to agencies, by result. Many `failed`: an agency's address is down; its deliveries "
    "still wait in the inbox. `given-up`: it was told nothing for a day, ring it.",
    labels={"result": "told, failed, refused-address or given-up"},
)
# Processes
PROCESS_INFO = Metric(
    name="masa_process_info",
    kind="gauge",
    help="1 for a running process, with its name and version.",
    labels={"process": PROCESS, "version": "version of the package"},
)
READY = Metric(
    name="masa_process_ready",
    kind="gauge",
    help="1 when the process does its work, 0 while it starts, waits or stops.",
)
CLIENT_ERRORS = Metric(
    name="masa_kafka_client_errors_total",
    kind="counter",
    help="Errors that Kafka clients met and deal with themselves. A steady stream of `_TRANSPORT` or "
    "`_ALL_BROKERS_DOWN`: the brokers are unreachable from here.",
    labels={"error": "librdkafka's error name"},
)
CHILD_UP = Metric(
    name="masa_child_up",
    kind="gauge",
    help="1 while a supervised child process runs.",
    labels={"child": PROCESS},
)
CHILD_RESTARTS = Metric(
    name="masa_child_restarts_total",
    kind="counter",
    help="Restarts of a child that ended by itself. Read `<child>.log` in the data directory.",
    labels={"child": PROCESS},
)


def all_metrics() -> Iterator[Metric]:
    """Every definition of this module and of its sisters, in the order written."""
    names = ("gateway", "files", "followup", "streams", "exporter", "clients")
    others = [import_module(f"connectors.metrics_{name}") for name in names]  # they import this one
    defined = (*globals().values(), *(each for module in others for each in vars(module).values()))
    return (value for value in defined if isinstance(value, Metric))
