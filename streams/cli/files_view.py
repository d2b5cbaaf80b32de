"""How the commands about files show what they do: a bar while they work, problems and counts afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.cli.runtime import emit, say

if TYPE_CHECKING:
    from connectors.files.journal import Counts
    from connectors.files.prepare import Batch

PROBLEMS_SHOWN = 50


@contextmanager
def bar(path: Path) -> Iterator[Callable[[Any, int], None]]:
    """A bar on standard error over the bytes of a file; told (counts or a batch, bytes read)."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(path.name, total=path.stat().st_size)
        yield lambda _, offset: shown.update(task, completed=offset)


class Problems:
    """Collects the first problems of a rehearsal; all are counted."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.lines: list[str] = []
        self.count = 0

    def add(self, batch: Batch) -> None:
        from connectors.files.prepare import Refused

        for record, outcome in batch.outcomes:
            if isinstance(outcome, Refused):
                for problem in outcome.problems:
                    self.count += 1
                    if len(self.lines) < PROBLEMS_SHOWN:
                        self.lines.append(f"{self._file}:{record.line}: {problem}")

    def show(self) -> None:
        for line in self.lines:
            say(line)
        if self.count > len(self.lines):
            say(f"and {self.count - len(self.lines)} more problems")


def both(add: Callable[[Batch], None], tell: Callable[[Any, int], None]) -> Callable[[Batch, int], None]:
    """Collect a batch's problems, and move the bar."""

    def on_batch(batch: Batch, offset: int) -> None:
        add(batch)
        tell(batch, offset)

    return on_batch


def told(counts: Counts) -> dict[str, int]:
    return dict(counts._asdict())


def show_counts(file: Path, counts: Counts, more: dict[str, Any], *, as_json: bool, verb: str = "published") -> None:
    """What became of a file, in a line."""
    if as_json:
        emit({"file": str(file)} | told(counts) | more)
        return
    parts = [f"{counts.published} {verb}"]
    parts += [f"{count} {word}" for word, count in told(counts).items() if word != "published" and count]
    say(f"{file}: {', '.join(parts)} of {counts.records} records")


def show_unknown(file: Path, unknown: Sequence[str]) -> None:
    """A column that nobody named may be new, and just what somebody needs to know, or more than anybody should."""
    for column in unknown:
        say(f"{file}:1: column `{column}` is not in the mapping: read it with a field, or name it in `ignored`")
