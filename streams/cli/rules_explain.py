"""`masa rules explain`: why, and why not, for any agency."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, DataDir, Exit, emit, say


def explain(
    first: Annotated[str, typer.Argument(metavar="[AREA_DIR] EVENT", help="Area folder, optional, then the event:")],
    second: Annotated[
        str | None, typer.Argument(metavar="", help="a file with one event, `-`, or the id of a past event.")
    ] = None,
    agency: Annotated[
        str | None, typer.Option("--agency", help="Explain for this agency, whether it is a candidate or not.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="DAY|INSTANT", help="Decide as of then, e.g. 2026-10-05T18:00:00Z.")
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Say for each possible recipient of an event why it is told or not, and what it gets, in plain words.

    Given a file, the rules of the area folder are applied to it. Given an event id, the decision on record is made
    again as it was: under the very rule set that decided, with the stops of then, as of then. It must come out the
    same in every part; exit status 1, and every difference named, if it does not. With AREA_DIR or --at it is a
    question of what would be instead, and differences are told but are no failure.

    [bold]Examples[/bold]

    \b
      masa schemas example police.domestic-abuse-incident > event.json; masa rules explain event.json
      masa rules explain deploy/areas/northshire event.json --agency oakfield-primary
      masa rules explain event.json --at 2027-01-01
      masa rules explain 0192d5a4-7c1e-7000-8000-3c5e12ab9f01
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
    if not found.faithful:
        say("THE REPLAY DIFFERS from the decision on record: do not rely on either before somebody has found out why")
        raise typer.Exit(Exit.NO)
