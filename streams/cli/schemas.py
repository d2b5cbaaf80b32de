"""`masa schemas`: the catalogue, the field classes, an example to start from, the build checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import (
    AsJson,
    BadUsage,
    Refused,
    emit,
    emit_pretty,
    event_type_named,
    now_ms,
    random_bits,
    say,
    table,
)

if TYPE_CHECKING:
    from schemas.registry import EventType

app = typer.Typer(no_args_is_help=True, help="The contract: event types, their fields and who may publish them.")

TypeName = Annotated[str, typer.Argument(metavar="TYPE", help="Event type, e.g. police.domestic-abuse-incident.")]


@app.command("list")
def list_types(as_json: AsJson = False) -> None:
    """Every event type: who may publish it, under which legal gateways, and how fast it must be acted on.

    [bold]Example[/bold]

    \b
      masa schemas list --json | grep -i health
    """
    from schemas.registry import load_event_types

    types = load_event_types()
    if as_json:
        for known in types.values():
            emit(_summary(known))
        return
    rows = ((k.name, ", ".join(k.publishers), ", ".join(k.gateways), k.clock, k.maturity) for k in types.values())
    table(None, ("type", "publishers", "gateways", "clock", "maturity"), rows)


@app.command("show")
def show_type(name: TypeName, as_json: AsJson = False) -> None:
    """One event type field by field, with the class that decides who can be given the field.

    [bold]Examples[/bold]

    \b
      masa schemas show health.ed-attendance-concern
      masa schemas show health.ed-attendance-concern --json    the Avro schema itself
    """
    _, known = event_type_named(name)
    if as_json:
        emit(_summary(known) | {"schema": known.schema})
        return
    rows = ((leaf.path, ", ".join(sorted(leaf.classes)), "" if leaf.nullable else "always") for leaf in known.leaves)
    table(f"{known.name}: {known.title}", ("field", "classes", "present"), rows)


@app.command("example")
def example_event(
    name: TypeName,
    set_fields: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Give a field another value; VALUE is JSON or plain text."),
    ] = None,
    line: Annotated[bool, typer.Option("--line", help="On one line, ready for an NDJSON file.")] = False,
) -> None:
    """A valid, fictional event as JSON, with a new event id and the present time.

    [bold]Examples[/bold]

    \b
      masa schemas example early-help.episode > event.json
      masa schemas example police.domestic-abuse-incident --set envelope.addressProtection=PROTECTED | masa
      publish -
    """
    from schemas.examples import example, new_event_id
    from schemas.json_form import from_json, to_json

    _, known = event_type_named(name)
    at = now_ms()
    event = to_json(known, example(known, now_ms=at, event_id=new_event_id(at, random_bits), overrides=None))
    for assignment in set_fields or ():
        _assign(event, assignment)
    from_json(known, event)  # a value of the wrong kind is refused here, with its path
    (emit if line else emit_pretty)(event)


@app.command("check")
def check_contract() -> None:
    """Check the build rules: every field classed and described, and compatible with every release.

    Exit status 1 when a rule is broken; each line names the schema and what is wrong with it.
    """
    from streams.cli.contract_checks import contract_problems

    problems = contract_problems()
    if problems:
        raise Refused("\n".join(problems))
    say("every schema keeps the build rules and is compatible with every release")


def _summary(known: EventType) -> dict[str, object]:
    return {
        "type": known.name,
        "title": known.title,
        "publishers": list(known.publishers),
        "gateways": list(known.gateways),
        "clock": known.clock,
        "urgency": known.urgency,
        "maturity": known.maturity,
        "fingerprint": known.fingerprint.hex(),
    }


def _assign(event: dict[str, object], assignment: str) -> None:
    """Set `a.b.c=value` inside nested objects; BadUsage when a step of the path is not there."""
    import json

    path, equals, text = assignment.partition("=")
    if not equals:
        raise BadUsage(f"--set `{assignment}` is not PATH=VALUE")
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    at: object = event
    *steps, last = path.split(".")
    for step in steps:
        at = at.get(step) if isinstance(at, dict) else None
    if not isinstance(at, dict) or last not in at:
        raise BadUsage(f"--set `{path}`: no such field; `masa schemas show` lists them")
    at[last] = value
