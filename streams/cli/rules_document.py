"""`masa rules document`: the papers of an arrangement, written from its rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from streams.cli.runtime import AreaDir, AsJson, Exit, default_area, emit, say

FOLDER = "documents"


class Paper(NamedTuple):
    """One document beside its file."""

    file: Path
    text: str
    state: str  # same, differs or missing
    line: int | None  # first line that differs


def document(
    area: AreaDir = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the documents are. Default: AREA_DIR/documents.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when a file is not up to date.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write an area's papers from its rules, so that what is signed and what is done are one thing.

    Four documents, each as Markdown and as one HTML page that needs nothing else: the annex to the data-sharing
    agreements, the record of processing (Article 30 UK GDPR), the extract for the impact assessment, and the
    privacy notice for young people and parents. Each names the rule set's hash; the same rules give the same
    files on every machine. They are drafts for practitioners to review.

    With --check nothing is written: exit status 1 when a file is missing or says something else than the rules,
    as in [bold]make check[/bold]. What a data-sharing agreement needs and the area does not say is listed on
    standard error.

    [bold]Examples[/bold]

    \b
      masa rules document deploy/areas/northshire
      masa rules document deploy/areas/northshire --out /tmp/papers
      masa rules document deploy/areas/northshire --check
    """
    folder = area or default_area()
    texts, missing = _written(folder)
    for gap in missing:
        say(f"{folder.name}: {gap}")
    papers = list(_papers(out or folder / FOLDER, texts))
    if not check:
        _write(papers)
    for paper in papers:
        _show(paper, check, as_json)
    if check and any(paper.state != "same" for paper in papers):
        say(f"`masa rules document {folder}` writes them anew")
        raise typer.Exit(Exit.NO)


def _written(folder: Path) -> tuple[Mapping[str, str], list[str]]:
    """File name -> text, and what the area leaves out. Raises AreaInvalid, BadUsage."""
    from schemas.registry import load_event_types
    from streams.cli.areas import compile_area
    from streams.policy.documents.render import documents
    from streams.policy.documents.source import Proven, gaps, source_of
    from streams.proof.invariants import area_invariants, shipped_invariants

    compiled = compile_area(folder)
    invariants = (*shipped_invariants(), *area_invariants(folder))
    proven = [Proven(id=each.id, title=each.title) for each in invariants]
    source = source_of(compiled.artefact, compiled.name, load_event_types(), proven)
    return documents(source), gaps(source)


def _papers(folder: Path, texts: Mapping[str, str]) -> Iterator[Paper]:
    for name, text in texts.items():
        file = folder / name
        before = file.read_text(encoding="utf-8") if file.is_file() else None
        state = "missing" if before is None else "same" if before == text else "differs"
        yield Paper(file, text, state, _first_difference(before or "", text) if state == "differs" else None)


def _first_difference(before: str, after: str) -> int:
    """Number of the first line, from 1, in which two texts differ."""
    pairs = zip([*before.splitlines(), None], [*after.splitlines(), None], strict=False)
    return next((number for number, (one, other) in enumerate(pairs, 1) if one != other), 1)


def _write(papers: list[Paper]) -> None:
    for paper in papers:
        if paper.state != "same":
            paper.file.parent.mkdir(parents=True, exist_ok=True)
            paper.file.write_text(paper.text, encoding="utf-8")


def _show(paper: Paper, check: bool, as_json: bool) -> None:
    did = paper.state if check or paper.state == "same" else "written"
    if as_json:
        emit({"file": str(paper.file), "state": did, "line": paper.line, "bytes": len(paper.text.encode())})
    else:
        place = f"{paper.file}:{paper.line}" if check and paper.line else str(paper.file)
        typer.echo(f"{place}: {'up to date' if did == 'same' else did}")
