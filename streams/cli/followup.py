"""`masa followup`: what happens after a delivery, as a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from streams.cli.followup_streams import streams
from streams.cli.runtime import DEFAULT_DATA_DIR, DataDir, MetricsPort, environment, settings, unix_seconds

if TYPE_CHECKING:
    from connectors.client.http_session import HttpSession
    from connectors.settings import Settings

app = typer.Typer(invoke_without_command=True)


@app.callback()
def followup(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR, metrics_port: MetricsPort = None) -> None:
    """Follow up on deliveries until SIGTERM: receipts, deadlines, escalation, recall, outcomes to publishers.

    Delivered is not received, and received is not acted on: this process keeps the life of every delivery in
    PostgreSQL, tells publishers what came of theirs, and takes the steps of the area's ladder when a deadline is
    missed. It also relays the transactional outbox. One works at a time; a second one waits and takes over.
    `masa up` runs its own.

    [bold]Examples[/bold]

    \b
      export KAFKA_BOOTSTRAP_SERVERS=kafka:9092 DATABASE_URL=postgresql://…
      export MASA_PSEUDONYM_KEY_FILE=/run/secrets/key MASA_SIGNATORIES_FILE=/etc/masa/signatories.yaml
      masa followup --metrics-port 9470
    """
    if context.invoked_subcommand is None:
        _run(settings(data_dir), data_dir, metrics_port)


app.command("streams")(streams)


def _run(found: Settings, data_dir: Path, metrics_port: int | None) -> None:
    from connectors.postgres.migrate import migrate
    from streams.cli.gateway import all_beside
    from streams.cli.people import required_signatories
    from streams.cli.processes import process_of, stopped_by_signal
    from streams.followup.process import followup_work

    kafka, database = found.kafka(), found.database()
    key, signatories = found.pseudonym_key(), required_signatories(found)
    stop = stopped_by_signal()
    with process_of("followup", metrics_port) as telemetry:
        migrate(database)
        work = followup_work(
            kafka, database, key, telemetry, stop, signatories=signatories, clock=unix_seconds,
            gateway=probe_session(found, data_dir),
        )  # fmt: skip
        with all_beside(work, stop):
            stop.wait()


def probe_session(found: Settings, data_dir: Path) -> Callable[[str], HttpSession] | None:
    """Opens the HTTP door for an area's probe: with MASA_PROBE_CLIENT_SECRET, else as `masa up`'s own issuer allows.

    None when neither is there: then only the Kafka door is tried.
    """
    from pydantic import SecretStr

    from connectors.client.http_session import ClientCredentials, HttpSession
    from connectors.client.patience import Patience
    from connectors.http.discovery import Discovery
    from connectors.http.issuer import client_secret, read_secret

    here, given = found.connection, environment()
    gateway = given.get("MASA_GATEWAY_URL") or (here.gateway if here else None)
    issuer = given.get("MASA_OIDC_ISSUER") or (here.issuer if here else None)
    own = given.get("MASA_PROBE_CLIENT_SECRET")
    if gateway is None or issuer is None or (own is None and given.get("MASA_OIDC_ISSUER")):
        return None

    def session(agency: str) -> HttpSession:
        secret = SecretStr(own or client_secret(read_secret(data_dir), agency))
        tokens = ClientCredentials(Discovery(issuer).endpoints().token, agency, secret)
        return HttpSession(gateway, tokens, patience=Patience(seconds=5.0))

    return session
