"""`masa router`: one router slot as a process of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.runtime import (
    DEFAULT_DATA_DIR,
    DataDir,
    MetricsPort,
    compiled_modules,
    monotonic,
    settings,
    unix_seconds,
)


def router(
    slot: Annotated[int, typer.Option("--slot", min=0, help="Number of this slot, different in every process.")] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    metrics_port: MetricsPort = None,
) -> None:
    """Run one router slot until SIGTERM: read outboxes, decide, deliver, audit, exactly once.

    The slot number is the process's identity: a slot that is started again takes over what it left open,
    and two processes with one number shut each other out. `masa up` runs its slots itself; this command is
    for real deployments, where a stateful set's ordinal is the slot.

    [bold]Examples[/bold]

    \b
      export KAFKA_BOOTSTRAP_SERVERS=kafka:9092 MASA_PSEUDONYM_KEY_FILE=/run/secrets/key
      MASA_SIGNATORIES_FILE=/etc/masa/signatories.yaml masa router --slot 0
      masa router --slot 1 --metrics-port 9465

    With SCHEMA_REGISTRY_URL set, events in the Confluent frame are read too (`masa schemas register`).
    """
    from connectors.schema_registry import RegistryIds, SchemaRegistry
    from streams.cli.people import required_signatories
    from streams.cli.processes import process_of, stopped_by_signal
    from streams.routing.process import run_router

    found = settings(data_dir)
    kafka, key, signatories = found.kafka(), found.pseudonym_key(), required_signatories(found)
    url = found.schema_registry_url
    registry = None if url is None else SchemaRegistry(url.get_secret_value())
    stop = stopped_by_signal()
    with process_of(f"router-{slot}", metrics_port) as telemetry:
        run_router(
            kafka,
            slot,
            key,
            telemetry,
            stop,
            signatories=signatories,
            clock=unix_seconds,
            allow_synthetic=found.allow_synthetic,
            built=compiled_modules(),
            schema_ids=None if registry is None else RegistryIds(registry, monotonic, telemetry.registry_away),
        )
