"""A Faust application as the exchange wants one: repaired, without a web server, without topics of its own making."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust

from connectors.kafka.settings import KafkaSettings
from streams.followup.faust.transport import repair

SESSION_SECONDS = 10.0  # a worker that dies is replaced after so long
HEARTBEAT_SECONDS = 2.0
COMMIT_SECONDS = 1.0
REQUEST_SECONDS = 30.0
_TALKATIVE = ("faust", "mode", "aiokafka", "streams.followup.faust")  # say at length what goes as it should
BUFFERED_RECORDS = 1_000  # of each partition, read ahead of the streams


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """`slot` is a worker's identity: one that is started again under the same slot rejoins at once."""

    kafka: KafkaSettings
    name: str  # consumer group, and the prefix of changelog topics
    slot: int
    partitions: int  # of tables that say nothing else
    data_dir: Path


def new_app(settings: AppSettings) -> faust.App:
    """An application without agents yet. Nothing is connected."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    kafka = settings.kafka
    servers = ";".join(f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(","))
    app = faust.App(
        settings.name,
        broker=servers,
        broker_client_id=f"{settings.name}-{settings.slot}",
        broker_credentials=_credentials(kafka),
        consumer_group_instance_id=f"{settings.name}-{settings.slot}",
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_commit_interval=COMMIT_SECONDS,
        broker_request_timeout=REQUEST_SECONDS,
        producer_acks=-1,
        topic_partitions=settings.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_recovery_delay=0,
        stream_buffer_maxsize=BUFFERED_RECORDS,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        datadir=str(settings.data_dir / f"{settings.name}-{settings.slot}"),
        autodiscover=False,
        debug=False,
    )
    return repair(app)


def run_app(app: faust.App) -> int:
    """Run until SIGTERM; the exit status. Logging and standard output stay as they are; no web port is opened."""
    worker = app.Worker(override_logging=False, redirect_stdouts=False, quiet=True, loglevel="WARN")
    worker.spinner = None  # it writes control characters between the lines of the log
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        worker.execute_from_commandline()
    except SystemExit as ending:
        return int(ending.code or 0)
    return 0


def _credentials(kafka: KafkaSettings) -> Any:
    """Faust's own form of the same settings; None without security."""
    encrypted = kafka.security_protocol.endswith("SSL")
    context = _context(kafka) if encrypted else None
    if kafka.security_protocol.startswith("SASL"):
        password = kafka.sasl_password.get_secret_value() if kafka.sasl_password else ""
        return faust.SASLCredentials(
            username=kafka.sasl_username, password=password, mechanism=kafka.sasl_mechanism, ssl_context=context
        )
    return faust.SSLCredentials(context) if context is not None else None


def _context(kafka: KafkaSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(kafka.ssl_ca_location) if kafka.ssl_ca_location else None)
    if kafka.ssl_certificate_location is not None:
        secret = kafka.ssl_key_password.get_secret_value() if kafka.ssl_key_password else None
        context.load_cert_chain(kafka.ssl_certificate_location, kafka.ssl_key_location, secret)
    return context
