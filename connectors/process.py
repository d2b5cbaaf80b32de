"""Long-running programs that we start and may find again: after a crash of ours, or of theirs.

A pid file alone proves nothing, since pids are reused; a process counts as ours only when its command line also holds a
`marker` that nobody else's does (the path of its own configuration file).
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from connectors.waiting import wait_until

LOG_TAIL_LINES = 12
EXEC_SECONDS = 10.0


class RunAs(NamedTuple):
    """Numeric user and group to switch to; only root can."""

    uid: int
    gid: int


def spawn(argv: Sequence[str], *, pid_file: Path, output: Path, run_as: RunAs | None = None) -> psutil.Process:
    """Start `argv` in a session of its own, so that ctrl-C reaches only us; output is appended to `output`."""
    with output.open("ab") as sink:
        process = psutil.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            **switch_to(run_as),
        )
    pid_file.write_text(f"{process.pid}\n")
    # Between the kernel's exec and its filling in of the arguments the command line reads as empty, and `find` would
    # not know the process as ours.
    wait_until(lambda: _arguments_known(process), timeout=EXEC_SECONDS, what=f"the start of `{argv[0]}`")
    return process


def _arguments_known(process: psutil.Process) -> bool:
    try:
        return bool(process.cmdline()) or not alive(process)
    except psutil.Error:
        return True  # it has ended already, which the caller will see


def switch_to(run_as: RunAs | None) -> dict[str, Any]:
    """Keyword arguments of `subprocess.Popen` that give up root's rights, supplementary groups included."""
    return {} if run_as is None else {"user": run_as.uid, "group": run_as.gid, "extra_groups": []}


def find(pid_file: Path, marker: str) -> psutil.Process | None:
    """The live process that `pid_file` names, if it is really ours; None for a stale file."""
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        command = " ".join(process.cmdline())
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return process if marker in command and alive(process) else None


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; collects the exit of a child of ours."""
    try:
        process.wait(timeout=0)
    except psutil.TimeoutExpired:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    return False


def stop(process: psutil.Process, *, timeout: float, gently: signal.Signals = signal.SIGTERM) -> bool:
    """Ask it to end, insist after `timeout` seconds. True when it ended by itself."""
    try:
        process.resume()  # a paused process would never see the request
        process.send_signal(gently)
        process.wait(timeout=timeout)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        kill(process)
        return False
    return True


def kill(process: psutil.Process) -> None:
    """SIGKILL, and wait until the kernel has let go of its ports and locks."""
    try:
        process.kill()
        process.wait(timeout=10)
    except psutil.NoSuchProcess:
        return


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The end of a log, for an error message about a program that would not start."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
