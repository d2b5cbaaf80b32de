"""`masa topics`: topics and permissions as a plan, and the plan applied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    AsJson,
    DataDir,
    Exit,
    default_area,
    emit,
    say,
    settings,
)
from streams.cli.topics_strimzi import strimzi

if TYPE_CHECKING:
    from streams.cli.provision import Plan

app = typer.Typer(no_args_is_help=True, help="Topics and permissions, as a plan and applied.")
app.command("strimzi")(strimzi)

AreaDir = Annotated[Path | None, typer.Option("--area", help="Area folder. Default: deploy/areas/northshire.")]


@app.command("plan")
def plan(data_dir: DataDir = DEFAULT_DATA_DIR, area: AreaDir = None, as_json: AsJson = False) -> None:
    """Say what the broker lacks for the area's agencies, and change nothing.

    Exit status 1 when something differs. What only a person should do is marked `by hand`.

    [bold]Example[/bold]

    \b
      KAFKA_BOOTSTRAP_SERVERS=kafka:9092 masa topics plan --area deploy/areas/northshire
    """
    from streams.cli.areas import compile_area
    from streams.cli.provision import plan_for

    agencies = compile_area(area or default_area()).kafka_agencies
    found = plan_for(settings(data_dir).kafka(), agencies)
    _show(found, as_json)
    if found.to_apply or found.changes:
        raise typer.Exit(Exit.NO)


@app.command("apply")
def apply(data_dir: DataDir = DEFAULT_DATA_DIR, area: AreaDir = None, as_json: AsJson = False) -> None:
    """Make the topics and permissions of the area's agencies, and publish the schemas. Safe to repeat.

    Only ever adds and sets: what would lose records or break the order of keys is named and left to a person.
    """
    from streams.cli.areas import compile_area
    from streams.cli.provision import provision

    agencies = compile_area(area or default_area()).kafka_agencies
    done = provision(settings(data_dir).kafka(), agencies)
    _show(done, as_json)
    say(f"{done.to_apply} changes made")


def _show(plan: Plan, as_json: bool) -> None:
    for change in plan.changes:
        if as_json:
            emit({"kind": type(change).__name__, "change": change.describe()})
        else:
            typer.echo(change.describe())
    for action, acls in (("add", plan.acls.add), ("remove", plan.acls.remove)) if plan.acls else ():
        for acl in acls:
            if as_json:
                emit({"kind": f"{action}-permission", "change": acl.describe()})
            else:
                typer.echo(f"{action} permission: {acl.describe()}")
