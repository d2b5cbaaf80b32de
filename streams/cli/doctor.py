"""`masa doctor`: what is installed, reachable and provisioned, and what to do about what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    AsJson,
    DataDir,
    Exit,
    compiled_modules,
    default_area,
    emit,
    environment,
    settings,
    table,
)


def doctor(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    area: Annotated[Path | None, typer.Option("--area", help="Area folder to look at.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is installed, reachable and provisioned, and what to do about what is not.

    Exit status 3 when something is missing that a command needs; a line marked `warn` can wait.

    [bold]Examples[/bold]

    \b
      masa doctor
      masa doctor --data-dir /srv/masa --json
    """
    from streams.cli import doctor_checks as checks

    env = environment()
    found = [
        *checks.installed(bool(env.get("KAFKA_BOOTSTRAP_SERVERS")), bool(env.get("DATABASE_URL"))),
        checks.compiled(compiled_modules()),
        checks.area(area or default_area()),
        *checks.running(settings(data_dir)),
    ]
    if as_json:
        for check in found:
            emit({"check": check.name, "state": check.state, "detail": check.detail, "advice": check.advice})
    else:
        table(None, ("", "what", "found", "do"), ((c.state, c.name, c.detail, c.advice) for c in found))
    if any(check.state == "fail" for check in found):
        raise typer.Exit(Exit.ENVIRONMENT)
