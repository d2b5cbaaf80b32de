"""`masa rules diff`: what two rule sets share differently, for every possible event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.rules_check import AtDay
from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, DataDir, Exit, console, emit, say, today

if TYPE_CHECKING:
    from streams.proof.diff_model import Difference
    from streams.proof.diff_words import Line, Words

_NAMES = "Area folder, compiled file, proposal, hash, or `active`."


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=_NAMES)],
    new: Annotated[str, typer.Argument(metavar="NEW", help=_NAMES)],
    at: AtDay = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Every agency, field and special case, and every condition.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Say who is newly told what under NEW, and who no longer is: for every possible event, not for a sample.

    Rules, agreements, dates, roles' ceilings, protection and laws all count; how the files are written does not. A
    rule split in two, renamed or moved makes no difference. Compared are outcome, fields, clock, roles addressed and
    lawful basis, from --at on; what begins or ends later is told with its days. Stops are not part of a rule set.
    Exit status 1 when the two differ.

    The table leaves out conditions that every ordinary event meets, and counts the special cases in which a publisher
    withholds, confirms or excludes somebody; --verbose and --json have them.

    [bold]Examples[/bold]

    \b
      masa rules diff active deploy/areas/northshire
      masa rules diff 3f5c0a12 active --json
    """
    from schemas.registry import load_event_types
    from streams.cli.rule_sets import rule_set_named
    from streams.proof.diff import compare
    from streams.proof.diff_json import to_json
    from streams.proof.diff_words import Words

    day = today() if at is None else at.date()
    one, two = rule_set_named(old, data_dir), rule_set_named(new, data_dir)
    types = load_event_types()
    with _progress() as told:
        difference = compare(one, two, types, day, told, complete=as_json or verbose)
    if as_json:
        for each in to_json(difference):
            emit(each)
    else:
        _show(difference, Words(old=one.document(), new=two.document(), event_types=types, at=day, verbose=verbose))
    if not difference.empty:
        raise typer.Exit(Exit.NO)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], object]]:
    """A bar on standard error while event types are compared."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("event types compared"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(difference: Difference, words: Words) -> None:
    from streams.proof.diff_words import ORDINARY, paused_words

    typer.echo(f"{difference.old[:12]} → {difference.new[:12]}: every possible event from {difference.at} on")
    if difference.empty:
        typer.echo("no difference: every recipient is told the same under both")
        return
    for change in difference.paused:
        typer.echo(paused_words(change, words))
    for area in difference.calendars:
        typer.echo(f"working or school days of {area} differ: equal clocks end at different times")
    for area in difference.follow_up:
        typer.echo(f"what happens after a delivery in {area} differs: compare its follow-up.yaml")
    lines, hidden = words.lines(difference)
    for event_type in dict.fromkeys(line.event_type for line in lines):
        _table(event_type, [line for line in lines if line.event_type == event_type], words)
    if lines and not words.verbose:
        say(ORDINARY)
    if hidden:
        say(f"{hidden} changes also or only happen where a publisher withholds, confirms or excludes: --verbose")


def _table(event_type: str, lines: list[Line], words: Words) -> None:
    from rich import box
    from rich.table import Table

    shown = Table("Recipient", "What changes", "When", "Rules", title=event_type, box=box.SIMPLE_HEAD,
                  title_justify="left", pad_edge=False, show_lines=True)  # fmt: skip
    for line in lines:
        who = "\n".join((words.recipients(line), *line.roles))
        shown.add_row(who, "\n".join(line.what), "\nor ".join(line.when), "\n".join(line.rules))
    console().print(shown)
