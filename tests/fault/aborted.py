"""Counts aborted transactions in Kafka's own files: proof that kills hit work in progress, and not the pauses between.

Reads the log segments of one topic from a local broker's data directory (record batches of format 2; a control batch
holds one record whose key is version and type, 0 for abort and 1 for commit).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_HEAD = struct.Struct(">qiibIhiqqqhii")  # base offset … record count
_LENGTH_AT = 12  # bytes before what the batch's length counts
_CONTROL = 0x20
_ABORT = 0


class Marker(NamedTuple):
    """The end of one producer's transaction, as one partition has it."""

    producer: int
    epoch: int
    aborted: bool


def aborted_transactions(broker_data: Path, topic: str) -> int:
    """How many transactions that wrote to `topic` were aborted. An epoch ends with the transaction that is cut off."""
    ends = (marker for log in sorted(broker_data.glob(f"**/{topic}-*/*.log")) for marker in _markers(log.read_bytes()))
    return len({(marker.producer, marker.epoch) for marker in ends if marker.aborted})


def _markers(segment: bytes) -> Iterator[Marker]:
    at = 0
    while at + _HEAD.size <= len(segment):
        _, length, _, magic, _, attributes, _, _, _, producer, epoch, _, _ = _HEAD.unpack_from(segment, at)
        if length <= 0 or magic != 2:
            return  # preallocated or cut short: the end of the file
        if attributes & _CONTROL:
            yield Marker(producer, epoch, _control_type(segment[at + _HEAD.size : at + _LENGTH_AT + length]) == _ABORT)
        at += _LENGTH_AT + length


def _control_type(record: bytes) -> int:
    """The type in the key of a control batch's only record: five variable-length numbers come before it."""
    at = 0
    for skipped in range(5):
        at += 1 if skipped == 1 else _varint_size(record, at)  # attributes are one plain byte
    (_, kind) = struct.unpack_from(">hh", record, at)
    return int(kind)


def _varint_size(data: bytes, at: int) -> int:
    size = 1
    while data[at + size - 1] & 0x80:
        size += 1
    return size
