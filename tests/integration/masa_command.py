"""`masa` run as a person runs it: a process of its own, with a data directory of the test's."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from connectors.pid_files import RUN_DIR, PidEntry, entries, is_running
from connectors.waiting import wait_until
from schemas.examples import example, new_event_id
from schemas.json_form import to_json
from schemas.registry import load_event_types

ROOT = Path(__file__).resolve().parents[2]
NORTHSHIRE = ROOT / "deploy" / "areas" / "northshire"
MASA = (sys.executable, "-P", "-m", "streams.cli")
START_SECONDS = 150.0  # two busy cores; the first run of all also fetches Kafka
STOP_SECONDS = 90.0


class Exchange:
    """A running `masa up` and commands against it."""

    def __init__(self, data_dir: Path, *, env: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self._env = {**os.environ, "PYTHONFAULTHANDLER": "1", **(env or {})}
        self._up: subprocess.Popen[str] | None = None
        self._output = data_dir.parent / f"{data_dir.name}.out"

    def start(self, *arguments: str) -> None:
        """Start it and wait for the line `ready`."""
        command = [*MASA, "up", "--data-dir", str(self.data_dir), "--area", str(NORTHSHIRE), *arguments]
        with self._output.open("w") as sink:
            self._up = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, text=True, env=self._env)
        wait_until(self._ready_or_ended, timeout=START_SECONDS, what="`ready` of `masa up`")
        assert self._up.poll() is None, self.said()

    def _ready_or_ended(self) -> bool:
        assert self._up is not None
        return "ready" in self.said().splitlines() or self._up.poll() is not None

    def said(self) -> str:
        """Everything `masa up` has printed."""
        return self._output.read_text()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self._up is not None
        self._up.send_signal(signal.SIGTERM)
        return self._up.wait(STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL of `masa up` alone, as the kernel's out-of-memory killer would."""
        assert self._up is not None
        self._up.kill()
        self._up.wait(STOP_SECONDS)

    def close(self) -> None:
        """For the end of a test, whatever became of it."""
        if self._up is not None and self._up.poll() is None:
            self.stop()

    def connection(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data_dir / "connection.json").read_text())
        return found

    def masa(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One command, finished."""
        return subprocess.run(
            [*MASA, *arguments, "--data-dir", str(self.data_dir)],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=180,
            check=False,
            env=self._env,
        )

    def rows(self, *arguments: str, stdin: str = "", status: int = 0) -> list[dict[str, Any]]:
        """The JSON lines that a command prints."""
        done = self.masa(*arguments, stdin=stdin)
        assert done.returncode == status, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def example(self, event_type: str, **overrides: str) -> str:
        """An example event on one line, as `masa schemas example` makes it."""
        known = load_event_types()[event_type]
        now = time.time_ns() // 1_000_000
        event_id = new_event_id(now, secrets.randbits)
        datum = example(known, now_ms=now, event_id=event_id, overrides=overrides)
        return json.dumps(to_json(known, datum)) + "\n"

    def children(self) -> dict[str, PidEntry]:
        """What runs under `masa up`, by name, as its pid files say."""
        return {each.name: each for each in entries(self.data_dir / RUN_DIR) if is_running(each.pid, each.started_at)}

    def kill_child(self, name: str) -> None:
        """SIGKILL of one of them."""
        psutil.Process(self.children()[name].pid).kill()


def running(children: dict[str, PidEntry]) -> list[str]:
    """Names of those that still run."""
    return [name for name, each in children.items() if is_running(each.pid, each.started_at)]
