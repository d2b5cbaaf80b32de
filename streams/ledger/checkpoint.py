"""What the exchange signs about its ledger: how far each partition's chain has got, and a tree of what is new. Pure.

A checkpoint names its predecessor by digest, so none can be taken out; each *stretch* goes on from the one before it,
so anybody who kept a checkpoint can check everything after it. The signature scheme (Ed25519, connectors.signing) comes
in as a function. Nothing in a checkpoint is about a child.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from streams.ledger.chain import GENESIS, Entry, Head, extended, root_of
from streams.policy.artefact import canonical

PREFIX = b"masa-checkpoint-v1\n"
FIRST = ""  # what the first checkpoint names as its predecessor

Verify = Callable[[bytes, bytes, bytes], bool]  # (public key, signature, message) -> whether it is genuine


class ChainDiffers(Exception):  # noqa: N818 - an answer: such a chain is not signed
    """The chain in the database does not go on from what was signed before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A partition's records after offset `after` up to `last`, and where its chain is then. Digests in hexadecimal."""

    partition: int
    first: int  # offset of the first record of the whole chain
    after: int  # -1 when it begins with the chain
    last: int
    rows: int  # records of the chain up to `last`
    link: str
    root: str  # Merkle root over the leaves of this stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is signed. `at` in milliseconds since the epoch; only partitions that moved have a stretch."""

    sequence: int
    at: int
    previous: str  # digest of the checkpoint before
    stretches: tuple[Stretch, ...]

    def message(self) -> bytes:
        """The bytes that the signature is over."""
        return PREFIX + canonical(asdict(self))

    def digest(self) -> str:
        return sha256(self.message()).hexdigest()


class Signed(NamedTuple):
    """A record of `masa.checkpoints`."""

    checkpoint: Checkpoint
    key_id: str
    signature: bytes

    def to_bytes(self) -> bytes:
        signature = b64encode(self.signature).decode()
        return canonical({"checkpoint": asdict(self.checkpoint), "keyId": self.key_id, "signature": signature})


def parse(value: bytes) -> Signed:
    """What `to_bytes` wrote. Raises ValueError for anything else."""
    try:
        found = json.loads(value)
        parts = dict(found["checkpoint"])
        stretches = tuple(Stretch(**each) for each in parts.pop("stretches"))
        signature = b64decode(found["signature"], validate=True)
        read = Signed(Checkpoint(stretches=stretches, **parts), str(found["keyId"]), signature)
        bytes.fromhex("".join(each.link + each.root for each in stretches))
    except (ValueError, TypeError, KeyError, AttributeError, NotBase64):
        raise ValueError("no checkpoint") from None
    return read


Entries = Callable[[int, int, int], Iterable[Entry]]  # (partition, after, last) -> what lies between, in order


def next_checkpoint(
    before: Checkpoint | None, standing: Mapping[int, Stretch], heads: Mapping[int, Head], entries: Entries, at: int
) -> Checkpoint | None:
    """The checkpoint that follows, None when nothing has moved. `standing` is the latest stretch of each partition.

    A ledger that was restored from an older copy is behind what was signed: it is waited for. Raises ChainDiffers.
    """
    moved = []
    for partition, head in sorted(heads.items()):
        stood = standing.get(partition)
        if head.last <= (stood.last if stood else -1):
            continue
        moved.append(_stretch(partition, stood, head, list(entries(partition, stood.last if stood else -1, head.last))))
    if not moved:
        return None
    sequence, previous = (before.sequence + 1, before.digest()) if before else (1, FIRST)
    return Checkpoint(sequence=sequence, at=at, previous=previous, stretches=tuple(moved))


def _stretch(partition: int, stood: Stretch | None, head: Head, new: Sequence[Entry]) -> Stretch:
    began = start_of(stood)
    reached = extended(began, new)
    # A ledger that was built anew from a stream whose beginning retention has cut has a chain of its own; what was
    # signed goes on all the same.
    if reached != head and (stood is None or head.first == stood.first):
        raise ChainDiffers(f"partition {partition}: the chain after offset {began.last} is not what was signed before")
    return Stretch(
        partition=partition,
        first=reached.first,
        after=began.last,
        last=reached.last,
        rows=reached.rows,
        link=reached.link.hex(),
        root=root_of([each.leaf for each in new]).hex(),
    )


def start_of(stood: Stretch | None) -> Head:
    """The head from which a partition's next stretch goes on."""
    if stood is None:
        return Head(link=GENESIS)
    return Head(stood.first, stood.last, stood.rows, bytes.fromhex(stood.link))


def standing_after(signed: Iterable[Signed]) -> dict[int, Stretch]:
    """The latest stretch of each partition."""
    return {each.partition: each for found in signed for each in found.checkpoint.stretches}


def genuine(signed: Signed, keys: Mapping[str, bytes], verify: Verify) -> bool:
    """Whether one of the known keys (id -> public key) signed it."""
    key = keys.get(signed.key_id)
    return key is not None and verify(key, signed.signature, signed.checkpoint.message())


def shown(value: Any) -> dict[str, Any]:
    """A record of `masa.checkpoints` as JSON, for files that an auditor keeps."""
    return dict(json.loads(value))
