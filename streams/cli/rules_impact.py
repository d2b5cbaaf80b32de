"""`masa rules impact`: the past decided again under other rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from streams.cli.moments import moment, moment_or_ago
from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    AsJson,
    BadUsage,
    DataDir,
    emit,
    instant,
    now_ms,
    settings,
)

_WORKERS = 2


def impact(
    new: Annotated[str, typer.Argument(metavar="NEW", help="Area folder, compiled file, hash, or `active`.")],
    since: Annotated[
        str, typer.Option("--since", metavar="DAY|INSTANT|AGO", help="From then on: 2026-10-01, or 90m, 24h, 7d, 4w.")
    ] = "7d",
    until: Annotated[
        str | None, typer.Option("--until", metavar="DAY|INSTANT|AGO", help="Up to then, not including it.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="DAY|then", help="Decide as of that day, today by default; `then`: each as of its own time."
        ),
    ] = None,
    suppress: Annotated[
        int, typer.Option("--suppress", metavar="N", min=0, help="Hide counts below N, and what would tell them.")
    ] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes that decide.")] = _WORKERS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Rehearse rules on past traffic: what would have been shared that was not, and the other way round.

    Every decision on the audit stream since then is made again under NEW, from the facts on record. Counts new and
    lost disclosures by event type, recipient's role and class of field (a delivery counts once in each class of which
    it has a field), other outcomes and clocks, with a few event ids each. Stops are not part of NEW: what a stop held
    back is decided without it. A change of rules that changed nothing in the past may still do so tomorrow:
    `masa rules diff` treats every possible event.

    [bold]Examples[/bold]

    \b
      masa rules impact deploy/areas/northshire --since 7d
      masa rules impact deploy/areas/northshire --since 2026-10-01 --until 2026-11-01 --suppress 5 --json
    """
    from streams.cli.impact_view import THEN, show
    from streams.cli.rule_sets import rule_set_named
    from streams.rehearsal.rehearse import Period
    from streams.rehearsal.report import as_json as report_json
    from streams.rehearsal.report import report
    from streams.rehearsal.stream import Task, rehearse_stream

    now = now_ms()
    period = Period(moment_or_ago(since, "--since", now), moment_or_ago(until, "--until", now) if until else None)
    if period.until is not None and period.since is not None and period.until <= period.since:
        raise BadUsage(f"--until `{until}` is not after --since `{since}`")
    as_of = None if at == THEN else now if at is None else moment(at, "--at")
    found = settings(data_dir)
    artefact = rule_set_named(new, data_dir)
    task = Task(found.kafka(), artefact, found.pseudonym_key(), as_of, period)  # type: ignore[arg-type]
    with _progress() as told:
        tally = rehearse_stream(task, workers=workers, progress=told)
    result = report(tally, below=suppress)
    about = {
        "ruleSet": artefact.hash,
        "since": instant(period.since),
        "until": instant(period.until),
        "asOf": THEN if as_of is None else instant(as_of),
    }
    if as_json:
        emit(about | report_json(result, below=suppress))
    else:
        show(result, about, suppress)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], object]]:
    """A bar on standard error while the audit stream is read."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("decisions made again"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
