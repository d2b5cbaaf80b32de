"""`masa rules check`: everything wrong in an area folder."""

from __future__ import annotations

import typer

from streams.cli.runtime import AreaDir, AsJson, Exit, default_area, emit


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
