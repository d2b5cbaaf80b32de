"""`masa files watch`: a drop folder, taken care of for as long as it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.files_setup import AgencyId, MappingName
from streams.cli.runtime import DEFAULT_DATA_DIR, DataDir, MetricsPort, emit, flush, monotonic, now_ms, unix_seconds

if TYPE_CHECKING:
    from connectors.files.folder import DropFolder
    from connectors.files.importer import Sink
    from connectors.files.records import FileInvalid
    from connectors.files.service import FileService, Taken
    from connectors.telemetry import Telemetry

SETTLE_SECONDS = 2.0
POLL_SECONDS = 1.0
KEEP_DAYS = 14
DAY_SECONDS = 86_400
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0


def watch(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the supplier's system puts files.")],
    mapping: MappingName,
    agency: AgencyId,
    once: Annotated[bool, typer.Option("--once", help="Import what is there, then end.")] = False,
    settle: Annotated[
        float, typer.Option("--settle", metavar="SECONDS", min=0, help="Take a file unchanged for so long.")
    ] = SETTLE_SECONDS,
    keep_days: Annotated[
        int, typer.Option("--keep-days", metavar="N", min=0, help="Keep imported files and reports; 0: not at all.")
    ] = KEEP_DAYS,
    metrics_port: MetricsPort = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Import every file that appears in a folder, until ctrl-C or SIGTERM.

    A file is taken by renaming it into FOLDER/.taken, so that two watchers never take the same one. Imported files go
    to FOLDER/done, what became of each record to FOLDER/reports. Refused records go to FOLDER/quarantine, byte for
    byte and with the reasons: mend the file there and move it back into FOLDER. Killed, the next run goes on with
    what was taken; nothing is published twice. When the exchange is away, the file waits. Prints one JSON line a file.

    [bold]Examples[/bold]

    \b
      masa files watch /srv/encompass --mapping encompass-police --agency northshire-police
      masa files watch exports --mapping dfe-ctf-24 --agency oakfield-primary --once
    """
    from connectors.files.folder import DropFolder
    from streams.cli.files_setup import compiled, kafka_door, mapping_named, publishing_agency, service
    from streams.cli.processes import process_of, stopped_by_signal
    from streams.cli.runtime import settings

    found, known = mapping_named(mapping), settings(data_dir)
    publishing = publishing_agency(known, agency)
    work = service(known, found.mapping, publishing.agency)
    compiled(found, publishing.agency, work.types)
    drop = DropFolder(folder, found.mapping.format.endings, settle=0 if once else settle)
    stop = stopped_by_signal()
    with process_of("files", metrics_port) as telemetry, kafka_door(known, publishing) as sink:
        watcher = Watcher(
            drop=drop, work=work, sink=sink, telemetry=telemetry, stop=stop, keep_seconds=keep_days * DAY_SECONDS
        )
        telemetry.process_ready()
        watcher.run(once=once)


@dataclass(kw_only=True)
class Watcher:
    """Takes files one after the other. A door that fails makes it wait, not end."""

    drop: DropFolder
    work: FileService
    sink: Sink
    telemetry: Telemetry
    stop: threading.Event
    keep_seconds: int

    def run(self, *, once: bool) -> None:
        """Until told to stop; `once`: until nothing is left to take."""
        while not self.stop.is_set():
            self._tidy()
            for taken in self.drop.left():
                self._patiently(taken)
            settled = self.drop.settled(monotonic())
            for path in settled:
                if self.stop.is_set():
                    return
                taken_path = self.drop.take(path)
                if taken_path is not None:
                    self._patiently(taken_path)
            if once and not settled:
                return
            if not settled:
                self.stop.wait(POLL_SECONDS)

    def _patiently(self, taken: Path) -> None:
        """Import a taken file, again and again while the door is away. Raises what no waiting mends."""
        from connectors.errors import RebuildClient, RetryLater
        from connectors.files.records import FileInvalid

        pause = FIRST_PAUSE_SECONDS
        while not self.stop.is_set():
            try:
                found = self.work.take(
                    taken, self.drop.outputs(taken), self.sink, now_ms=now_ms(), stopped=self.stop.is_set
                )
            except FileInvalid as invalid:
                self._refused(taken, invalid)
                return
            except FileNotFoundError:
                return  # another importer had it, and has finished it
            except PermissionError:
                self._refused(taken, FileInvalid("cannot be read", "a file that this user may read"))
                return
            except (RetryLater, RebuildClient) as failure:
                self.telemetry.files_waiting(failure)
                self.stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                if found.counts is not None:
                    self._finished(taken, found)
                return

    def _finished(self, taken: Path, found: Taken) -> None:
        assert found.counts is not None  # noqa: S101 - the caller has looked
        self.drop.finish(taken, keep=self.keep_seconds > 0)
        counts = found.counts._asdict()
        self.telemetry.file_imported(counts, unknown_columns=len(found.unknown))
        self._emit({"file": taken.name, **counts, "unknownColumns": list(found.unknown), "before": found.before})

    def _refused(self, taken: Path, invalid: FileInvalid) -> None:
        from connectors.files.outputs import write_reason

        write_reason(self.drop.outputs(taken).reasons, invalid)
        self.drop.refuse(taken)
        self.telemetry.file_refused()
        self._emit({"file": taken.name, "problem": str(invalid), "line": invalid.line})

    def _emit(self, line: dict[str, object]) -> None:
        emit(line)
        flush()

    def _tidy(self, clock: Callable[[], float] = unix_seconds) -> None:
        self.drop.tidy(clock() - self.keep_seconds)
