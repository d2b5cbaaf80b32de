"""Keeps the services of a local exchange running: starts them in order, restarts what dies, stops in reverse.

A service is anything that can be started, looked at and stopped: a child process (`ProcessService`), the
local broker, the local database. The caller gives the time and calls `tick` in a loop; nothing runs in the
background. A service that dies is restarted at once, then after growing pauses (`restart_delay`), because a
router slot that stays down blocks the readers of the partitions it touched.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from connectors import pid_files
from connectors.errors import ConnectorFailure
from connectors.pid_files import RUN_DIR, Owner
from connectors.telemetry import Telemetry

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 10.0
HEALTHY_SECONDS = 30.0  # one that ran this long starts counting its failures anew
_FAILED_TO_START = -1  # stands for the exit status of a service that never ran


class Service(Protocol):
    """Something the supervisor keeps running."""

    name: str
    stop_signal: int

    def start(self) -> int:
        """Start it and return its pid. May block until it is usable; raises ConnectorFailure or OSError."""
        ...

    def status(self) -> int | None:
        """None while it runs, else its exit status."""
        ...

    def stop(self, grace_seconds: float) -> bool:
        """Stop it in order, by force after the grace. True when force was needed. Idempotent."""
        ...


@dataclass
class ProcessService:
    """A child process whose output is appended to `<log dir>/<name>.log`."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log_dir: Path
    stop_signal: int = signal.SIGTERM
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def start(self) -> int:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        with (self.log_dir / f"{self.name}.log").open("ab") as log:
            # A session of its own: ctrl-C reaches the supervisor only, which then stops the children in
            # order.
            self._process = subprocess.Popen(
                list(self.argv),
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self._process.pid

    def status(self) -> int | None:
        return _FAILED_TO_START if self._process is None else self._process.poll()

    def stop(self, grace_seconds: float) -> bool:
        process = self._process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(self.stop_signal)
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True
        return False


def restart_delay(failures: int) -> float:
    """Seconds to wait before the restart that follows the n-th failure in a row, n from 1."""
    doublings = min(failures - 1, 16)  # beyond that the cap has long been reached
    return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0**doublings)


@dataclass
class _Watched:
    service: Service
    failures: int = 0
    started_at: float = 0.0
    restart_at: float | None = None


class Supervisor:
    """Runs services for one data directory. Not thread-safe: one thread starts, ticks and stops."""

    def __init__(self, data_dir: Path, telemetry: Telemetry, *, monotonic: Callable[[], float]) -> None:
        self._run_dir = data_dir / RUN_DIR
        self._telemetry = telemetry
        self._monotonic = monotonic
        self._owner: Owner = pid_files.this_process()
        self._watched: list[_Watched] = []

    @property
    def run_dir(self) -> Path:
        return self._run_dir

    @property
    def owner(self) -> Owner:
        return self._owner

    def end_left_overs(self, *, grace_seconds: float) -> int:
        """End what an earlier run that was killed left running. Call once, before starting anything."""
        ended = pid_files.end_all(self._run_dir, pid_files.entries(self._run_dir), grace_seconds=grace_seconds)
        for process in ended:
            self._telemetry.stale_child_ended(process.name, pid=process.pid)
        return len(ended)

    def start(self, service: Service) -> None:
        """Start it and keep it running from now on. Raises what its start raises: the first one must
        succeed."""
        watched = _Watched(service)
        self._watched.append(watched)
        self._launch(watched)

    def tick(self) -> tuple[str, ...]:
        """Look at every service, restart what is due; the names of those that do not run now."""
        now = self._monotonic()
        for watched in self._watched:
            if watched.restart_at is None:
                status = watched.service.status()
                if status is not None:
                    self._note_death(watched, status, now)
            if watched.restart_at is not None and now >= watched.restart_at:
                self._restart(watched)
        return tuple(w.service.name for w in self._watched if w.restart_at is not None)

    def stop_all(self, *, grace_seconds: float) -> None:
        """Stop in reverse order of start, each within the grace; what is up last depends on what was
        first."""
        while self._watched:
            watched = self._watched.pop()
            forced = watched.service.stop(grace_seconds)
            pid_files.forget(self._run_dir, watched.service.name)
            self._telemetry.child_stopped(watched.service.name, status=watched.service.status(), forced=forced)

    def _launch(self, watched: _Watched) -> None:
        service = watched.service
        pid = service.start()
        pid_files.record(self._run_dir, self._owner, name=service.name, pid=pid, stop_signal=service.stop_signal)
        watched.started_at, watched.restart_at = self._monotonic(), None
        self._telemetry.child_started(service.name, pid=pid)

    def _restart(self, watched: _Watched) -> None:
        try:
            self._launch(watched)
        except (ConnectorFailure, OSError):
            self._note_death(watched, _FAILED_TO_START, self._monotonic())

    def _note_death(self, watched: _Watched, status: int, now: float) -> None:
        if now - watched.started_at >= HEALTHY_SECONDS:
            watched.failures = 0
        watched.failures += 1
        delay = restart_delay(watched.failures)
        watched.restart_at = now + delay
        self._telemetry.child_died(watched.service.name, status=status, restart_in=delay)


class DataDirLock:
    """Held by the one run that owns a data directory; the operating system frees it however the run ends."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._fd: int | None = None

    def take(self) -> bool:
        """True when taken, False when another process has it."""
        import fcntl  # not on Windows, where `masa up` is run under WSL

        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def release(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None
