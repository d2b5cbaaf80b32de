"""The hash chain of an audit partition, and the Merkle tree over a stretch of it. Pure.

    leaf  = SHA-256(0x00 | partition, 4 bytes | offset, 8 bytes | the audit record as it was read)
    node  = SHA-256(0x01 | left | right)                    a tree as of RFC 6962: no leaf can be taken for a node
    link  = SHA-256(0x02 | link of the record before | leaf)   the first one's predecessor is 32 zero bytes

A link says everything that came before it, in order. It depends on the stream alone, not on how it was read in batches:
a ledger that is built anew from the same stream has the same links, so what was signed about the old one holds for it.

The ledger keeps the leaves beside its rows, a *segment* for each batch and partition, so that whoever changes a row
without knowing better is not only found out but told which row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

GENESIS = bytes(32)
_PLACE = Struct(">BIQ")
_ENTRY = Struct(">Q32s")

Digest = bytes  # 32 bytes


class Entry(NamedTuple):
    """A record in the chain."""

    offset: int
    leaf: Digest


class Head(NamedTuple):
    """Where a partition's chain has got to. `first` and `last` are offsets of records, -1 while there is none."""

    first: int = -1
    last: int = -1
    rows: int = 0
    link: Digest = GENESIS


class Segment(NamedTuple):
    """A stretch of a partition's chain as the ledger keeps it: at least one entry, and the head after the last."""

    partition: int
    entries: Sequence[Entry]
    head: Head


def leaf_of(partition: int, offset: int, record: bytes) -> Digest:
    return sha256(_PLACE.pack(0, partition, offset) + record).digest()


def link_of(previous: Digest, leaf: Digest) -> Digest:
    return sha256(b"\2" + previous + leaf).digest()


def extended(head: Head, entries: Iterable[Entry]) -> Head:
    """The head after some more records, in offset order."""
    first, last, rows, link = head
    for offset, leaf in entries:
        if not rows:
            first = offset
        link = sha256(b"\2" + link + leaf).digest()
        last = offset
        rows += 1
    return Head(first, last, rows, link)


def segment(partition: int, head: Head, records: Iterable[tuple[int, bytes]]) -> Segment:
    """The next stretch after `head`: (offset, record) in offset order, at least one."""
    entries = [Entry(offset, leaf_of(partition, offset, record)) for offset, record in records]
    return Segment(partition, entries, extended(head, entries))


def packed(entries: Iterable[Entry]) -> bytes:
    """40 bytes an entry."""
    return b"".join([_ENTRY.pack(*entry) for entry in entries])


def unpacked(data: bytes) -> list[Entry]:
    """What `packed` wrote. Raises ValueError for anything else."""
    if len(data) % _ENTRY.size:
        raise ValueError(f"{len(data)} bytes are no whole number of entries")
    return [Entry(*each) for each in _ENTRY.iter_unpack(data)]


# --- the tree -------------------------------------------------------------------------------------------------


def root_of(leaves: Sequence[Digest]) -> Digest:
    """The Merkle root; 32 zero bytes for no leaves."""
    level = list(leaves)
    if not level:
        return GENESIS
    while len(level) > 1:
        level = list(_parents(level))
    return level[0]


def path_of(leaves: Sequence[Digest], index: int) -> list[tuple[str, Digest]]:
    """What proves that leaf `index` is under the root: ("left" or "right", sibling), from the leaf upwards."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    path, level = [], list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(("left" if sibling < index else "right", level[sibling]))
        level, index = list(_parents(level)), index // 2
    return path


def root_from(leaf: Digest, path: Iterable[tuple[str, Digest]]) -> Digest:
    """The root that a path leads to."""
    for side, sibling in path:
        pair = sibling + leaf if side == "left" else leaf + sibling
        leaf = sha256(b"\1" + pair).digest()
    return leaf


def _parents(level: Sequence[Digest]) -> Iterator[Digest]:
    """One level up; an odd last one is lifted as it is, which gives RFC 6962's tree."""
    for at in range(0, len(level) - 1, 2):
        yield sha256(b"\1" + level[at] + level[at + 1]).digest()
    if len(level) % 2:
        yield level[-1]
