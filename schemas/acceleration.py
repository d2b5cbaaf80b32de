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
    """The compiled modules by name, empty when they are not used; then `reason` says why, `advice` what to do."""

    modules: dict[str, ModuleType]
    reason: str | None = None
    advice: str = ""


PLAIN = Acceleration({}, "not asked for")
_INSTALL = "run `make install` again"


def acceleration(*, wanted: bool = True) -> Acceleration:
    """The compiled modules if they are `wanted`, are there, and belong to the sources beside them: all or none."""
    if not wanted:
        return Acceleration({}, "switched off", "unset MASA_PURE_PYTHON")
    stamp = source_stamp(ROOT)
    modules = {}
    for name in MODULES:
        try:
            module = import_module(name)
        except ImportError:
            compiler = "install a C compiler and Python's headers (Debian: `apt-get install gcc python3-dev`)"
            return Acceleration({}, "not built: the router takes four times the CPU", f"{compiler}, then {_INSTALL}")
        if stamp != module.SOURCE_STAMP:
            return Acceleration({}, "built from other sources", _INSTALL)
        modules[name] = module
    return Acceleration(modules)


def source_stamp(root: Path, sources: Sequence[str] = SOURCES) -> str:
    """What a build belongs to: a digest of its sources."""
    digest = hashlib.sha256()
    for source in sources:
        content = (root / source).read_bytes()
        digest.update(f"{source}:{len(content)}:".encode() + content)
    return digest.hexdigest()
