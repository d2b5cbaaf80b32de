"""Confluent frames, against a real registry."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import RetryLater
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import outbox
from connectors.schema_registry import AWAY_SECONDS, RegistryIds, SchemaRegistry
from connectors.waiting import wait_until
from schemas.codec import decode_event
from schemas.errors import FrameError
from schemas.examples import example, new_event_id
from schemas.framing import frame_confluent
from schemas.registry import load_event_types
from tests.integration.masa_command import Exchange
from tests.integration.registry_server import running_registry

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def registry_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as url:
        yield url


@pytest.fixture
def registry(registry_url: str) -> Iterator[SchemaRegistry]:
    found = SchemaRegistry(registry_url)
    yield found
    found.close()


def confluent(schema_id: int, name: str) -> bytes:
    known = load_event_types()[name]
    datum = example(known, now_ms=time.time_ns() // 1_000_000, event_id=new_event_id(0, lambda bits: 1), overrides={})
    return frame_confluent(schema_id, known.wire.write(datum))


def ids_of(registry: SchemaRegistry, told: list[str]) -> RegistryIds:
    return RegistryIds(registry, lambda: 0.0, told.append)


def test_every_registered_schema_is_known_by_its_id(registry: SchemaRegistry) -> None:
    """What is registered once and again keeps its id, and the id leads to our own fingerprint."""
    types = load_event_types()
    first = list(registry.register(types.values()))
    assert list(registry.register(types.values())) == first
    told: list[str] = []
    ids = ids_of(registry, told)
    found = {ids.get(each.schema_id) for each in first}
    assert found == {each.fingerprint for each in types.values()}
    assert told == []


def test_a_confluent_frame_is_read(registry: SchemaRegistry) -> None:
    """An event under a registry's id decodes as the same event under its fingerprint would."""
    known = load_event_types()["early-help.episode"]
    ((_, schema_id),) = registry.register([known])
    decoded = decode_event(confluent(schema_id, known.name), schema_ids=ids_of(registry, []))
    assert decoded.event_type is known


def test_an_id_that_nobody_registered_is_refused_by_name(registry: SchemaRegistry) -> None:
    """The router rejects such a record with its bytes kept."""
    ids = ids_of(registry, [])
    assert ids.get(987_654) is None
    with pytest.raises(FrameError, match="schema id 987654 is not known"):
        decode_event(confluent(987_654, "early-help.episode"), schema_ids=ids)


def test_a_registry_that_is_away_is_left_alone_for_a_while_and_then_asked_again(tmp_path: Path) -> None:
    """No event waits for it twice, and what comes back is used."""
    now, told = [0.0], list[str]()
    known = load_event_types()["early-help.episode"]
    with running_registry(tmp_path) as url:
        registry = SchemaRegistry(url)
        ((_, schema_id),) = registry.register([known])
    with pytest.raises(RetryLater, match="does not answer"):
        registry.schema(schema_id)
    ids = RegistryIds(registry, lambda: now[0], told.append)
    assert ids.get(schema_id) is None
    assert ids.get(schema_id) is None
    assert len(told) == 1
    now[0] = AWAY_SECONDS
    assert ids.get(schema_id) is None
    assert len(told) == 2


def test_a_router_with_a_registry_routes_the_confluent_frame(registry_url: str, tmp_path: Path) -> None:
    """An agency whose software uses a registry publishes as it always does, and its event is delivered."""
    known = load_event_types()["police.domestic-abuse-incident"]
    registry = SchemaRegistry(registry_url)
    ((_, schema_id),) = registry.register([known])
    exchange = Exchange(tmp_path / "data", env={"SCHEMA_REGISTRY_URL": registry_url})
    try:
        exchange.start()
        at = time.time_ns() // 1_000_000
        event_id = new_event_id(at, secrets.randbits)
        datum = example(known, now_ms=at, event_id=event_id, overrides={})
        value = frame_confluent(schema_id, known.wire.write(datum))
        kafka = KafkaSettings.create(bootstrap_servers=exchange.connection()["kafka"], allow_plaintext=True)
        with Publisher(kafka) as publisher:
            publisher.publish([Outgoing(topic=outbox("northshire-police"), key=b"k", value=value, headers=())])
        show = ("ledger", "show", event_id, "--json")
        wait_until(lambda: exchange.masa(*show).returncode == 0, timeout=60, what="the event in the ledger")
        (shown,) = exchange.rows(*show)
        assert "DELIVERED" in {each["outcome"] for each in shown["outcomes"]}
    finally:
        exchange.close()
