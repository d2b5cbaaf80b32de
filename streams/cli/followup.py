"""`masa followup`: what happens after a delivery, as a process of its own."""

from __future__ import annotations

import typer

from connectors.settings import Settings
from streams.cli.followup_streams import streams
from streams.cli.runtime import DEFAULT_DATA_DIR, DataDir, MetricsPort, settings, unix_seconds

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
        _run(settings(data_dir), metrics_port)


app.command("streams")(streams)


def _run(found: Settings, metrics_port: int | None) -> None:
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
        work = followup_work(kafka, database, key, telemetry, stop, signatories=signatories, clock=unix_seconds)
        with all_beside(work, stop):
            stop.wait()
