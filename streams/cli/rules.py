"""`masa rules`: an area's rules checked, tested against their cases, and explained."""

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
)

if TYPE_CHECKING:
    from streams.policy.cases import CaseReport

app = typer.Typer(no_args_is_help=True, help="An area's sharing rules: checked, tested, explained.")

AreaDir = Annotated[
    Path | None, typer.Argument(metavar="[AREA_DIR]", help="Area folder. Default: deploy/areas/northshire.")
]


@app.command("check")
def check(area: AreaDir = None, as_json: AsJson = False) -> None:
    """Check an area folder: everything wrong in it, with file, line, column and what would be right.

    Exit status 1 when anything is wrong. Prints the rule set's hash when all is well: the same files give
    the same hash on every machine.

    [bold]Example[/bold]

    \b
      masa rules check deploy/areas/northshire
    """
    from streams.cli.areas import compile_area
    from streams.policy.located import AreaInvalid

    folder = area or default_area()
    try:
        compiled = compile_area(folder)
    except AreaInvalid as invalid:
        if not as_json:
            raise
        for problem in invalid.problems:
            emit({name: getattr(problem, name) for name in problem.__dataclass_fields__})
        raise typer.Exit(Exit.NO) from None
    document = compiled.artefact.document()
    counts = {"areas": len(document["areas"]), "agencies": len(document["agencies"]), "rules": len(document["rules"])}
    if as_json:
        emit({"area": compiled.name, "ruleSet": compiled.artefact.hash, **counts})
    else:
        typer.echo(f"{compiled.name}: {', '.join(f'{count} {what}' for what, count in counts.items())}, nothing wrong")
        typer.echo(f"rule set {compiled.artefact.hash}")


@app.command("test")
def run_test_cases(area: AreaDir = None, as_json: AsJson = False) -> None:
    """Run an area's cases, and say which rules no case covers.

    Every rule needs a case in which it speaks and one, naming it, in which it is silent. Exit status 1
    when a case fails or a rule is not covered.

    [bold]Example[/bold]

    \b
      masa rules test deploy/areas/northshire
    """
    from schemas.registry import load_event_types
    from streams.cli.areas import compile_area
    from streams.policy.cases import run_cases

    compiled = compile_area(area or default_area())
    report = run_cases(compiled.areas, compiled.artefact, load_event_types())
    _print_report(report, as_json)
    if not report.passed:
        raise typer.Exit(Exit.NO)


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


def _print_report(report: CaseReport, as_json: bool) -> None:
    if as_json:
        for result in report.results:
            names = ("area", "name", "file", "line", "rule", "passed")
            emit({**{name: getattr(result, name) for name in names}, "failures": list(result.failures)})
        emit({"withoutPositive": list(report.without_positive), "withoutNegative": list(report.without_negative)})
        return
    for result in report.results:
        for failure in result.failures:
            typer.echo(f"{result.file}:{result.line}: {result.name}: {failure}")
    for rule in report.without_positive:
        typer.echo(f"rule `{rule}`: no case shows it at work: add one that expects it")
    for rule in report.without_negative:
        typer.echo(f"rule `{rule}`: no case shows it silent: add one that names it under `rule:`")
    failed = sum(not result.passed for result in report.results)
    uncovered = len({*report.without_positive, *report.without_negative})
    typer.echo(f"{len(report.results)} cases, {failed} failed, {uncovered} rules not covered")
