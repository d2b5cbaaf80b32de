"""`masa rules test --watch`: what changes is run again, and ctrl-C ends it with the status of the last run."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from connectors.waiting import wait_until
from streams.cli.watching import runs
from tests.unit.policy.area_folder import FILES, write_areas

RULES = "north/rules/all.yaml"


def test_it_runs_at_once_and_after_each_change(tmp_path: Path) -> None:
    """One run at the start, one for each file that is written anew or goes away; none while nothing changes."""
    folder = write_areas(tmp_path, FILES).parent
    new = folder / "north" / "rules" / "new.yaml"
    looks = iter([
        lambda: None,
        lambda: new.write_text("rules: []"),
        lambda: None,
        lambda: None,
        new.unlink,
        lambda: None,
    ])  # fmt: skip
    done: list[int] = []

    def pause(seconds: float) -> None:
        step = next(looks, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    def run() -> bool:
        done.append(len(done))
        return True

    found = runs(folder, run, pause)
    results = []
    try:
        for result in found:
            results.append(result)
    except KeyboardInterrupt:
        pass
    assert results == [True, True, True]


def test_a_burst_of_writes_is_one_run(tmp_path: Path) -> None:
    """An editor that writes several times is waited for, and its last word is what runs."""
    folder = write_areas(tmp_path, FILES).parent
    file = folder / RULES
    texts = iter(["rules:", "rules: [", "rules: []", None, None])
    ran: list[str] = []

    def pause(seconds: float) -> None:
        text = next(texts)
        if text is not None:
            file.write_text(text)

    def run() -> bool:
        ran.append(file.read_text())
        return True

    found = runs(folder, run, pause)
    next(found)
    next(found)
    assert ran[1:] == ["rules: []"]


def test_ctrl_c_ends_with_the_status_of_the_last_run(tmp_path: Path) -> None:
    """The real command: a mistake is shown and watching goes on; interrupted after it, the status is 1."""
    folder = write_areas(tmp_path, FILES)
    said = tmp_path / "said"
    with said.open("wb") as sink:
        command = [sys.executable, "-m", "streams.cli", "rules", "test", "--watch", str(folder)]
        # A test run in the background ignores ctrl-C, and so would what it starts.
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=sink,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )
    try:
        wait_until(lambda: said.read_text().count("ctrl-C ends") == 1, timeout=30, what="the first run")
        (tmp_path / RULES).write_text(FILES[RULES].replace("share: school", "share: shool"))
        wait_until(lambda: said.read_text().count("ctrl-C ends") == 2, timeout=30, what="the second run")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 1
    finally:
        process.kill()
    text = said.read_text()
    assert "did you mean `school`" in text
    assert "Traceback" not in text
