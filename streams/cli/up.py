"""`masa up`: the whole exchange on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    VERSION,
    DataDir,
    default_area,
    environment,
    flush,
    monotonic,
    say,
    unix_seconds,
    write,
)

if TYPE_CHECKING:
    import threading

    from rich.live import Live

    from connectors.settings import Connection
    from connectors.telemetry import Telemetry
    from streams.cli.stack import Stack

PLAIN_SUMMARY_SECONDS = 5.0
TICK_SECONDS = 0.2


def up(
    area: Annotated[Path | None, typer.Option("--area", help="Area folder. Default: deploy/areas/northshire.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    demo: Annotated[bool, typer.Option("--demo", help="Add simulated traffic and show a live summary.")] = False,
    slots: Annotated[int, typer.Option("--slots", min=1, max=64, help="Router processes.")] = 1,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="Stop by itself so long after it is ready.")
    ] = None,
    rate: Annotated[float, typer.Option("--rate", min=0.1, help="Simulated events a second, with --demo.")] = 5.0,
) -> None:
    """Run the whole exchange on this machine, with real Kafka and PostgreSQL, until ctrl-C or SIGTERM.

    Prints `ready` when it is. Everything it keeps is in the data directory, so a run that was stopped, or
    killed, goes on where it was. The first run fetches Kafka from Maven Central (54 MB) and needs Java 17
    or newer and Maven; with KAFKA_BOOTSTRAP_SERVERS or DATABASE_URL set, that broker or database is used.

    [bold]Examples[/bold]

    \b
      masa up --demo
      masa up --data-dir /srv/masa --area deploy/areas/eastmarch --slots 2
      masa up --demo --for 60
    """

    from streams.cli.areas import compile_area
    from streams.cli.processes import stopped_by_signal
    from streams.cli.stack import Stack, StackPlan

    folder = area or default_area()
    compiled = compile_area(folder)  # a broken area is refused before anything is started
    stop: threading.Event = stopped_by_signal()
    plan = StackPlan(
        data_dir=data_dir.absolute(),
        area=compiled,
        area_dir=folder.absolute(),
        slots=slots,
        simulate=("--follow", "--rate", f"{rate:g}") if demo else (),
        env=environment(),
    )
    stack = Stack(plan, _own_telemetry(plan.data_dir), monotonic=monotonic, progress=say)
    try:
        connection = stack.start()
        _print_addresses(connection, plan.data_dir)
        if stack.wait_ready(stop.wait):
            write("ready\n")
            flush()
            _keep_running(stack, connection, stop, demo=demo, seconds=seconds)
    finally:
        say("stopping")
        stack.stop()


def _keep_running(
    stack: Stack, connection: Connection, stop: threading.Event, *, demo: bool, seconds: float | None
) -> None:
    """Tick until asked to stop, or until `seconds` have passed."""
    from streams.cli.scrape import Totals, take
    from streams.cli.summary import as_line, as_table, summarise

    ends = None if seconds is None else monotonic() + seconds
    totals, live = Totals(), _live() if demo and sys.stdout.isatty() else None
    shown_at = monotonic()
    try:
        while not stop.wait(TICK_SECONDS) and (ends is None or monotonic() < ends):
            down = stack.tick()
            if not demo or monotonic() - shown_at < (1.0 if live else PLAIN_SUMMARY_SECONDS):
                continue
            shown_at = monotonic()
            take(totals, connection.metrics[:-1])
            summary = summarise(totals, down)
            if live is not None:
                live.update(as_table(summary, connection.area or ""))
            else:
                write(as_line(summary) + "\n")
                flush()
    finally:
        if live is not None:
            live.stop()


def _live() -> Live:
    from rich.live import Live

    live = Live(refresh_per_second=4)
    live.start()
    return live


def _own_telemetry(data_dir: Path) -> Telemetry:
    """Telemetry whose log goes to `up.log`: a person reads this process's standard error."""
    from connectors.json_log import configure
    from connectors.telemetry import Telemetry

    data_dir.mkdir(parents=True, exist_ok=True)
    configure((data_dir / "up.log").open("a", buffering=1), process="up")
    telemetry = Telemetry(process="up", clock=unix_seconds)
    telemetry.process_started(version=VERSION)
    telemetry.process_ready()
    return telemetry


def _print_addresses(connection: Connection, data_dir: Path) -> None:
    database = connection.database.get_secret_value()
    scheme, _, rest = database.partition("://")
    credentials, _, host = rest.rpartition("@")
    shown = f"{scheme}://{credentials.partition(':')[0]}@{host}" if credentials else database
    write(f"kafka     {connection.kafka}\ndatabase  {shown}\n")
    write(f"gateway   {connection.gateway}\nissuer    {connection.issuer}\n")
    write(f"prometheus {connection.prometheus}\n" if connection.prometheus else "")
    for url in connection.metrics:
        write(f"metrics   {url}\n")
    write(f"data      {data_dir}\n")
    flush()
