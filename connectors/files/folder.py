"""A drop folder: files appear, one importer takes each, and what became of them is laid beside.

FOLDER/              suppliers put files here (as `.part` or hidden while they write, if they can)
FOLDER/.taken/       being imported, or left by an importer that died: it is gone on with
FOLDER/quarantine/   refused records as a file that can be mended and dropped again, and the reasons
FOLDER/reports/      what became of each record
FOLDER/done/         imported, kept for some days
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from connectors.errors import ChangeSettings
from connectors.files.outputs import OutputPaths

_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


class _Seen(NamedTuple):
    size: int
    changed: int  # nanoseconds
    since: float


class DropFolder:
    """Files of the given endings in one folder. A file is taken when it has not changed for `settle` seconds."""

    def __init__(self, path: Path, endings: Collection[str], *, settle: float) -> None:
        """Makes the folders beside. Raises ChangeSettings when that cannot be."""
        self.path, self._endings, self._settle = path, tuple(endings), settle
        self._seen: dict[str, _Seen] = {}
        self._taken, self._done = path / ".taken", path / "done"
        self._quarantine, self._reports = path / "quarantine", path / "reports"
        if not path.is_dir():
            raise ChangeSettings(f"`{path}` is not a folder: make it, and let the supplier's system write into it")
        try:
            for each in (self._taken, self._done, self._quarantine, self._reports):
                each.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ChangeSettings(f"`{path}` cannot be written to: {error.strerror}") from None

    def settled(self, now: float) -> list[Path]:
        """Files to take, oldest first. `now` is a clock that never goes back, in seconds."""
        found: dict[str, _Seen] = {}
        ready = []
        for path, info in self._files():
            before = self._seen.get(path.name)
            same = before is not None and (before.size, before.changed) == (info.st_size, info.st_mtime_ns)
            seen = before if same and before is not None else _Seen(info.st_size, info.st_mtime_ns, now)
            found[path.name] = seen
            if now - seen.since >= self._settle:
                ready.append((seen.changed, path))
        self._seen = found
        return [path for _, path in sorted(ready)]

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Plain files only: a link could name any file of this machine."""
        for path in sorted(self.path.iterdir()):
            name = path.name.lower()
            if name.startswith(".") or name.endswith(_UNFINISHED) or not name.endswith(self._endings):
                continue
            with suppress(OSError):
                info = path.lstat()
                if stat.S_ISREG(info.st_mode):
                    yield path, info

    def take(self, path: Path) -> Path | None:
        """Take a file: a rename, so that only one importer gets it. None when another was quicker.

        The name gets a part of its own, since suppliers give the same name every night.
        """
        taken = self._taken / f"{path.stem}.{secrets.token_hex(4)}{path.suffix}"
        try:
            path.rename(taken)
        except FileNotFoundError:
            return None
        self._seen.pop(path.name, None)
        return taken

    def left(self) -> list[Path]:
        """Files that were taken and not finished, by this importer or one that died."""
        return sorted(path for path in self._taken.iterdir() if path.is_file() and not path.is_symlink())

    def outputs(self, taken: Path) -> OutputPaths:
        return OutputPaths(
            self._quarantine / taken.name,
            self._quarantine / f"{taken.name}.reasons.csv",
            self._reports / f"{taken.name}.report.csv",
        )

    def finish(self, taken: Path, *, keep: bool) -> None:
        """The file is imported; the supplier's own system has it still."""
        if keep:
            taken.touch()  # kept from today on
            taken.rename(self._done / taken.name)
        else:
            taken.unlink()

    def refuse(self, taken: Path) -> None:
        """The whole file goes into quarantine."""
        taken.rename(self._quarantine / taken.name)

    def tidy(self, before: float) -> int:
        """Remove imported files and reports that are older than a moment (Unix time): storage limitation, A-04."""
        old = [path for folder in (self._done, self._reports) for path in folder.iterdir() if _older(path, before)]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def _older(path: Path, before: float) -> bool:
    try:
        return path.is_file() and path.stat().st_mtime < before
    except FileNotFoundError:
        return False


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Only one importer of an agency at a time: a record must not get one version number twice.

    Waits for the other. The kernel gives the lock back when its holder dies.
    """
    lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
