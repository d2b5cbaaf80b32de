"""The few figures of librdkafka's statistics that say whether a client is well. Pure.

The names are those of librdkafka's STATISTICS.md; sums and worst cases over brokers, so bounded whatever the cluster.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_SECOND_US = 1_000_000
_SECOND_MS = 1_000


@dataclass(frozen=True, kw_only=True)
class ClientFigures:
    queue_records: int
    queue_bytes: int
    brokers: int
    brokers_up: int
    round_trip_p99_seconds: float
    throttle_seconds: float
    retries: int
    sent_bytes: int
    received_bytes: int


def client_figures(text: str) -> ClientFigures:
    """From the JSON that `stats_cb` is given. Raises ValueError when it is not that."""
    found: dict[str, Any] = json.loads(text)
    # Brokers learnt from the cluster; the bootstrap entries (nodeid -1) and logical ones are not counted twice.
    brokers = [each for each in found.get("brokers", {}).values() if each.get("nodeid", -1) >= 0]
    return ClientFigures(
        queue_records=int(found.get("msg_cnt", 0)) + int(found.get("replyq", 0)),
        queue_bytes=int(found.get("msg_size", 0)),
        brokers=len(brokers),
        brokers_up=sum(each.get("state") == "UP" for each in brokers),
        round_trip_p99_seconds=max((_window(each, "rtt", "p99") for each in brokers), default=0) / _SECOND_US,
        throttle_seconds=max((_window(each, "throttle", "max") for each in brokers), default=0) / _SECOND_MS,
        retries=sum(int(each.get("txretries", 0)) + int(each.get("req_timeouts", 0)) for each in brokers),
        sent_bytes=int(found.get("tx_bytes", 0)),
        received_bytes=int(found.get("rx_bytes", 0)),
    )


def _window(broker: dict[str, Any], name: str, figure: str) -> float:
    return float(broker.get(name, {}).get(figure, 0))
