"""`masa rules`: an area's rules checked, tested against their cases, and explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli import rules_check, rules_test
from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, DataDir, emit, say

app = typer.Typer(no_args_is_help=True, help="An area's sharing rules: checked, tested, explained.")

# One file a verb: its function is registered here, heavy imports happen inside it.
app.command("check")(rules_check.check)
app.command("test")(rules_test.run_test_cases)


@app.command("explain")
def explain(
    first: Annotated[str, typer.Argument(metavar="[AREA_DIR] EVENT", help="Area folder, optional, then the event:")],
    second: Annotated[
        str | None, typer.Argument(metavar="", help="a file with one event, `-`, or the id of a past event.")
    ] = None,
    agency: Annotated[
        str | None, typer.Option("--agency", help="Explain for this agency, whether it is a candidate or not.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="INSTANT", help="Decide as of then, e.g. 2026-10-05T18:00:00Z.")
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Say for each possible recipient of an event why it is told or not, and what it gets, in plain words.

    Given a file, the rules of the area folder are applied to it. Given an event id, the decision on record
    is explained under the rule set that is in force, or, with AREA_DIR, under that folder's.

    [bold]Examples[/bold]

    \b
      masa schemas example police.domestic-abuse-incident > event.json; masa rules explain event.json
      masa rules explain deploy/areas/northshire event.json --agency oakfield-primary
    """
    from streams.cli.explain_event import explained

    folder, event = (Path(first), second) if second is not None else (None, first)
    found = explained(folder, event, agency=agency, at=at, data_dir=data_dir)
    for warning in found.warnings:
        say(warning)
    if as_json:
        emit(found.to_json())
    else:
        typer.echo(found.explanation.text())
