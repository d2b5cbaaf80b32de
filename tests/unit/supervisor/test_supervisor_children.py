"""The supervisor with real child processes and a clock of the test's own."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from connectors import pid_files
from connectors.supervisor import (
    FIRST_DELAY_SECONDS,
    HEALTHY_SECONDS,
    LONGEST_DELAY_SECONDS,
    DataDirLock,
    ProcessService,
    Supervisor,
    restart_delay,
)
from connectors.telemetry import Telemetry
from connectors.waiting import wait_until

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


class Bench:
    """A supervisor under test, its clock and its directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.now = 0.0
        telemetry = Telemetry(process="up", clock=lambda: 0.0)
        self.supervisor = Supervisor(data_dir, telemetry, monotonic=lambda: self.now)

    def child(self, program: str, name: str = "worker-0") -> ProcessService:
        return ProcessService(
            name=name, argv=(sys.executable, "-c", program), env=dict(os.environ), log_dir=self.data_dir
        )

    def start(self, program: str, name: str = "worker-0") -> int:
        """Start it and return its pid once it has said that it is up."""
        self.supervisor.start(self.child(program, name))
        self.wait(lambda: "up" in self.log(name))
        return self.pid(name)

    def pid(self, name: str = "worker-0") -> int:
        return next(entry.pid for entry in pid_files.entries(self.supervisor.run_dir) if entry.name == name)

    def log(self, name: str = "worker-0") -> str:
        return (self.data_dir / f"{name}.log").read_text()

    def wait(self, condition: Callable[[], object]) -> None:
        wait_until(condition, timeout=20, what="the condition of the test")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.supervisor.stop_all(grace_seconds=0.1)


def test_a_killed_child_is_restarted_at_once(bench: Bench) -> None:
    """The first restart comes a tenth of a second after the death, as a new process under the old name."""
    pid = bench.start(SLEEPS)
    psutil.Process(pid).kill()
    bench.wait(lambda: bench.supervisor.tick() == ("worker-0",))
    bench.now += FIRST_DELAY_SECONDS
    assert bench.supervisor.tick() == ()
    assert bench.pid() != pid


def test_a_child_that_keeps_dying_is_restarted_ever_more_slowly(bench: Bench) -> None:
    """The pause doubles with each death in a row."""
    bench.start("print('up', flush=True)")
    pauses = []
    for _ in range(3):
        bench.wait(lambda: bench.supervisor.tick() == ("worker-0",))
        began = bench.now
        while bench.supervisor.tick():
            bench.now += 1 / 1024
        pauses.append(round(bench.now - began, 2))
    assert pauses == [0.1, 0.2, 0.4]


def test_the_pause_is_capped() -> None:
    """However often a child dies, it is tried again within ten seconds."""
    assert restart_delay(1) == FIRST_DELAY_SECONDS
    assert restart_delay(1_000_000) == LONGEST_DELAY_SECONDS


def test_a_child_that_ran_well_starts_its_count_anew(bench: Bench) -> None:
    """A death after half a minute of work is a first failure again."""
    bench.start(SLEEPS)
    for _ in range(2):
        psutil.Process(bench.pid()).kill()
        bench.wait(lambda: bench.supervisor.tick() == ("worker-0",))
        bench.now += FIRST_DELAY_SECONDS
        assert bench.supervisor.tick() == ()
        bench.now += HEALTHY_SECONDS


def test_children_are_stopped_in_reverse_order_and_leave_no_pid_file(bench: Bench) -> None:
    """What was started last depends on what was first, so it goes first."""
    say = "import signal, sys, time; signal.signal(15, lambda *_: (open('order', 'a').write('{0} '), sys.exit()));"
    for name in ("first", "second"):
        program = f"import os; os.chdir({str(bench.data_dir)!r}); {say.format(name)} {SLEEPS}"
        bench.start(program, name)
    bench.supervisor.stop_all(grace_seconds=10)
    assert (bench.data_dir / "order").read_text() == "second first "
    assert pid_files.entries(bench.supervisor.run_dir) == ()


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(bench: Bench) -> None:
    """Stopping takes no longer than the grace."""
    pid = bench.start(DEAF)
    bench.supervisor.stop_all(grace_seconds=0.2)
    assert not psutil.pid_exists(pid)


def test_a_new_run_ends_what_a_killed_run_left(bench: Bench) -> None:
    """Only what the pid files name, with the start time they name, is ended."""
    pid = bench.start(SLEEPS)
    entry = pid_files.entries(bench.supervisor.run_dir)[0]
    stranger = ProcessService(
        name="x", argv=(sys.executable, "-c", SLEEPS), env=dict(os.environ), log_dir=bench.data_dir
    )
    reused = stranger.start()  # stands for a stranger that was given a pid of the killed run
    stale = {**entry.__dict__, "name": "stale", "pid": reused, "started_at": entry.started_at - 1_000}
    (bench.supervisor.run_dir / "stale.pid").write_text(json.dumps(stale))
    following = Bench(bench.data_dir)
    assert following.supervisor.end_left_overs(grace_seconds=5) == 1
    assert not pid_files.is_running(pid, entry.started_at)
    assert stranger.status() is None
    assert pid_files.entries(bench.supervisor.run_dir) == ()
    stranger.stop(5)


def test_a_pid_file_cut_short_by_a_crash_is_passed_over(bench: Bench) -> None:
    """One bad file does not keep the others from being read."""
    pid = bench.start(SLEEPS)
    (bench.supervisor.run_dir / "bad.pid").write_text('{"name": "ba')
    assert [entry.pid for entry in pid_files.entries(bench.supervisor.run_dir)] == [pid]


def test_only_one_run_holds_a_data_directory(tmp_path: Path) -> None:
    """The second is refused until the first lets go."""
    first, second = DataDirLock(tmp_path), DataDirLock(tmp_path)
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


def test_children_do_not_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the supervisor closes the reaper's pipe, and the reaper ends the children."""
    program = f"""
import os, sys, time
from pathlib import Path
from connectors.reaper import start_reaper
from connectors.supervisor import ProcessService, Supervisor
from connectors.telemetry import Telemetry
supervisor = Supervisor(Path({str(tmp_path)!r}), Telemetry(process="up", clock=time.time), monotonic=time.monotonic)
reaper = start_reaper(supervisor.run_dir, supervisor.owner)
child = (sys.executable, "-c", {SLEEPS!r})
supervisor.start(ProcessService(name="worker-0", argv=child, env=dict(os.environ), log_dir=Path({str(tmp_path)!r})))
print("up", flush=True)
time.sleep(600)
"""
    owner = ProcessService(name="owner", argv=(sys.executable, "-c", program), env=dict(os.environ), log_dir=tmp_path)
    pid = owner.start()
    wait_until(lambda: "up" in (tmp_path / "owner.log").read_text(), timeout=20, what="the start")
    child = pid_files.entries(tmp_path / "run")[0]
    os.kill(pid, signal.SIGKILL)
    owner.stop(5)
    wait_until(lambda: not pid_files.is_running(child.pid, child.started_at), timeout=20, what="the child's end")
    wait_until(lambda: pid_files.entries(tmp_path / "run") == (), timeout=20, what="the pid file's end")
