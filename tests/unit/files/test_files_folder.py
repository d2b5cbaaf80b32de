"""A drop folder: which files are taken, by whom, and where they go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors.errors import ChangeSettings
from connectors.files.folder import DropFolder


@pytest.fixture
def folder(tmp_path: Path) -> DropFolder:
    return DropFolder(tmp_path, (".csv",), settle=2.0)


def test_a_file_is_taken_when_it_has_come_to_rest(folder: DropFolder) -> None:
    """While it grows it is left alone; two seconds without a change are enough."""
    file = folder.path / "a.csv"
    file.write_text("1")
    assert folder.settled(100.0) == []
    file.write_text("12")
    assert folder.settled(101.9) == []
    assert folder.settled(103.8) == []
    assert folder.settled(103.9) == [file]


def test_only_plain_finished_files_of_its_kind_are_taken(folder: DropFolder) -> None:
    """Links could name any file of the machine; hidden and partial ones are still being written."""
    (folder.path / "other.txt").write_text("x")
    (folder.path / ".hidden.csv").write_text("x")
    (folder.path / "b.csv.part").write_text("x")
    (folder.path / "link.csv").symlink_to("/etc/passwd")
    (folder.path / "dir.csv").mkdir()
    os.mkfifo(folder.path / "pipe.csv")
    right = folder.path / "RIGHT.CSV"
    right.write_text("x")
    folder.settled(0.0)
    assert folder.settled(10.0) == [right]


def test_one_of_two_takers_gets_a_file(folder: DropFolder) -> None:
    """Taking is a rename; who comes second gets nothing."""
    other = DropFolder(folder.path, (".csv",), settle=0)
    file = folder.path / "a.csv"
    file.write_text("x")
    taken = folder.take(file)
    assert taken is not None
    assert other.take(file) is None
    assert folder.left() == other.left() == [taken]


def test_files_of_one_name_are_kept_apart(folder: DropFolder) -> None:
    """Suppliers give the same name every night; no report overwrites another."""
    names = set()
    for _ in range(3):
        (folder.path / "a.csv").write_text("x")
        taken = folder.take(folder.path / "a.csv")
        assert taken is not None
        names.update(path.name for path in folder.outputs(taken))
        folder.finish(taken, keep=True)
    assert len(names) == 9
    assert len(list((folder.path / "done").iterdir())) == 3
    assert folder.left() == []


def test_what_is_imported_is_not_kept_for_ever(folder: DropFolder) -> None:
    """Imported files and reports go after some days; what is in quarantine waits for a person."""
    for place in ("done", "reports", "quarantine"):
        (folder.path / place / "x.csv").write_text("x")
        os.utime(folder.path / place / "x.csv", (1_000, 1_000))
    assert folder.tidy(2_000) == 2
    assert (folder.path / "quarantine" / "x.csv").exists()


def test_others_cannot_look_into_its_folders(folder: DropFolder) -> None:
    """Files about children are for the importer's user only."""
    for name in (".taken", "done", "quarantine", "reports"):
        assert (folder.path / name).stat().st_mode & 0o077 == 0


def test_a_folder_that_is_not_there_is_a_setting_to_change(tmp_path: Path) -> None:
    """It is not made up: the supplier's system would write elsewhere."""
    with pytest.raises(ChangeSettings, match="is not a folder"):
        DropFolder(tmp_path / "none", (".csv",), settle=0)
