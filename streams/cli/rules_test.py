"""`masa rules test`: an area's cases run, and what no case covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from streams.cli.runtime import AreaDir, AsJson, Exit, default_area, emit

if TYPE_CHECKING:
    from streams.policy.cases import CaseReport


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
