"""`masa exporter`: figures that no process can give of itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.runtime import DEFAULT_DATA_DIR, DataDir, MetricsPort, environment, settings, unix_seconds

if TYPE_CHECKING:
    from connectors.kafka.settings import KafkaSettings

EVERY_SECONDS = 10.0


def exporter(
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=0.5, help="Pause between two looks.")
    ] = EVERY_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    metrics_port: MetricsPort = None,
) -> None:
    """Measure an exchange from outside until SIGTERM, for Prometheus: what is late, stuck, held or unproven.

    Ages of the oldest undecided, undelivered, unstored and waiting records; transactions left open; the
    database; and when certificates expire, those of the Kafka connection and of MASA_CERTIFICATES
    (`name=file,name=file`). It only reads; several may run. `masa up` runs one itself.

    [bold]Example[/bold]

    \b
      masa exporter --metrics-port 9470 &
      curl -s http://127.0.0.1:9470/metrics | grep undelivered
    """
    from streams.cli.processes import process_of, stopped_by_signal
    from streams.exporter.rounds import Around, Rounds
    from streams.routing.process import ROUTER_GROUP

    found = settings(data_dir)
    kafka, url, files = found.kafka(), found.database(), _certificates(found.kafka())
    stop = stopped_by_signal()
    with process_of("exporter", metrics_port) as telemetry:
        around = Around(unix_seconds, stop.wait, stop.is_set, telemetry, every)
        rounds = Rounds(kafka, url, ROUTER_GROUP, files, around)
        telemetry.process_ready()
        rounds.run()


def _certificates(kafka: KafkaSettings) -> dict[str, Path]:
    from connectors.certificates import certificate_files

    ours = {"kafka-client": kafka.ssl_certificate_location, "kafka-ca": kafka.ssl_ca_location}
    known = {name: file for name, file in ours.items() if file is not None}
    return known | certificate_files(environment().get("MASA_CERTIFICATES", ""))
