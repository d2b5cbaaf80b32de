"""The metrics of the side streams (`masa followup streams`) and of heartbeats, by the rules of `connectors.metrics`."""

from __future__ import annotations

from connectors.metrics import EVENT_TYPE, Metric

TOPIC = "masa.audit or masa.sightings"
RHYTHM = "rhythm of the area's follow-up.yaml"
CATEGORY = "AgencyCategory"
DOOR = "KAFKA or GATEWAY"

STREAMS_RECORDS = Metric(
    name="masa_streams_records_total",
    kind="counter",
    help="Records that the side streams have dealt with. Standing still while routers decide: look at their log.",
    labels={"topic": TOPIC},
)
STREAMS_UNREADABLE = Metric(
    name="masa_streams_unreadable_records_total",
    kind="counter",
    help="Records passed over because they break the contract; the audit keeps them. Above 0: somebody other than a "
    "router writes `masa.audit`, or versions differ.",
    labels={"topic": TOPIC},
)
STREAMS_LAG = Metric(
    name="masa_streams_lag_records",
    kind="gauge",
    help="Offsets between what is committed and the end, of the partition that is furthest behind. 1 is normal (a "
    "transaction's marker). Above 1 for minutes: hints of silence and patterns come late; a worker is down or slow.",
)
STREAMS_COMMIT_AGE = Metric(
    name="masa_streams_commit_age_seconds",
    kind="gauge",
    help="For how long something dealt with has waited to be committed. Above 30: commits do not keep up, and a "
    "restart would do it all again; restart the worker and read its log.",
)
STREAMS_PARTITIONS = Metric(
    name="masa_streams_assigned_partitions",
    kind="gauge",
    help="Audit partitions of this worker. 0 with another worker running is a standby; 0 on all is an outage.",
)
STREAMS_KEYS = Metric(
    name="masa_streams_table_keys",
    kind="gauge",
    help="Keys of a table, held in memory (about 1 kB each).",
    labels={"table": "mix, patterns or silence"},
)
STREAMS_NOTICES = Metric(
    name="masa_streams_notices_total",
    kind="counter",
    help="Notices sent; after a crash one may be sent again and is then dropped by the router.",
    labels={"kind": "PATTERN or SILENT_AGENCY"},
)
STREAMS_SILENT = Metric(
    name="masa_streams_silent_agencies",
    kind="gauge",
    help="Agencies that have not published for longer than their rhythm allows. Above 0: ring them; their system may "
    "have stopped sending. `masa ledger show` on the notice names them.",
    labels={"area": "area of the exchange", "rhythm": RHYTHM},
)
STREAMS_EVENTS = Metric(
    name="masa_streams_events_last_day",
    kind="gauge",
    help="Events of the last 24 hours on this worker's partitions, the restricted lane left out. Survives restarts.",
    labels={"category": CATEGORY, "event_type": EVENT_TYPE},
)
STREAMS_DELIVERIES = Metric(
    name="masa_streams_deliveries_last_day",
    kind="gauge",
    help="Deliveries that came of these events: beside them, how many each is told to.",
    labels={"category": CATEGORY, "event_type": EVENT_TYPE},
)
STREAMS_AGE = Metric(
    name="masa_streams_event_age_seconds",
    kind="gauge",
    help="Mean time from what happened to the decision, of the events of the last 24 hours. Rising: that kind of "
    "agency publishes later than it used to.",
    labels={"category": CATEGORY, "event_type": EVENT_TYPE},
)
HEARTBEAT_SECONDS = Metric(
    name="masa_heartbeat_round_trip_seconds",
    kind="gauge",
    help="From sending the last heartbeat that came back to its arrival, through this door, router and inbox.",
    labels={"door": DOOR},
)
HEARTBEAT_AT = Metric(
    name="masa_heartbeat_returned_timestamp_seconds",
    kind="gauge",
    help="When the last heartbeat of this door came back, Unix time. Older than two intervals: nothing gets through "
    "that door; look at the router, then at the door.",
    labels={"door": DOOR},
)
HEARTBEATS = Metric(
    name="masa_heartbeats_total",
    kind="counter",
    help="Heartbeats by what became of them. `late` or `failed`: a door is slow or shut, whatever its health says.",
    labels={"door": DOOR, "result": "returned, late or failed"},
)
