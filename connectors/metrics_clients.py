"""The metrics of Kafka clients and database pools; the rules of `connectors.metrics` hold.

librdkafka's statistics have hundreds of figures a broker and partition. These few say whether a client is well; each
is a sum or a worst case over brokers, so their number does not grow with brokers, topics or agencies.
"""

from __future__ import annotations

from connectors.metrics import Metric

CLIENT = "consumer or producer"

CLIENT_QUEUE = Metric(
    name="masa_kafka_client_queue_records",
    kind="gauge",
    help="Records waiting in the client: to be sent, or fetched and not yet taken. A producer's near 100,000: the "
    "brokers are too slow.",
    labels={"client": CLIENT},
)
CLIENT_QUEUE_BYTES = Metric(
    name="masa_kafka_client_queue_bytes",
    kind="gauge",
    help="Bytes waiting in the client, to be sent or to be taken.",
    labels={"client": CLIENT},
)
CLIENT_BROKERS_UP = Metric(
    name="masa_kafka_client_brokers_up",
    kind="gauge",
    help="Brokers the client has a connection to. 0: it is cut off.",
    labels={"client": CLIENT},
)
CLIENT_BROKERS = Metric(
    name="masa_kafka_client_brokers",
    kind="gauge",
    help="Brokers the client knows; fewer than there are: look at its network.",
    labels={"client": CLIENT},
)
CLIENT_ROUND_TRIP = Metric(
    name="masa_kafka_client_round_trip_p99_seconds",
    kind="gauge",
    help="99th percentile of requests' round trips in the last interval, of the slowest broker. Fetches wait on "
    "purpose: look at the producer's.",
    labels={"client": CLIENT},
)
CLIENT_THROTTLE = Metric(
    name="masa_kafka_client_throttle_seconds",
    kind="gauge",
    help="Longest throttling by a broker in the last interval. Above 0: a quota bites (`masa topics plan`).",
    labels={"client": CLIENT},
)
CLIENT_RETRIES = Metric(
    name="masa_kafka_client_retries",
    kind="gauge",
    help="Requests sent again and timed out since the client was made. Rising: network or brokers are in trouble.",
    labels={"client": CLIENT},
)
CLIENT_SENT_BYTES = Metric(
    name="masa_kafka_client_sent_bytes",
    kind="gauge",
    help="Bytes sent to brokers since the client was made; a new client starts again at 0.",
    labels={"client": CLIENT},
)
CLIENT_RECEIVED_BYTES = Metric(
    name="masa_kafka_client_received_bytes",
    kind="gauge",
    help="Bytes received from brokers since the client was made; a new client starts again at 0.",
    labels={"client": CLIENT},
)
POOL_CONNECTIONS = Metric(
    name="masa_postgres_pool_connections",
    kind="gauge",
    help="Connections of this process's pool. `used` at the size for long: raise MASA_GATEWAY_THREADS's pool or add "
    "a process.",
    labels={"pool": "name of the pool", "state": "used, idle or size"},
)
POOL_WAITS = Metric(
    name="masa_postgres_pool_refusals_total",
    kind="counter",
    help="Calls that found no free connection in time and were told to come back.",
    labels={"pool": "name of the pool"},
)
