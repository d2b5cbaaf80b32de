"""Which processes a run started, on disk, so that another process can end what a killed run left behind.

One JSON file a child in `<data dir>/run/`: `{"name", "pid", "startedAt", "owner", "ownerStartedAt",
"stopSignal"}`. A pid alone would not do: pids are reused, so the start time goes with it, and nothing is
ended unless both agree. The owner tells one run's children from the next run's.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

RUN_DIR = "run"
# psutil derives start times from the boot time, which moves when the machine's clock is stepped.
START_TIME_TOLERANCE = 3.0


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The process whose children these are."""

    pid: int
    started_at: float  # Unix seconds, as the operating system reports it


@dataclass(frozen=True, kw_only=True)
class PidEntry:
    """One child on disk."""

    name: str
    pid: int
    started_at: float
    owner_pid: int
    owner_started_at: float
    stop_signal: int = signal.SIGTERM


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that was ended. `forced` when it did not heed its stop signal in time."""

    name: str
    pid: int
    forced: bool


def this_process() -> Owner:
    """The calling process as an owner."""
    me = psutil.Process()
    return Owner(pid=me.pid, started_at=me.create_time())


def is_running(pid: int, started_at: float) -> bool:
    """Whether exactly that process runs; a zombie does not."""
    return _process(pid, started_at) is not None


def record(run_dir: Path, owner: Owner, *, name: str, pid: int, stop_signal: int = signal.SIGTERM) -> None:
    """Write the entry of a child that has just been started; replaces the entry of that name."""
    try:
        started_at = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return  # it died at once: nothing to clean up
    entry = PidEntry(
        name=name,
        pid=pid,
        started_at=started_at,
        owner_pid=owner.pid,
        owner_started_at=owner.started_at,
        stop_signal=stop_signal,
    )
    run_dir.mkdir(parents=True, exist_ok=True)
    target = run_dir / f"{name}.pid"
    draft = run_dir / f"{name}.pid.draft"
    draft.write_text(json.dumps(asdict(entry)))
    os.replace(draft, target)


def forget(run_dir: Path, name: str) -> None:
    """Remove the entry of a child that was stopped on purpose."""
    (run_dir / f"{name}.pid").unlink(missing_ok=True)


def entries(run_dir: Path) -> tuple[PidEntry, ...]:
    """All entries, by name. A file that cannot be read (a crash while writing) is passed over."""
    found = []
    for path in sorted(run_dir.glob("*.pid")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            found.append(PidEntry(**json.loads(path.read_text())))
    return tuple(found)


def owned_by(run_dir: Path, owner: Owner) -> tuple[PidEntry, ...]:
    """Entries of one run."""
    return tuple(
        entry
        for entry in entries(run_dir)
        if entry.owner_pid == owner.pid and abs(entry.owner_started_at - owner.started_at) < START_TIME_TOLERANCE
    )


def end_all(run_dir: Path, doomed: Sequence[PidEntry], *, grace_seconds: float) -> tuple[Ended, ...]:
    """Ask each process to stop, kill one that still runs after the grace, remove the entries.

    The last started goes first and is waited for, so that a router settles its transaction while the broker it was
    started after is still there. Blocks for at most the grace and two seconds for each. Entries whose process is gone
    are removed without a word.
    """
    ended = []
    for entry in sorted(doomed, key=lambda each: each.started_at, reverse=True):
        process = _process(entry.pid, entry.started_at)
        if process is None:
            continue
        _signal(process, entry.stop_signal)
        _, stubborn = psutil.wait_procs([process], timeout=grace_seconds)
        if stubborn:
            _signal(process, signal.SIGKILL)
            psutil.wait_procs(stubborn, timeout=2.0)
        ended.append(Ended(name=entry.name, pid=entry.pid, forced=bool(stubborn)))
    _forget_if_unchanged(run_dir, doomed)
    return tuple(ended)


def _forget_if_unchanged(run_dir: Path, ended: Iterable[PidEntry]) -> None:
    current = {entry.name: entry for entry in entries(run_dir)}
    for entry in ended:
        if current.get(entry.name) == entry:  # a newer run may have taken the name meanwhile
            forget(run_dir, entry.name)


def _process(pid: int, started_at: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        same = abs(process.create_time() - started_at) < START_TIME_TOLERANCE
    except psutil.NoSuchProcess:
        return None
    return process if same else None


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
