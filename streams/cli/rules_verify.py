"""`masa rules verify`: invariants proven for every possible event, or broken by one that can be looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.rules_check import AtDay
from streams.cli.runtime import AreaDir, AsJson, BadUsage, Exit, default_area, emit, say, table, today

if TYPE_CHECKING:
    from schemas.registry import EventTypes
    from streams.policy.artefact import Artefact
    from streams.proof.counterexample import Counterexample
    from streams.proof.invariants import Invariant
    from streams.proof.verify import Verdict


def verify(
    area: AreaDir = None,
    only: Annotated[
        list[str] | None, typer.Option("--invariant", metavar="ID", help="Only this one; may be given again.")
    ] = None,
    at: AtDay = None,
    events: Annotated[
        Path | None, typer.Option("--events", metavar="DIR", help="Write each counterexample there as a JSON file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove what these rules can never do, and what they always do, for every possible event.

    Not a sample and not a simulation: a theorem prover looks for an event that breaks an invariant, and either
    there is none, or it is made into a real event, decided by the real rules and explained. The invariants are a
    library that comes with the exchange, and the area's own in its `invariants.yaml`.

    What must never happen is proven from --at on for good. What must always happen is proven for --at, and it is
    said until when that lasts, because agreements end. Exit status 1 when an invariant is broken.

    [bold]Examples[/bold]

    \b
      masa rules verify deploy/areas/northshire
      masa rules verify --invariant protected-location --events broken   # then, if it is broken:
      masa rules explain broken/protected-location.housing.household-moved.json
    """
    from schemas.registry import load_event_types
    from streams.cli.areas import compile_area
    from streams.proof.verify import Question, Status
    from streams.proof.verify import verify as prove

    folder, day = area or default_area(), today() if at is None else at.date()
    types = load_event_types()
    artefact = compile_area(folder).artefact
    invariants = _invariants(folder, artefact, types, only or [])
    with _progress(len(types)) as told:
        verdicts = prove(Question(artefact=artefact, event_types=types, first_day=day), invariants, told)
    if events is not None:
        _write(verdicts, events)
    if as_json:
        for verdict in verdicts:
            emit(_as_json(verdict, artefact.hash, day))
    else:
        _show(verdicts, artefact, day, events)
    if any(verdict.status is Status.VIOLATED for verdict in verdicts):
        raise typer.Exit(Exit.NO)


def _invariants(folder: Path, artefact: Artefact, types: EventTypes, only: list[str]) -> list[Invariant]:
    """Those to prove, in order. Raises BadUsage for an id that nobody has, or a name inside one that means nothing."""
    from streams.policy.located import nearest
    from streams.proof.invariants import area_invariants, check_names, shipped_invariants
    from streams.proof.world import World

    found = {each.id: each for each in shipped_invariants()}
    for own in area_invariants(folder.resolve()):
        if own.id in found:
            raise BadUsage(
                f"{folder.name}/invariants.yaml: `{own.id}` is the name of a shipped invariant; choose another"
            )
        found[own.id] = own
    for name in only:
        if name not in found:
            hint = nearest(name, found)
            raise BadUsage(f"no invariant `{name}`{f': {hint}' if hint else ''}")
    if problems := check_names(found.values(), World(artefact.document()), types):
        raise BadUsage("\n".join(problems))
    return [each for name, each in found.items() if not only or name in only]


@contextmanager
def _progress(count: int) -> Iterator[Callable[[str], None]]:
    """A bar on standard error, one step for each event type."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("proving"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("event types", total=count)
        yield lambda name: bar.update(task, advance=1, description=name)


def _as_json(verdict: Verdict, rule_set: str, day: date) -> dict[str, Any]:
    return {
        "invariant": verdict.invariant.id,
        "area": verdict.invariant.area,
        "title": verdict.invariant.title,
        "source": verdict.invariant.source,
        "status": verdict.status.value,
        "from": day.isoformat(),
        "until": None if verdict.until is None else verdict.until.isoformat(),
        "formulas": verdict.formulas,
        "ruleSet": rule_set,
        "counterexamples": [
            {
                "eventType": each.event_type,
                "at": each.at,
                "agency": each.agency,
                "register": dict(each.register),
                "lines": list(each.lines),
                "event": each.event,
            }
            for each in verdict.counterexamples
        ],
    }


def _show(verdicts: tuple[Verdict, ...], artefact: Artefact, day: date, events: Path | None) -> None:
    from streams.proof.verify import Status

    words = {Status.PROVEN: "proven", Status.UNTIL: "holds", Status.VIOLATED: "BROKEN"}
    table(
        f"rule set {artefact.hash[:12]}, every possible event from {day.isoformat()} on",
        ("invariant", "", "what it says", "source"),
        ([each.invariant.id, _words(each, words[each.status]), each.invariant.title, each.invariant.source]
         for each in verdicts),
    )  # fmt: skip
    for verdict in verdicts:
        if verdict.status is Status.VIOLATED:
            _show_broken(verdict, events)
    broken = sum(each.status is Status.VIOLATED for each in verdicts)
    typer.echo(f"{len(verdicts)} invariants, {broken} broken")


def _words(verdict: Verdict, word: str) -> str:
    return word if verdict.until is None else f"{word} until {verdict.until.isoformat()}"


def _show_broken(verdict: Verdict, events: Path | None) -> None:
    first = verdict.counterexamples[0]
    others = [each.event_type for each in verdict.counterexamples[1:]]
    typer.echo(f"\n{verdict.invariant.id} is broken: {verdict.invariant.title}")
    typer.echo(f"  by a `{first.event_type}` on {first.day.isoformat()}, for instance:")
    for line in first.lines:
        typer.echo(f"    {line}")
    for what, agency in first.register.items():
        typer.echo(f"    when the relationship register knows as {what}: {agency}")
    if others:
        typer.echo(f"  and by events of the types {', '.join(others)}")
    where = "add --events DIR for the event itself" if events is None else f"see {events / _name(verdict, first)}"
    typer.echo(f"  {where}, then `masa rules explain … --at {first.at}`")


def _name(verdict: Verdict, example: Counterexample) -> str:
    return f"{verdict.invariant.id}.{example.event_type}.json"


def _write(verdicts: tuple[Verdict, ...], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for verdict in verdicts:
        for each in verdict.counterexamples:
            text = json.dumps(each.event, ensure_ascii=False, indent=2)
            (folder / _name(verdict, each)).write_text(text + "\n", encoding="utf-8")
    count = sum(len(verdict.counterexamples) for verdict in verdicts)
    say(f"{count} counterexample{'' if count == 1 else 's'} in {folder}")
