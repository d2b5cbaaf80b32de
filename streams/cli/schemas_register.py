"""`masa schemas register`: the published schemas made known to a Confluent-compatible registry."""

from __future__ import annotations

from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, BadUsage, DataDir, emit, say, settings


def register(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Register the current schema of every event type with the registry that SCHEMA_REGISTRY_URL names.

    Only for agencies whose software writes the Confluent frame (a zero byte and a registry's id); Avro
    single-object encoding, the default, needs no registry. Subjects are the records' full names
    (RecordNameStrategy). Registering again changes nothing.

    [bold]Example[/bold]

    \b
      SCHEMA_REGISTRY_URL=http://registry:8081 masa schemas register
    """
    from connectors.schema_registry import SchemaRegistry
    from schemas.registry import load_event_types

    url = settings(data_dir).schema_registry_url
    if url is None:
        raise BadUsage("no registry is named: set SCHEMA_REGISTRY_URL")
    registry = SchemaRegistry(url.get_secret_value())
    types = load_event_types()
    try:
        for each in registry.register(types.values()):
            if as_json:
                emit({"subject": each.subject, "id": each.schema_id})
    finally:
        registry.close()
    say(f"{len(types)} schemas are known to the registry")
