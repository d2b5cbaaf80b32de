"""`masa rules schema`: JSON Schema of the area files, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.runtime import Exit, default_area, say

FOLDER = "schema"  # beside the area folders


def schema(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write them. Default: deploy/areas/schema.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if DIR is not up to date.")] = False,
) -> None:
    """Write a JSON Schema for each kind of YAML file in an area folder, so that editors complete and explain them.

    They are made from the models that `masa rules check` reads with, and from the event contract: keys, words, event
    types and fields. An editor with a YAML language server finds them by the first line of each area file; in VS Code
    that is the extension "YAML" by Red Hat.

    [bold]Examples[/bold]

    \b
      masa rules schema
      masa rules schema --check        # are they up to date? `make check` asks
    """
    from schemas.registry import load_event_types
    from streams.policy.editor_schema import editor_schemas

    folder = out if out is not None else default_area().parent / FOLDER
    made = editor_schemas(load_event_types())
    stale = [name for name, text in made.items() if not _same(folder / name, text)]
    if check:
        for name in stale:
            say(f"{folder / name} is not what the models say: run `masa rules schema`")
        if stale:
            raise typer.Exit(Exit.NO)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (folder / name).write_text(made[name], encoding="utf-8")
    typer.echo(f"{folder}: {len(made)} schemas, {len(stale)} written anew")


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
