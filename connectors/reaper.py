"""Ends a run's children when the run itself is killed.

`python -m connectors.reaper RUN_DIR OWNER_PID OWNER_STARTED_AT` waits until its standard input closes. The
owner holds the other end of that pipe, so the operating system closes it however the owner ends, SIGKILL
included. What the owner's pid files still name is then asked to stop, and killed after a grace. After an
orderly stop they name nothing and this process just leaves.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from connectors.pid_files import Owner, end_all, owned_by

GRACE_SECONDS = 10.0


def start_reaper(run_dir: Path, owner: Owner) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that neither ctrl-C nor a hang-up of the terminal ends it
    first."""
    command = [sys.executable, "-P", "-m", "connectors.reaper", str(run_dir), str(owner.pid), repr(owner.started_at)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def main(arguments: list[str]) -> int:
    """Wait for the owner's end, then end its children. Returns the exit status."""
    run_dir, owner = Path(arguments[0]), Owner(pid=int(arguments[1]), started_at=float(arguments[2]))
    sys.stdin.buffer.read()
    end_all(run_dir, owned_by(run_dir, owner), grace_seconds=GRACE_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
