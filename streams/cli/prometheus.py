"""Prometheus beside a local exchange: its configuration, its targets, and its process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from connectors.ports import LOOPBACK
from connectors.supervisor import ProcessService

PROGRAM = "prometheus"
FOLDER = "prometheus"  # in the data directory
SCRAPE_SECONDS = 5
KEPT = "7d"
_CONFIGURATION = """\
# Written by `masa up`; deploy/prometheus/prometheus.yaml is what deployments start from.
global:
  scrape_interval: {every}s
  evaluation_interval: {every}s
rule_files:
  - {rules}/*.yaml
scrape_configs:
  - job_name: masa
    honor_labels: true
    file_sd_configs:
      - files: [targets/*.json]
"""


def program(env: Mapping[str, str]) -> str | None:
    """Where Prometheus is, None when it is not installed."""
    return shutil.which(PROGRAM, path=env.get("PATH"))


def rules_folder() -> Path | None:
    """The rules: below the current directory, else in the repository that this runs from; None without them."""
    below = Path("deploy") / "prometheus" / "rules"
    known = (below.absolute(), Path(__file__).resolve().parents[2] / below)
    return next((each for each in known if each.is_dir()), None)


def targets(processes: Mapping[str, str]) -> list[dict[str, object]]:
    """Prometheus' list of targets, from names of processes and the URLs of their metrics.

    A process's role is its name without the number of its slot.
    """
    return [
        {
            "targets": [url.removeprefix("http://").partition("/")[0]],
            "labels": {"instance": name, "role": role_of(name)},
        }
        for name, url in processes.items()
    ]


def role_of(process: str) -> str:
    """`router` for `router-0`."""
    name, _, number = process.rpartition("-")
    return name if name and number.isdigit() else process


def service(
    data_dir: Path, found: str, rules: Path, processes: Mapping[str, str], port: int, env: Mapping[str, str]
) -> ProcessService:
    """Write the configuration and say how to run it."""
    home = data_dir / FOLDER
    (home / "targets").mkdir(parents=True, exist_ok=True)
    (home / "targets" / "masa.json").write_text(json.dumps(targets(processes), indent=2) + "\n")
    (home / "prometheus.yaml").write_text(_CONFIGURATION.format(every=SCRAPE_SECONDS, rules=rules))
    argv = (
        found,
        f"--config.file={home / 'prometheus.yaml'}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--storage.tsdb.retention.time={KEPT}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--log.level=warn",
    )
    return ProcessService(name=PROGRAM, argv=argv, env=env, log_dir=data_dir)
