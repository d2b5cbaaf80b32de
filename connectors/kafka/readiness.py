"""Is a broker ready for work? Reached, complete, and its coordinators loaded.

A listening port says little: a new broker answers metadata requests seconds before its transaction coordinator stops
saying `Coordinator load in progress`, and a broker without a log configuration prints nothing to wait for.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.errors import NotReady, StartFailed
from connectors.kafka.settings import ClientConf, KafkaSettings
from connectors.waiting import Deadline, wait_until

CALL_SECONDS = 3.0
PROBE_GROUP = "masa-readiness"
# A client that waits for a broker would fill stderr with its refused connections.
QUIET: ClientConf = {"log_level": 0}


def await_ready(
    settings: KafkaSettings,
    *,
    brokers: int,
    timeout: float,
    still_alive: Callable[[], None] = lambda: None,
) -> None:
    """Return when `brokers` brokers are in the cluster and transactions and groups work on it.

    `still_alive` raises to give up early. Raises `StartFailed` after `timeout` seconds.
    """
    deadline = Deadline(timeout)

    def check(condition: Callable[[], bool]) -> Callable[[], bool]:
        def checked() -> bool:
            still_alive()
            return condition()

        return checked

    steps: list[tuple[str, Callable[[], bool]]] = [
        ("listening", lambda: _listening(settings.bootstrap_servers)),
        (f"a cluster of {brokers}", lambda: len(broker_ids(settings)) >= brokers),
        ("the group coordinator", lambda: _groups_work(settings)),
        ("the transaction coordinator", lambda: _transactions_work(settings)),
    ]
    for what, condition in steps:
        try:
            wait_until(check(condition), timeout=deadline.remaining(), what=what)
        except NotReady:
            raise StartFailed(
                f"kafka at `{settings.bootstrap_servers}` is not ready after {timeout:g} s: still waiting for {what}"
            ) from None


def broker_ids(settings: KafkaSettings, *, timeout: float = CALL_SECONDS) -> frozenset[int]:
    """Ids of the brokers that are in the cluster now; empty when none answers."""
    admin = AdminClient(settings.common_conf() | QUIET)
    try:
        return frozenset(admin.list_topics(timeout=timeout).brokers)
    except KafkaException:
        return frozenset()


def _listening(bootstrap_servers: str) -> bool:
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=CALL_SECONDS).close()
        except OSError:
            return False
    return True


def _groups_work(settings: KafkaSettings) -> bool:
    consumer = Consumer(settings.consumer_conf(PROBE_GROUP) | QUIET)
    try:
        consumer.committed([TopicPartition("masa-readiness", 0)], timeout=CALL_SECONDS)
    except KafkaException:
        return False
    else:
        return True
    finally:
        consumer.close()


def _transactions_work(settings: KafkaSettings) -> bool:
    producer = Producer(settings.producer_conf(transactional_id=PROBE_GROUP) | QUIET)
    try:
        producer.init_transactions(CALL_SECONDS)
    except KafkaException:
        return False
    return True
