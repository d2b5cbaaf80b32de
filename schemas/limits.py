"""How much of a record that is refused or held is kept.

An outbox takes at most 2 MiB, but of compressed bytes: what they unpack to has no bound. What is kept must fit into one
record of `masa.rejected`, or a single hostile record would stop routing. The whole record stays in its outbox, at the
position that the kept one names, for as long as the outbox keeps records.
"""

from __future__ import annotations

from collections.abc import Iterable

KEPT_VALUE_BYTES = 2 * 1024 * 1024
KEPT_KEY_BYTES = 64 * 1024
KEPT_HEADER_BYTES = 256 * 1024  # names and values together

Header = tuple[str, bytes | None]


def kept_key(key: bytes | None) -> bytes | None:
    """The key, or its beginning."""
    return None if key is None else key[:KEPT_KEY_BYTES]


def kept_value(value: bytes | None) -> bytes | None:
    """The value, or its first 2 MiB."""
    return None if value is None else value[:KEPT_VALUE_BYTES]


def kept_headers(headers: Iterable[Header]) -> list[Header]:
    """The headers, as far as they fit."""
    kept: list[Header] = []
    room = KEPT_HEADER_BYTES
    for name, value in headers:
        room -= len(name.encode()) + len(value or b"")
        if room < 0:
            break
        kept.append((name, value))
    return kept
