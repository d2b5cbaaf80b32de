"""Confluent frames, against a real registry."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import RetryLater
from connectors.schema_registry import AWAY_SECONDS, RegistryIds, SchemaRegistry
from schemas.codec import decode_event
from schemas.errors import FrameError
from schemas.examples import example, new_event_id
from schemas.framing import frame_confluent
from schemas.registry import load_event_types
from tests.integration.registry_server import running_registry

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchemaRegistry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as url:
        found = SchemaRegistry(url)
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
