"""Publishes the contract on compacted `masa.schemas`, so that a reader needs neither our package nor a registry.

    key      schema fingerprint: CRC-64-AVRO, the 8 bytes in the order of the wire, as 16 hex digits (bytes 2 to 10 of a
             value that begins C3 01)
    value    self-contained Avro schema as JSON, with docs and field classes
    headers  content-type, masa-schema (event type, or record name), masa-schema-version

Every released version is there beside the current one: what was written with it stays readable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.reader import Record, read_topic
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import SCHEMAS
from schemas.field_classes import Schema
from schemas.release import Release, current_release, read_release, released_versions
from schemas.wire import wire

CONTENT_TYPE = "application/json"


class PublishedSchema(NamedTuple):
    """One schema as it is on the topic."""

    fingerprint: str
    name: str  # "police.domestic-abuse-incident", or "record:audit"
    version: int | None  # `schemaVersion`; records have none
    text: str


def packaged_schemas() -> dict[str, PublishedSchema]:
    """The current contract and every release, by fingerprint. Raises `SchemaError`."""
    return wanted_schemas(current_release("current"), [read_release(version) for version in released_versions()])


def wanted_schemas(current: Release, released: Iterable[Release]) -> dict[str, PublishedSchema]:
    """By fingerprint. Where the current contract differs from a release in its docs only, the current one is taken."""
    wanted: dict[str, PublishedSchema] = {}
    for release in (*released, current):
        named = {**release.events, **{f"record:{name}": schema for name, schema in release.records.items()}}
        for name, schema in named.items():
            entry = _entry(name, schema)
            wanted[entry.fingerprint] = entry
    return wanted


def missing(wanted: Mapping[str, PublishedSchema], present: Iterable[Record]) -> list[PublishedSchema]:
    """What is not on the topic as wanted, `present` being its records in order. Nothing is ever taken away."""
    latest = {(record.key or b"").decode(errors="replace"): record.value for record in present}
    return [entry for key, entry in sorted(wanted.items()) if latest.get(key) != entry.text.encode()]


def publish_schemas(settings: KafkaSettings) -> int:
    """Bring the topic up to date; how many schemas were published. Safe to repeat and to run twice at once.

    Raises what the reader and the publisher raise.
    """
    todo = missing(packaged_schemas(), read_topic(settings, [SCHEMAS]))
    if todo:
        with Publisher(settings, client_id="masa-schemas") as publisher:
            publisher.publish(_outgoing(entry) for entry in todo)
    return len(todo)


def _entry(name: str, schema: Schema) -> PublishedSchema:
    version = schema.get("schemaVersion")
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return PublishedSchema(wire(schema).fingerprint.hex(), name, None if version is None else int(version), text)


def _outgoing(entry: PublishedSchema) -> Outgoing:
    headers = [("content-type", CONTENT_TYPE), ("masa-schema", entry.name)]
    if entry.version is not None:
        headers.append(("masa-schema-version", str(entry.version)))
    return Outgoing(SCHEMAS, entry.text.encode(), entry.fingerprint.encode(), headers)
