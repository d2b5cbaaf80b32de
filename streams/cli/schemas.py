"""`masa schemas`: the catalogue, the field classes, an example to start from, the build checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.documents import asyncapi
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
from streams.cli.schemas_register import register

if TYPE_CHECKING:
    from schemas.registry import EventType

app = typer.Typer(no_args_is_help=True, help="The contract: event types, their fields and who may publish them.")

FEW = 3

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
    rows = ((k.name, _few(k.publishers), _few(k.gateways), k.clock, k.maturity) for k in types.values())
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
      masa schemas example early-help.episode --set envelope.addressProtection=PROTECTED | masa publish -
    """
    from schemas.examples import example, new_event_id
    from schemas.json_form import to_json

    _, known = event_type_named(name)
    at = now_ms()
    overrides = dict(_assignment(known, text) for text in set_fields or ())
    datum = example(known, now_ms=at, event_id=new_event_id(at, random_bits), overrides=overrides)
    (emit if line else emit_pretty)(to_json(known, datum))


@app.command("check")
def check_contract() -> None:
    """Check the build rules: every field classed and described, and compatible with every release.

    Exit status 1 when a rule is broken; each line names the schema and what is wrong with it.
    """
    from schemas.release import contract_problems

    problems = contract_problems()
    if problems:
        raise Refused("\n".join(problems))
    say("every schema keeps the build rules and is compatible with every release")


app.command("register")(register)
app.command("asyncapi")(asyncapi)


def _few(words: Sequence[str]) -> str:
    """The first words of a list that is too long for a table."""
    shown = ", ".join(words[:FEW])
    return shown if len(words) <= FEW else f"{shown} and {len(words) - FEW} more"


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


def _assignment(known: EventType, text: str) -> tuple[str, object]:
    """Path and value of `path=value`. The value is JSON, or plain text where that is not JSON or the field is text."""
    import json

    path, equals, value = text.partition("=")
    if not equals:
        raise BadUsage(f"--set `{text}` is not PATH=VALUE")
    leaf = known.leaf_by_path.get(path)
    if value != "null" and leaf is not None and leaf.kind == "string":
        return path, value
    try:
        return path, json.loads(value)
    except json.JSONDecodeError:
        return path, value
