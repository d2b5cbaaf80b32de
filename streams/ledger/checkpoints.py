"""Signs where the ledger's chain stands, as long as it moves, and publishes that: `masa.checkpoints`.

What was signed before is read back from the topic, so nothing needs to be kept elsewhere. Published, then remembered:
a record whose acknowledgement was lost is found at the next start. One instance a database, as with the ledger itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from connectors.errors import NotReady
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.reader import read_topic
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import CHECKPOINTS
from connectors.keeping import Loop, keep
from connectors.postgres.connection import Connection, connect_alone, database_failures
from connectors.signing import SigningKey
from streams.ledger import sql
from streams.ledger.chain import Entry, Head, unpacked
from streams.ledger.checkpoint import ChainDiffers, Checkpoint, Signed, Stretch, next_checkpoint, parse, standing_after

_LOCK = 0x6D617361_0009
_KEY = b"ledger"


class CheckpointEvents(Protocol):
    """What the loop tells."""

    def ledger_checkpointed(self, *, sequence: int, at_ms: int, rows: int) -> object: ...
    def ledger_unproven(self, *, why: str) -> object: ...
    def ledger_failed(self, *, error: str) -> object: ...


class Around(NamedTuple):
    """What the loop may not fetch for itself."""

    now_ms: Callable[[], int]
    pause: Callable[[float], object]
    stopping: Callable[[], bool]
    events: CheckpointEvents
    every_seconds: float  # what can be changed in the database without contradicting a signature is at most so old


def read_checkpoints(settings: KafkaSettings) -> list[Signed | None]:
    """All of them, in order; None for a record that cannot be read."""
    return [_parsed(record.value) for record in read_topic(settings, [CHECKPOINTS])]


def run(settings: KafkaSettings, database_url: str, key: SigningKey, around: Around) -> None:
    """Until told to stop; passing failures are retried for ever."""
    failed = around.events.ledger_failed
    loop = Loop(around.pause, around.stopping, lambda error: failed(error=error))
    keep(lambda: Session(settings, database_url, key, around), loop)


class AnotherSigner(NotReady):
    """Another instance signs this database's ledger."""


class Session:
    """One connection, one producer, and what the topic says was signed."""

    def __init__(self, settings: KafkaSettings, url: str, key: SigningKey, around: Around) -> None:
        self._key, self._around = key, around
        waits = AnotherSigner("another ledger instance signs this database's checkpoints")
        self._connection = connect_alone(url, application="masa-checkpoints", lock=_LOCK, otherwise=waits)
        try:
            signed = [each for each in read_checkpoints(settings) if each is not None]
            self._publisher = Publisher(settings, client_id="masa-checkpoints")
        except BaseException:
            self._connection.close()
            raise
        self._before: Checkpoint | None = signed[-1].checkpoint if signed else None
        self._standing: dict[int, Stretch] = standing_after(signed)

    def step(self) -> None:
        """Sign what is new, if anything is, then wait."""
        self.sign()
        self._around.pause(self._around.every_seconds)

    def sign(self) -> Signed | None:
        """The checkpoint that was published, None when nothing moved or the chain is not to be signed."""
        try:
            checkpoint = self._next()
        except ChainDiffers as found:
            self._around.events.ledger_unproven(why=str(found))
            return None
        if checkpoint is None:
            return None
        signed = Signed(checkpoint, self._key.key_id, self._key.sign(checkpoint.message()))
        self._publisher.publish([Outgoing(CHECKPOINTS, signed.to_bytes(), _KEY)])
        self._before = checkpoint
        self._standing |= standing_after([signed])
        rows = sum(each.rows for each in self._standing.values())
        self._around.events.ledger_checkpointed(sequence=checkpoint.sequence, at_ms=checkpoint.at, rows=rows)
        return signed

    def _next(self) -> Checkpoint | None:
        with database_failures(), self._connection.transaction():
            self._connection.execute(sql.SNAPSHOT)
            heads = {partition: Head(*head) for partition, *head in self._connection.execute(sql.CHAIN_HEADS)}
            entries = _entries(self._connection)
            return next_checkpoint(self._before, self._standing, heads, entries, self._around.now_ms())

    def close(self) -> None:
        try:
            self._publisher.close()
        finally:
            self._connection.close()


def _entries(connection: Connection) -> Callable[[int, int, int], Iterable[Entry]]:
    def between(partition: int, after: int, last: int) -> Iterator[Entry]:
        for (packed,) in connection.execute(sql.SEGMENTS_AFTER, (partition, after)):
            yield from (each for each in unpacked(packed) if after < each.offset <= last)

    return between


def _parsed(value: bytes | None) -> Signed | None:
    try:
        return parse(value or b"")
    except ValueError:
        return None
