"""`masa outbox`: an agency's own transactional outbox, its table and its relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from streams.cli.runtime import DEFAULT_DATA_DIR, BadUsage, DataDir, MetricsPort, settings, write

if TYPE_CHECKING:
    import threading

    from connectors.keeping import Loop
    from connectors.telemetry import Telemetry

app = typer.Typer(no_args_is_help=True, help="Publish from a table of your own database, in your own transactions.")


@app.command("table")
def table() -> None:
    """Print the SQL that makes the table `masa_outbox`: for your own migrations. Safe to run again.

    [bold]Example[/bold]

    \b
      masa outbox table | psql "$MASA_OUTBOX_DATABASE_URL"
    """
    from connectors.postgres.agency_outbox import table_sql

    write(table_sql())


@app.command("relay")
def relay(
    agency: Annotated[str, typer.Option("--agency", metavar="ID", help="Who publishes.")],
    database: Annotated[
        str, typer.Option("--database", envvar="MASA_OUTBOX_DATABASE_URL", help="Your PostgreSQL.", show_envvar=True)
    ] = "",
    door: Annotated[Literal["kafka", "http"], typer.Option("--door", help="How your agency publishes.")] = "http",
    identity: Annotated[
        str,
        typer.Option(
            "--identity",
            metavar="AREA/CATEGORY/SCHEME/CODE",
            help="Kafka: your agency as its area's rules have it. Default: read from the rules in force.",
        ),
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    metrics_port: MetricsPort = None,
) -> None:
    """Publish what is in the table `masa_outbox`, in order, until SIGTERM.

    A row leaves the table once its event is durable in the exchange; after a crash it is sent again and
    recognised by its id. One that breaks the contract stays, with what is wrong in its column `problem`. One
    relay a database works at a time; a second one waits. Password and all, the database's URL is best given in
    MASA_OUTBOX_DATABASE_URL.

    [bold]Examples[/bold]

    \b
      masa outbox relay --agency oakfield-primary
      masa outbox relay --agency northshire-police --door kafka --identity northshire/POLICE/GSS/E23000099
    """
    from connectors.client.outbox_relay import relay as keep_relaying
    from streams.cli.doors import http_publisher, kafka_publisher
    from streams.cli.processes import process_of, stopped_by_signal

    if not database:
        raise BadUsage("name your database in MASA_OUTBOX_DATABASE_URL, or with --database")
    found = settings(data_dir)
    publisher = http_publisher(found, agency) if door == "http" else kafka_publisher(found, agency, identity)
    stop = stopped_by_signal()
    with process_of("outbox-relay", metrics_port) as telemetry:
        telemetry.process_ready()
        keep_relaying(database, publisher, telemetry, _loop(telemetry, stop))


def _loop(telemetry: Telemetry, stop: threading.Event) -> Loop:
    from connectors.keeping import Loop

    return Loop(stop.wait, stop.is_set, lambda error: telemetry.gateway_failed(part="relay", error=error))
