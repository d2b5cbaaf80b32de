"""The distribution owns its import names, carries its data, and carries nothing else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from streams.cli.runtime import VERSION

ROOT = Path(__file__).resolve().parents[1]
OURS = {"schemas", "connectors", "streams"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Files that go into the distribution, by setuptools itself, from the tracked files and without a network."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-c", "from setuptools import setup; setup()", "build", "--build-lib", str(out)]
    subprocess.run(build, cwd=copy, capture_output=True, check=True, timeout=120)
    return {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}


def tracked(*folders: str) -> set[str]:
    """Tracked files that are there."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_nobody_else_owns_our_import_names() -> None:
    """Another distribution with a package `schemas` would be imported in place of ours, or beside it."""
    owners = metadata.packages_distributions()
    assert {name: owners.get(name, []) for name in OURS if set(owners.get(name, [])) - {"masa-exchange"}} == {}


def test_the_distribution_carries_every_module_and_schema(packaged: set[str]) -> None:
    """Whatever is tracked in our packages is there after an ordinary installation."""
    assert sorted(tracked(*OURS) - packaged) == []


def test_the_distribution_carries_nothing_else(packaged: set[str]) -> None:
    """No tests, no deployment files."""
    assert {name.split("/")[0] for name in packaged} == OURS


def test_it_cannot_be_published_by_mistake() -> None:
    """The classifier makes the public index refuse it."""
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]


def test_every_dependency_is_pinned() -> None:
    """The same versions everywhere; stub packages follow their library."""
    groups = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    loose = [name for group in groups for name in group if "==" not in name and not name.startswith("types-")]
    assert loose == []


def test_the_command_says_the_version_of_the_distribution() -> None:
    """One number, in two places that agree."""
    assert PROJECT["project"]["version"] == VERSION
