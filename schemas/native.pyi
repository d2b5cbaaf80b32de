"""The compiled cutter, projector and digests: `schemas.native`, built from native.pyx where a C compiler is at hand.

`schemas.cutter`, `schemas.projector` and hashlib are the reference; property tests hold these to the same answers.
Chosen by `schemas.acceleration` only.
"""

from collections.abc import Iterable
from typing import Any

from schemas.cut_program import CutProgram

SOURCE_STAMP: str  # of the sources it was built from

class Cutter:
    """Executes a cut program. Not thread-safe: it holds what the last cut found.

    `synthetic_ok=False` is not sure of NHS numbers of the test range. Raises `ValueError` for an unsound program.
    """

    def __init__(self, program: CutProgram, *, synthetic_ok: bool) -> None: ...
    @property
    def units(self) -> tuple[Any, ...]: ...
    def cut(self, data: bytes, start: int) -> tuple[tuple[Any, ...], tuple[int, ...]]:
        """As `schemas.cutter.Cutter.cut`. Raises `CutError` when in doubt."""

class Projector:
    """As `schemas.projector.compile_projector`.

    `pieces` are (first unit, unit after the last, nulls or None when copied, whether only if anything is there).
    Raises `ValueError` for pieces or cuts that are not sound.
    """

    def __init__(
        self, pieces: Iterable[tuple[int, int, bytes | None, bool]], unit_count: int, frame: bytes
    ) -> None: ...
    def __call__(self, data: bytes, cuts: tuple[int, ...]) -> bytes: ...

def sha256(data: bytes, *, plain: bool = False) -> bytes:
    """32 bytes; `plain` without the processor's own instructions for it."""

def hmac_sha256(key: bytes, data: bytes, *, plain: bool = False) -> bytes:
    """32 bytes."""

def sure(fmt: int, text: bytes, *, synthetic_ok: bool) -> bool:
    """Whether a text surely is UTF-8 and valid for a format, given as its index in `cut_program.FORMATS`."""
