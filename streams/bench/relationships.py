"""How long a router slot takes to start with a large relationship register, and what it then weighs."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from connectors.kafka import topics
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.settings import KafkaSettings
from schemas.relationships import RelationshipKind
from streams.bench.stage import Progress
from streams.policy.facts import EpochMillis, LocatorToken
from streams.routing.register import KEY_BYTES, Relationship

ORGANISATIONS = 25_000  # schools, practices and services that relationships are with
_YEAR_MS = 365 * 86_400_000
_CHUNK = 50_000


def publish_relationships(settings: KafkaSettings, count: int, now_ms: int, progress: Progress) -> None:
    """Fill the register's topic with that many living relationships, each of another child and kind."""
    rnd = Random(7)
    tokens = [LocatorToken(rnd.randbytes(16).hex()) for _ in range(ORGANISATIONS)]
    with Publisher(settings) as publisher:
        for done in range(0, count, _CHUNK):
            publisher.publish(_some(rnd, tokens, min(_CHUNK, count - done), now_ms))
            progress(f"published {min(done + _CHUNK, count):,} of {count:,} relationships")


def _some(rnd: Random, tokens: list[LocatorToken], count: int, now_ms: int) -> Iterator[Outgoing]:
    kinds = list(RelationshipKind)
    for _ in range(count):
        until = EpochMillis(now_ms + rnd.randrange(86_400_000, _YEAR_MS))
        event = f"0190c0de-0000-7000-8000-{rnd.getrandbits(48):012x}"
        said = Relationship(rnd.choice(kinds), rnd.choice(tokens), until, event)
        yield Outgoing(topics.RELATIONSHIPS, said.value(), rnd.randbytes(KEY_BYTES), ())
