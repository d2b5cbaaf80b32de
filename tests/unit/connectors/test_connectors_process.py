"""Child processes found again: a pid file is a hint, not a proof."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from connectors import process
from connectors.errors import NotReady
from connectors.waiting import Deadline, wait_until

IGNORES_TERM = (
    "import signal,sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
)


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    return tmp_path / "child.pid"


def start(pid_file: Path, code: str = "import signal; signal.pause()") -> process.psutil.Process:
    marker = str(pid_file.with_suffix(".conf"))
    argv = [sys.executable, "-c", code, marker]
    return process.spawn(argv, pid_file=pid_file, output=pid_file.with_suffix(".log"))


def find(pid_file: Path) -> process.psutil.Process | None:
    return process.find(pid_file, str(pid_file.with_suffix(".conf")))


def test_a_child_is_found_by_its_pid_file_until_it_ends(pid_file: Path) -> None:
    """Also by another process that did not start it."""
    child = start(pid_file)
    assert find(pid_file) == child
    assert process.stop(child, timeout=10)
    assert find(pid_file) is None


@pytest.mark.parametrize("text", ["", "x", "-5", "999999999", "of the test itself"])
def test_a_pid_file_that_names_nobody_of_ours_finds_nothing(pid_file: Path, text: str) -> None:
    """Empty, damaged, stale, or reused by another program: here by the test itself."""
    pid_file.write_text(str(os.getpid()) if text == "of the test itself" else text)
    assert find(pid_file) is None


def test_a_child_that_does_not_listen_is_killed(pid_file: Path) -> None:
    """`stop` returns in time and says that it had to insist."""
    child = start(pid_file, IGNORES_TERM)
    wait_until(lambda: "up" in process.tail(pid_file.with_suffix(".log")), timeout=10, what="the child being up")
    assert not process.stop(child, timeout=0.2)
    assert not process.alive(child)


def test_a_paused_child_is_stopped_too(pid_file: Path) -> None:
    """A fault test that stopped a process with SIGSTOP need not remember to wake it."""
    child = start(pid_file)
    child.send_signal(signal.SIGSTOP)
    assert process.stop(child, timeout=10)


def test_a_killed_child_is_gone_at_once(pid_file: Path) -> None:
    """After `kill` its ports and locks are free: nothing needs to wait."""
    child = start(pid_file)
    process.kill(child)
    process.kill(child)
    assert not process.alive(child)


def test_waiting_says_what_did_not_happen() -> None:
    """Within its deadline, and it does not wait when there is nothing to wait for."""
    wait_until(lambda: True, timeout=0, what="nothing")
    with pytest.raises(NotReady, match=r"the moon rising did not happen within 0\.1 s"):
        wait_until(lambda: False, timeout=0.1, what="the moon rising")


def test_a_deadline_is_never_negative() -> None:
    """What is left can be handed to any call that takes a timeout."""
    assert Deadline(0).remaining() == 0
    assert Deadline(0).passed
    assert not Deadline(60).passed
