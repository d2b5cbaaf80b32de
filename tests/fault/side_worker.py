"""A worker of the side streams under fixed rules: `python -m tests.fault.side_worker BOOTSTRAP SLOT FOLDER`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import NoReturn

from connectors.kafka import topics
from connectors.kafka.settings import KafkaSettings
from schemas.registry import load_event_types
from streams.cli.areas import compile_area
from streams.cli.runtime import make_telemetry
from streams.followup.faust.application import AppSettings, new_app, run_app
from streams.followup.faust.process import check_partitions, partition_counts
from streams.followup.faust.rules import SideRules
from streams.followup.faust.worker import Around, SideStreams

AREAS = Path(__file__).resolve().parents[2] / "deploy" / "areas"


def main(bootstrap: str, slot: str, folder: str) -> None:
    """Run until it is killed."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap)
    rules = SideRules.of(compile_area(AREAS / "northshire").artefact.document())
    partitions = check_partitions(partition_counts(kafka))
    app = new_app(
        AppSettings(
            kafka=kafka, name=topics.SIDE_STREAMS, slot=int(slot), partitions=partitions, data_dir=Path(folder)
        )
    )  # fmt: skip
    around = Around(
        rules=lambda: rules, event_types=load_event_types(), telemetry=make_telemetry(f"streams-{slot}"),
        now_ms=lambda: int(time.time() * 1000), exit_now=exit_now, audit_partitions=partitions, frontier_seconds=0.5,
    )  # fmt: skip
    SideStreams(app, around)
    sys.exit(run_app(app))


def exit_now() -> NoReturn:
    os._exit(70)


if __name__ == "__main__":
    main(*sys.argv[1:])
