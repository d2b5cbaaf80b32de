"""`masa rules check`: everything wrong in an area folder, and what somebody should look at."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import AreaDir, AsJson, BadUsage, Exit, default_area, emit, today

if TYPE_CHECKING:
    from streams.policy.inspection import Inspection
    from streams.policy.located import Problem

AtDay = Annotated[
    datetime | None,
    typer.Option("--at", metavar="DAY", formats=["%Y-%m-%d"], help="As of this day and later ones. Default: today."),
]


def check(
    area: AreaDir = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings too, as `make check` does.")] = False,
    at: AtDay = None,
    as_json: AsJson = False,
) -> None:
    """Check an area folder: everything wrong in it, with file, line, column and what would be right.

    An [bold]error[/bold] keeps the rules from compiling: an unknown key or name, a share above its role's
    ceiling, a review date that is past. A [bold]warning[/bold] compiles, and still somebody should look: a rule
    that can never match or that a deny rule takes away, two rules that contradict, an agency that no rule
    reaches or that sleeps when something is immediate, an agreement that is not signed. Warnings hold for every
    possible event, not for a sample.

    Exit status 1 when anything is wrong, with --strict also when there is a warning. Prints the rule set's hash
    when it compiles: the same files give the same hash on every machine.

    [bold]Examples[/bold]

    \b
      masa rules check deploy/areas/northshire
      masa rules check --strict --at 2029-08-01     # what will be due for review by then?
    """
    from schemas.registry import load_event_types
    from streams.policy.inspection import inspect_folder
    from streams.policy.located import Severity

    folder = area or default_area()
    if not (folder / "area.yaml").is_file():
        raise BadUsage(f"`{folder}` is not an area folder: it has no area.yaml")
    inspection = inspect_folder(folder, load_event_types(), today() if at is None else at.date())
    for problem in inspection.problems:
        if as_json:
            emit({name: getattr(problem, name) for name in problem.__dataclass_fields__})
        else:
            typer.echo(_line(folder, problem))
    _print_summary(folder.resolve().name, inspection, as_json)
    if inspection.of(Severity.ERROR) or (strict and inspection.problems):
        raise typer.Exit(Exit.NO)


def _line(folder: Path, problem: Problem) -> str:
    """`file:line:column: severity: key: what; what would be right`, as editors and people expect."""
    hint = f"; {problem.suggestion}" if problem.suggestion else ""
    place = f"{folder.parent / problem.file}:{problem.line}:{problem.column}"
    return f"{place}: {problem.severity}: {problem.key}: {problem.message}{hint}"


def _print_summary(name: str, inspection: Inspection, as_json: bool) -> None:
    from streams.policy.located import Severity

    errors, warnings = (len(inspection.of(severity)) for severity in (Severity.ERROR, Severity.WARNING))
    found = {"errors": errors, "warnings": warnings}
    if inspection.artefact is None:
        if as_json:
            emit({"area": name, "ruleSet": None, **found})
        else:
            typer.echo(f"{name}: {_count(errors, 'error')}, nothing was compiled")
        return
    document = inspection.artefact.document()
    counts = {what: len(document[what]) for what in ("areas", "agencies", "rules")}
    if as_json:
        emit({"area": name, "ruleSet": inspection.artefact.hash, **counts, **found})
        return
    verdict = _count(warnings, "warning") if warnings else "nothing wrong"
    typer.echo(f"{name}: {', '.join(f'{count} {what}' for what, count in counts.items())}, {verdict}")
    typer.echo(f"rule set {inspection.artefact.hash}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
