"""`masa rules test`: an area's cases run, and what no case covers; again after every change with --watch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import AreaDir, AsJson, BadUsage, Exit, default_area, emit, flush, instant, now_ms, say

if TYPE_CHECKING:
    from streams.policy.cases import CaseReport


def run_test_cases(
    area: AreaDir = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Run again whenever a file of the area changes, until ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run an area's cases, and say which rules no case covers.

    Every rule needs a case in which it speaks and one, naming it, in which it is silent. Exit status 1
    when a case fails or a rule is not covered.

    With --watch the cases run again whenever a YAML file of the area, or of a neighbour's folder beside it,
    is written; an area that does not compile is shown with its errors, and watching goes on. Ctrl-C ends it,
    with the status of the last run.

    [bold]Examples[/bold]

    \b
      masa rules test deploy/areas/northshire
      masa rules test --watch         # beside the editor, while rules are written
    """
    folder = area or default_area()
    if not (folder / "area.yaml").is_file():
        raise BadUsage(f"`{folder}` is not an area folder: it has no area.yaml")
    passed = _watched(folder, as_json) if watch else _run(folder, as_json)
    if not passed:
        raise typer.Exit(Exit.NO)


def _run(folder: Path, as_json: bool) -> bool:
    """Whether all cases pass and all rules are covered. Raises AreaInvalid."""
    from schemas.registry import load_event_types
    from streams.cli.areas import compile_area
    from streams.policy.cases import run_cases

    compiled = compile_area(folder)
    report = run_cases(compiled.areas, compiled.artefact, load_event_types())
    _print_report(report, as_json)
    return report.passed


def _watched(folder: Path, as_json: bool) -> bool:
    from time import sleep

    from streams.cli.watching import runs

    def run() -> bool:
        from streams.policy.located import AreaInvalid

        say(f"[{instant(now_ms())}] {folder}")
        try:
            return _run(folder, as_json)
        except AreaInvalid as invalid:
            say(str(invalid))
            return False

    passed = False
    try:
        for result in runs(folder.resolve().parent, run, sleep):
            passed = result
            flush()
            say(f"{'all pass' if passed else 'not yet'}; waiting for a change, ctrl-C ends")
    except KeyboardInterrupt:
        say("ended")
    return passed


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
