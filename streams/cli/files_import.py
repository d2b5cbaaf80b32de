"""`masa files import`: one file to the agency's outbox."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.files_setup import AgencyId, MappingName
from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, DataDir, Exit, now_ms, say

if TYPE_CHECKING:
    from connectors.files.importer import Sink
    from connectors.files.outputs import OutputPaths
    from connectors.files.service import FileService, Taken


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The supplier's file.")],
    mapping: MappingName,
    agency: AgencyId,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="For refused records and the report. Default: FILE's.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be published; publish nothing.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Publish the records of a supplier's file as events.

    Each record is published once, however often it is in a file: the journal in the data directory knows what was
    published. A record whose content changed is published again as the next version of the same source record. What
    cannot be published goes, byte for byte, into FILE.refused with the reasons beside it: mend it and import it. Every
    record has a line in the report. Stopped or killed, the same command goes on where it was. Exit status 1 when a
    record was refused.

    [bold]Examples[/bold]

    \b
      masa files import export.csv --mapping encompass-police --agency northshire-police
      masa files import export.csv --mapping ours.yaml --agency oakfield-primary --dry-run
    """
    from connectors.files.records import FileInvalid
    from streams.cli.files_setup import compiled, kafka_door, mapping_named, publishing_agency, service
    from streams.cli.files_view import show_unknown
    from streams.cli.runtime import settings

    found, known = mapping_named(mapping), settings(data_dir)
    publishing = publishing_agency(known, agency)
    work = service(known, found.mapping, publishing.agency)
    compiled(found, publishing.agency, work.types)
    paths = outputs_of(file, out or file.parent)
    try:
        if dry_run:
            taken = _rehearsed(work, file)
        else:
            with kafka_door(known, publishing) as sink:
                taken = _imported(work, file, paths, sink)
    except FileInvalid as invalid:
        say(f"{file}:{invalid.line or 1}: {invalid}")
        raise typer.Exit(Exit.NO) from None
    if taken.counts is None:
        say(f"{file}: stopped; the same command goes on where it was")
        raise typer.Exit(Exit.NO)
    show_unknown(file, taken.unknown)
    _show(file, taken, paths, dry_run=dry_run, as_json=as_json)
    if taken.counts.refused:
        raise typer.Exit(Exit.NO)


def outputs_of(file: Path, folder: Path) -> OutputPaths:
    """Beside the file, or in another folder."""
    from connectors.files.outputs import OutputPaths

    name = file.name
    return OutputPaths(
        folder / f"{file.stem}.refused{file.suffix}", folder / f"{name}.reasons.csv", folder / f"{name}.report.csv"
    )


def _rehearsed(work: FileService, file: Path) -> Taken:
    from streams.cli.files_view import Problems, bar, both

    problems = Problems(file)
    with bar(file) as tell:
        taken = work.rehearse(file, both(problems.add, tell), now_ms=now_ms())
    problems.show()
    return taken


def _imported(work: FileService, file: Path, paths: OutputPaths, sink: Sink) -> Taken:
    from streams.cli.files_view import bar
    from streams.cli.processes import stopped_by_signal

    stop = stopped_by_signal()
    with bar(file) as tell:
        return work.take(file, paths, sink, now_ms=now_ms(), tell=tell, stopped=stop.is_set)


def _show(file: Path, taken: Taken, paths: OutputPaths, *, dry_run: bool, as_json: bool) -> None:
    from streams.cli.files_view import show_counts

    assert taken.counts is not None  # noqa: S101 - the caller has looked
    if taken.before and not as_json:
        say(f"{file}: this very file was imported before")
    more = {
        "before": taken.before,
        "unknownColumns": list(taken.unknown),
        "refusedFile": str(paths.refused) if taken.counts.refused and not dry_run else None,
        "report": str(paths.report) if not dry_run and not taken.before else None,
    }
    show_counts(file, taken.counts, more, as_json=as_json, verb="would be published" if dry_run else "published")
    if taken.counts.refused and not dry_run and not as_json:
        say(f"refused records: {paths.refused}; why: {paths.reasons}")
