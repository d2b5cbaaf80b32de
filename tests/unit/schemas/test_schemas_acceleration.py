"""Whether the compiled modules are used, and what is said when they are not."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from schemas import acceleration as chosen
from schemas.acceleration import MODULES, ROOT, SOURCES, acceleration, source_stamp


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> str:
    """Stand-ins for the compiled modules, as built from the sources that are there."""
    stamp = source_stamp(ROOT)
    for name in MODULES:
        module = ModuleType(name)
        module.SOURCE_STAMP = stamp  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, module)
    return stamp


def test_they_are_used_when_they_belong_to_the_sources(built: str) -> None:
    """All of them, by name."""
    assert set(acceleration().modules) == set(MODULES)
    assert acceleration().reason is None


def test_they_are_not_used_when_switched_off(built: str) -> None:
    """MASA_PURE_PYTHON, read at the composition root."""
    found = acceleration(wanted=False)
    assert (found.modules, found.reason, found.advice) == ({}, "switched off", "unset MASA_PURE_PYTHON")


@pytest.mark.parametrize("name", MODULES)
def test_a_build_of_other_sources_counts_as_none(built: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an update without a new installation."""
    monkeypatch.setattr(sys.modules[name], "SOURCE_STAMP", "0" * 64)
    found = acceleration()
    assert found.modules == {}
    assert found.reason == "built from other sources"


@pytest.mark.parametrize("name", MODULES)
def test_a_machine_without_a_compiler_is_told_what_to_install(
    built: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One missing module is enough: all or none."""
    monkeypatch.setitem(sys.modules, name, None)  # as if it could not be found
    found = acceleration()
    assert found.modules == {}
    assert "C compiler" in found.advice


def test_every_source_decides_the_stamp(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A change in any of them makes a build stale."""
    copy = tmp_path_factory.mktemp("copy")
    for source in SOURCES:
        (copy / source).parent.mkdir(parents=True, exist_ok=True)
        (copy / source).write_bytes((ROOT / source).read_bytes())
    assert source_stamp(copy) == chosen.source_stamp(ROOT)
    for source in SOURCES:
        before = (copy / source).read_bytes()
        (copy / source).write_bytes(before + b" ")
        assert source_stamp(copy) != source_stamp(ROOT), source
        (copy / source).write_bytes(before)
