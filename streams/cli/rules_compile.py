"""`masa rules compile`: an area folder as the file that is signed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.runtime import AreaDir, default_area


def compile_rules(
    area: AreaDir = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write it.")] = Path("rules.json"),
) -> None:
    """Compile an area folder into one file, and print its hash.

    The same folder gives the same bytes on every machine, so two people who compile it can compare hashes
    before they sign. Other commands take the file wherever they take an area folder.

    [bold]Example[/bold]

    \b
      masa rules compile deploy/areas/northshire -o northshire.json
    """
    from streams.cli.areas import compile_area

    artefact = compile_area(area or default_area()).artefact
    out.write_bytes(artefact.content)
    typer.echo(artefact.hash)
