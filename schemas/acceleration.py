"""Whether the compiled modules are used: the one place that chooses.

They stand in for plain modules that do the same work more slowly, and which property tests hold them to. They are
optional: a machine without a C compiler has none. A build that does not belong to the sources beside it, as after an
update without a new installation, counts as none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
# Everything that decides what a compiled module does, besides the plain modules that it calls.
SOURCES = (
    "schemas/sha256.h",
    "schemas/native.pxd",
    "schemas/native.pyx",
    "schemas/cut_program.py",
    "streams/routing/native.pyx",
    "streams/routing/fast_lane.py",
    "streams/routing/lane_desk.py",
)
MODULES = ("schemas.native", "streams.routing.native")


class Acceleration(NamedTuple):
    """The compiled modules by name, empty when they are not used; then `reason` says why, and what to do."""

    modules: dict[str, ModuleType]
    reason: str | None


PLAIN = Acceleration({}, "not asked for")


def acceleration(*, wanted: bool = True) -> Acceleration:
    """The compiled modules if they are `wanted`, are there, and belong to the sources beside them: all or none."""
    if not wanted:
        return Acceleration({}, "switched off")
    stamp = source_stamp(ROOT)
    modules = {}
    for name in MODULES:
        try:
            module = import_module(name)
        except ImportError:
            return Acceleration({}, "not built: install a C compiler (such as gcc) and install again")
        if stamp != module.SOURCE_STAMP:
            return Acceleration({}, "built from other sources: install again")
        modules[name] = module
    return Acceleration(modules, None)


def source_stamp(root: Path, sources: Sequence[str] = SOURCES) -> str:
    """What a build belongs to: a digest of its sources."""
    digest = hashlib.sha256()
    for source in sources:
        content = (root / source).read_bytes()
        digest.update(f"{source}:{len(content)}:".encode() + content)
    return digest.hexdigest()
