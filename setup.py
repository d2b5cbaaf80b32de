"""Builds the compiled modules, which do the router's innermost work where a C compiler is at hand.

They are optional: without a compiler the installation goes on, and the plain modules that they stand in for do the same
work more slowly. `masa doctor` says which are in use.
"""

import runpy
import sys
from pathlib import Path

from setuptools import Extension, setup

try:
    from Cython.Build import cythonize
except ImportError:  # a build requirement, so this is a build that went around them
    cythonize = None

ROOT = Path(__file__).resolve().parent


def extensions() -> list[Extension]:
    """One extension for each compiled module; none without Cython."""
    if cythonize is None:
        return []
    known = runpy.run_path(str(ROOT / "schemas" / "acceleration.py"))
    made = [
        Extension(
            name,
            [name.replace(".", "/") + ".pyx"],
            include_dirs=["schemas"],
            depends=list(known["SOURCES"]),
            define_macros=[("MASA_SOURCE", f'"{known["source_stamp"](ROOT)}"')],
            extra_compile_args=[] if sys.platform == "win32" else ["-O3"],
        )
        for name in known["MODULES"]
    ]
    built: list[Extension] = cythonize(made, build_dir="build/native", quiet=True, force=True, show_all_warnings=False)
    for each in built:
        each.optional = True  # Cython makes extensions anew and forgets it
    return built


# Always built anew: file times say nothing after a checkout, and the stamp must be that of the sources.
setup(ext_modules=extensions(), options={"build_ext": {"force": True}})
