"""The `masa` command: every command group, and what errors become."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback

import typer

from streams.cli import (
    bench,
    calendar,
    conformance,
    deliveries,
    doctor,
    exporter,
    files,
    followup,
    gateway,
    inbox,
    issuer,
    ledger,
    outbox,
    publish,
    queues,
    recall,
    router,
    rules,
    schemas,
    simulate,
    topics,
    up,
)
from streams.cli.runtime import VERSION, BadUsage, Exit, ReaderGone, Refused, flush, say

HELP = """
Routes safeguarding events between the agencies of a multi-agency safeguarding arrangement.

An agency publishes an event once; the exchange decides, recipient by recipient and field by field, who is
entitled to what under the local rules, delivers exactly that, and can prove what it did.

[bold]First steps[/bold]

\b
  masa up --demo              the whole exchange here, with simulated traffic
  masa schemas list           what can be published, by whom
  masa schemas example early-help.episode | masa publish -
                              a valid event, published
  masa ledger show EVENT      who got it, who did not, and why
  masa inbox oakfield-primary what one agency received
  masa doctor                 what is missing on this machine

[bold]Where things are[/bold]

Commands find the running exchange in ./.masa; name another with --data-dir or MASA_DATA_DIR.
KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, when set, name a real broker and database.

[bold]Exit status[/bold]

0 yes; 1 the answer is no (invalid, refused, differs); 2 wrong usage; 3 a broker, a database or a program is
missing.
"""

app = typer.Typer(
    name="masa",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"masa {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and leave."
    ),
) -> None:
    """Options of `masa` itself; the help text is HELP."""


RUN, USE, PROVE, OPERATE = "Run", "Publish and receive", "Decide and prove", "Operate"

app.command("up", rich_help_panel=RUN)(up.up)
app.command("doctor", rich_help_panel=RUN)(doctor.doctor)
app.command("simulate", rich_help_panel=RUN)(simulate.simulate)
app.add_typer(schemas.app, name="schemas", rich_help_panel=USE)
app.command("publish", rich_help_panel=USE)(publish.publish)
app.add_typer(files.app, name="files", rich_help_panel=USE)
app.add_typer(outbox.app, name="outbox", rich_help_panel=USE)
app.command("inbox", rich_help_panel=USE)(inbox.inbox)
app.command("ack", rich_help_panel=USE)(inbox.ack)
app.add_typer(rules.app, name="rules", rich_help_panel=PROVE)
app.add_typer(ledger.app, name="ledger", rich_help_panel=PROVE)
app.add_typer(queues.rejected, name="rejected", rich_help_panel=OPERATE)
app.add_typer(queues.held, name="held", rich_help_panel=OPERATE)
app.add_typer(topics.app, name="topics", rich_help_panel=OPERATE)
app.add_typer(gateway.app, name="gateway", rich_help_panel=OPERATE)
app.add_typer(followup.app, name="followup", rich_help_panel=OPERATE)
app.add_typer(deliveries.app, name="deliveries", rich_help_panel=OPERATE)
app.add_typer(recall.app, name="recall", rich_help_panel=OPERATE)
app.add_typer(calendar.app, name="calendar", rich_help_panel=OPERATE)
app.command("exporter", rich_help_panel=OPERATE)(exporter.exporter)
app.command("issuer", hidden=True)(issuer.issuer)
app.command("token", rich_help_panel=USE)(issuer.token)
app.command("router", rich_help_panel=OPERATE)(router.router)
app.add_typer(conformance.app, name="conformance", rich_help_panel=PROVE)
app.command("bench", rich_help_panel=PROVE)(bench.bench)


def main() -> None:
    """Entry point. Turns the errors that commands raise into a message and an exit status."""
    try:
        try:
            app()
        except SystemExit as ending:
            flush()
            raise ending from None
    except ReaderGone:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the interpreter's own last flush
        sys.exit(Exit.OK)
    except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, it becomes a status
        sys.exit(_explain(error))


def _explain(error: Exception) -> int:
    from connectors.errors import ConnectorFailure, RefuseRecord
    from schemas.errors import ContractError
    from streams.policy.located import AreaInvalid

    match error:
        case Refused() | ContractError() | RefuseRecord() | AreaInvalid():
            say(str(error))
            return Exit.NO
        case BadUsage():
            say(f"masa: {error}")
            return Exit.USAGE
        case ConnectorFailure():
            say(f"masa: {error}")
            return Exit.ENVIRONMENT
        case _:
            traceback.print_exception(error)
            return Exit.ENVIRONMENT
