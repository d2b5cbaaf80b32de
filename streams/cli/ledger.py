"""`masa ledger`: who was told what, whether anything is missing, and the process that keeps the ledger."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.ledger_verify import keygen, ledger_key, list_checkpoints, verify
from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    AsJson,
    BadUsage,
    DataDir,
    Exit,
    MetricsPort,
    Refused,
    emit,
    monotonic,
    now_ms,
    say,
    settings,
    table,
)

if TYPE_CHECKING:
    from streams.ledger.reconcile_view import Report

app = typer.Typer(no_args_is_help=True, help="Who was told what and why; and proof that nothing is missing.")

app.command("verify")(verify)
app.command("checkpoints")(list_checkpoints)
app.command("keygen")(keygen)

SALT_BYTES = 32


@app.command("show")
def show(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Event id, as `masa publish` printed it.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", help="Wait so long for an event that is not there yet.")
    ] = 5.0,
) -> None:
    """Say what became of one event: every candidate recipient, its outcome, the rules and the reasons.

    Exit status 1 when the ledger has no such event. It holds no content of the event.

    [bold]Examples[/bold]

    \b
      masa ledger show 0192d5a4-7c1e-7000-8000-3c5e12ab9f01
      masa ledger show 0192d5a4-7c1e-7000-8000-3c5e12ab9f01 --json | jq '.outcomes[].agency'
    """
    from streams.cli.ledger_view import event_or_none, print_event

    found = event_or_none(settings(data_dir).database(), event, wait)
    if found is None:
        raise Refused(f"the ledger has no event `{event}`: was it published, and does `masa doctor` say all is well?")
    if as_json:
        emit(found)
    else:
        print_event(found)


@app.command("deliveries")
def deliveries(
    agency: Annotated[str | None, typer.Option("--agency", help="Only this candidate's.")] = None,
    outcome: Annotated[
        str, typer.Option("--outcome", help="DELIVERED, WITHHELD, DENIED, HELD, or ANY.", case_sensitive=False)
    ] = "DELIVERED",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 100,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first: which event, to whom, by when it must be acknowledged.

    With --outcome the other answers: who was denied, withheld from, or waits for a person.

    [bold]Examples[/bold]

    \b
      masa ledger deliveries --agency oakfield-primary
      masa ledger deliveries --outcome HELD --limit 10 --json
    """
    from schemas.vocabulary import OutcomeKind
    from streams.cli.ledger_view import delivery_rows

    wanted = outcome.upper()
    if wanted != "ANY" and wanted not in OutcomeKind.__members__:
        raise BadUsage(f"no outcome `{outcome}`: DELIVERED, WITHHELD, DENIED, HELD or ANY")
    url = settings(data_dir).database()
    rows = delivery_rows(url, agency=agency, outcome=None if wanted == "ANY" else wanted, limit=limit)
    if as_json:
        for row in rows:
            emit(row)
        return
    columns = ("decidedAt", "agency", "outcome", "eventType", "eventId", "deliveryId", "ackBy")
    table(None, columns, ([str(row[column] or "") for column in columns] for row in rows))


@app.command("reconcile")
def reconcile(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Prove from Kafka and PostgreSQL that nothing is missing, nothing is there twice, nothing is unexplained.

    Reads every outbox, inbox, the audit stream and the ledger, and knows nothing of how the router works. Can
    be run while traffic flows. Exit status 1 when anything differs; every difference is named.

    [bold]Example[/bold]

    \b
      masa ledger reconcile --json | jq '{events, delivered, missing, duplicate, unexplained}'
    """
    from streams.ledger.reconcile_read import reconcile_exchange
    from streams.routing.process import ROUTER_GROUP

    found = settings(data_dir)
    report = reconcile_exchange(
        found.kafka(),
        found.database(),
        router_group=ROUTER_GROUP,
        salt=secrets.token_bytes(SALT_BYTES),
        progress=_tell_progress,
    )
    shown = report.to_json()
    if as_json:
        emit(shown)
    else:
        _print_report(report, shown)
    if not report.ok:
        raise typer.Exit(Exit.NO)


@app.command("operations")
def operations(
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only of this kind, such as rules.stop; `rules` for all of rules.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this person did.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Only what was done to this.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 100,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List what people did to the exchange, newest first: rule sets activated, sharing stopped and resumed.

    Who, in which role, why, and what came of it. It holds nothing about a child.

    [bold]Examples[/bold]

    \b
      masa ledger operations
      masa ledger operations --kind rules.stop --json
    """
    from streams.cli.ledger_view import operation_rows

    rows = operation_rows(settings(data_dir).database(), kind=kind, actor=actor, target=target, limit=limit)
    if as_json:
        for row in rows:
            emit(row)
        return
    columns = ("at", "actor", "kind", "target", "result", "reason")
    table(None, columns, ([str(row[column] or "") for column in columns] for row in rows))


@app.command("run")
def run(
    sign_every: Annotated[
        float,
        typer.Option("--sign-every", envvar="MASA_SIGN_EVERY_SECONDS", min=0.1, help="Seconds between checkpoints."),
    ] = 60.0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    metrics_port: MetricsPort = None,
) -> None:
    """Keep the ledger until SIGTERM: audit stream and operations into PostgreSQL, with the effect exactly once.

    Each minute in which it grew, where it stands is signed and published (`masa ledger verify`); the key is in the file
    that MASA_LEDGER_KEY_FILE names. One process a database; a second one waits. `masa up` runs it itself.
    """
    from connectors.postgres.migrate import migrate
    from streams.cli.processes import beside, process_of, stopped_by_signal
    from streams.ledger import checkpoints, operations, transitions
    from streams.ledger.audit import audit_row_reader
    from streams.ledger.consume import Surroundings
    from streams.ledger.consume import run as keep

    found = settings(data_dir)
    kafka, url, key = found.kafka(), found.database(), ledger_key(data_dir)
    stop = stopped_by_signal()
    with process_of("ledger", metrics_port) as telemetry:
        migrate(url)
        telemetry.process_ready()
        around = Surroundings(monotonic, stop.wait, stop.is_set, telemetry)
        signing = checkpoints.Around(now_ms, stop.wait, stop.is_set, telemetry, sign_every)
        with (
            beside(lambda: operations.run(kafka, url, around), stop),
            beside(lambda: transitions.run(kafka, url, around), stop),
            beside(lambda: checkpoints.run(kafka, url, key, signing), stop),
        ):
            keep(kafka, url, audit_row_reader(), around)


def _tell_progress(what: str, records: int) -> None:
    say(f"{what}: {records} records")


def _print_report(report: Report, shown: dict[str, Any]) -> None:
    counts = {key: value for key, value in shown.items() if isinstance(value, int)}
    table(None, ("count", "records"), ((key, str(value)) for key, value in counts.items()))
    for verdict in ("missing", "duplicate", "unexplained"):
        for difference in shown[verdict]:
            typer.echo(f"{verdict}: {difference['law']}: {difference['what']} at {difference['position']}")
    typer.echo("nothing is missing, duplicate or unexplained" if report.ok else "the books differ, see above")
