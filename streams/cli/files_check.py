"""`masa files check`: a mapping, and what it would make of a file. Publishes nothing, needs no running exchange."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, DataDir, Exit, emit, now_ms, say

if TYPE_CHECKING:
    from streams.cli.files_setup import FoundMapping


def check(
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="Name of a shipped mapping, or a file.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A file to try it on.", exists=True)] = None,
    agency: Annotated[
        str | None, typer.Option("--agency", metavar="ID", help="Try as this agency of the running exchange.")
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Check a mapping, and try it on a file without publishing anything.

    A mapping says which column becomes which field of which event. Names of fields and words are those of the
    contract; whatever is wrong is named with its line, and what would be right. With FILE every record is made into
    an event and checked as the exchange would: each problem is shown with its line and column, never with the value.
    Without --agency no exchange is needed; that the file is the agency's own is then not checked.

    [bold]Examples[/bold]

    \b
      masa files check encompass-police
      masa files check encompass-police deploy/mappings/samples/encompass-police.csv
      masa files check ours.yaml export.csv --agency oakfield-primary
    """
    from streams.cli.files_setup import mapping_named

    found = mapping_named(mapping)
    plans = _plans(found)
    if file is None:
        _show_plans(found, plans, as_json=as_json)
        return
    if not _tried(found, file, agency, data_dir, as_json=as_json):
        raise typer.Exit(Exit.NO)


def _plans(found: FoundMapping) -> list[dict[str, object]]:
    from schemas.registry import load_event_types
    from streams.cli.files_setup import compiled, stand_in

    types = load_event_types()
    program = compiled(found, stand_in(found.mapping, types), types)
    return [
        {
            "type": plan.event_type.name,
            "fields": {path: list(columns) for path, columns in plan.columns_of.items() if columns},
        }
        for plan in program.plans
    ]


def _show_plans(found: FoundMapping, plans: list[dict[str, object]], *, as_json: bool) -> None:
    mapping = found.mapping
    if as_json:
        emit({"mapping": mapping.mapping, "version": mapping.version, "events": plans})
        return
    say(f"{mapping.mapping}: {mapping.title}, version {mapping.version}")
    for plan in plans:
        fields = plan["fields"]
        assert isinstance(fields, dict)  # noqa: S101 - made above
        columns = {column for each in fields.values() for column in each}
        say(f"  {plan['type']}: {len(fields)} fields from {len(columns)} columns")
    if mapping.ignored:
        say(f"  not read: {', '.join(mapping.ignored)}")


def _tried(found: FoundMapping, file: Path, agency: str | None, data_dir: Path, *, as_json: bool) -> bool:
    """Whether every record of the file would be taken."""
    from connectors.files.records import FileInvalid
    from streams.cli.files_setup import publishing_agency, service, stand_in, without_exchange
    from streams.cli.files_view import Problems, bar, both, show_counts, show_unknown
    from streams.cli.runtime import settings

    mapping, problems = found.mapping, Problems(file)
    if agency is None:
        from schemas.registry import load_event_types

        mapping = mapping.model_copy(update={"publisher": None})
        work = without_exchange(mapping, stand_in(mapping, load_event_types()), data_dir)
    else:
        known = settings(data_dir)
        work = service(known, mapping, publishing_agency(known, agency).agency)
    try:
        with bar(file) as tell:
            taken = work.rehearse(file, both(problems.add, tell), now_ms=now_ms())
    except FileInvalid as invalid:
        say(f"{file}:{invalid.line or 1}: {invalid}")
        return False
    assert taken.counts is not None  # noqa: S101 - a rehearsal is not told to stop
    problems.show()
    show_unknown(file, taken.unknown)
    show_counts(file, taken.counts, {"unknownColumns": list(taken.unknown)}, as_json=as_json, verb="would be published")
    return taken.counts.refused == 0
