"""`masa followup streams`: silent agencies, cumulative patterns and live aggregates, as a process of its own."""

from __future__ import annotations

import os
from typing import Annotated, NoReturn

import typer

from streams.cli.runtime import DEFAULT_DATA_DIR, DataDir, MetricsPort, settings, unix_seconds

CRASHED = 70  # EX_SOFTWARE


def streams(
    slot: Annotated[int, typer.Option("--slot", min=0, help="Number of this worker, different in every process.")] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    metrics_port: MetricsPort = None,
) -> None:
    """Watch what the exchange decides until SIGTERM, and tell people what no single event says.

    Agencies that have not published for longer than their rhythm allows (G-03); several low-level events about one
    child from several agencies (R-12), with references and the rule's text and no score; what was published in the
    last day, as metrics. Rhythms and patterns are in the area's follow-up.yaml. A late hint costs little, so this
    runs on Faust, beside and apart from `masa followup`. Several workers share the audit's partitions.

    [bold]Examples[/bold]

    \b
      export KAFKA_BOOTSTRAP_SERVERS=kafka:9092 MASA_PSEUDONYM_KEY_FILE=/run/secrets/key
      MASA_SIGNATORIES_FILE=/etc/masa/signatories.yaml masa followup streams --metrics-port 9471
    """
    from streams.cli.people import required_signatories
    from streams.cli.processes import process_of
    from streams.followup.faust.process import run_side_streams

    found = settings(data_dir)
    kafka, key, signatories = found.kafka(), found.pseudonym_key(), required_signatories(found)
    with process_of(f"streams-{slot}", metrics_port) as telemetry:
        status = run_side_streams(
            kafka, key, telemetry, signatories=signatories, clock=unix_seconds, exit_now=_exit_now, slot=slot,
            data_dir=data_dir / "streams",
        )  # fmt: skip
    if status:
        raise SystemExit(status)


def _exit_now() -> NoReturn:
    """Without stopping anything in an orderly way: a stop would commit what was not dealt with."""
    os._exit(CRASHED)
