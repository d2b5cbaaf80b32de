"""Frames: the few bytes before an Avro value that name the schema it was written with.

Two standards are read. Avro single-object encoding (`C3 01` and the schema's CRC-64-AVRO fingerprint, little-endian)
needs no server and is what we write. The Confluent frame (`00` and a registry's id, big-endian) is read when a
registry is configured.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from schemas.errors import FrameError
from schemas.vocabulary import RejectReason

SINGLE_OBJECT_MARK = b"\xc3\x01"
CONFLUENT_MARK = b"\x00"
FINGERPRINT_BYTES = 8
SCHEMA_ID_BYTES = 4
_SINGLE_OBJECT_HEAD = len(SINGLE_OBJECT_MARK) + FINGERPRINT_BYTES
_CONFLUENT_HEAD = len(CONFLUENT_MARK) + SCHEMA_ID_BYTES


class FrameKind(StrEnum):
    SINGLE_OBJECT = "SINGLE_OBJECT"
    CONFLUENT = "CONFLUENT"


class Framed(NamedTuple):
    """What a frame says. The value's own bytes start at `offset`."""

    kind: FrameKind
    fingerprint: bytes | None  # 8 bytes as on the wire; only SINGLE_OBJECT
    schema_id: int | None  # only CONFLUENT
    offset: int


def frame(fingerprint: bytes, payload: bytes) -> bytes:
    """Single-object encoding of a payload written with the schema of that fingerprint (8 bytes)."""
    if len(fingerprint) != FINGERPRINT_BYTES:
        raise ValueError(f"fingerprint has {len(fingerprint)} bytes: it must have {FINGERPRINT_BYTES}")
    return SINGLE_OBJECT_MARK + fingerprint + payload


def frame_confluent(schema_id: int, payload: bytes) -> bytes:
    """Confluent frame of a payload written with the registry's schema of that id."""
    return CONFLUENT_MARK + schema_id.to_bytes(SCHEMA_ID_BYTES, "big") + payload


def unframe(data: bytes) -> Framed:
    """Read a frame. Raises `FrameError` with EMPTY or FRAMING."""
    if not data:
        raise FrameError(RejectReason.EMPTY, "value is empty: a framed Avro value is expected")
    if data[:2] == SINGLE_OBJECT_MARK:
        if len(data) < _SINGLE_OBJECT_HEAD:
            raise _cut_short(len(data), _SINGLE_OBJECT_HEAD)
        return Framed(FrameKind.SINGLE_OBJECT, data[2:_SINGLE_OBJECT_HEAD], None, _SINGLE_OBJECT_HEAD)
    if data[:1] == CONFLUENT_MARK:
        if len(data) < _CONFLUENT_HEAD:
            raise _cut_short(len(data), _CONFLUENT_HEAD)
        schema_id = int.from_bytes(data[1:_CONFLUENT_HEAD], "big")
        return Framed(FrameKind.CONFLUENT, None, schema_id, _CONFLUENT_HEAD)
    raise FrameError(
        RejectReason.FRAMING,
        "value has no known frame: it must start with C3 01 and an 8-byte fingerprint (Avro single-object encoding) "
        "or with 00 and a 4-byte id (Confluent)",
    )


def _cut_short(length: int, needed: int) -> FrameError:
    return FrameError(
        RejectReason.FRAMING, f"value ends inside its frame: {length} bytes, the frame alone takes {needed}"
    )
