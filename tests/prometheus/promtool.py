"""Debian's promtool, and the rules as data."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "prometheus"
GROUPS = sorted(path.stem for path in (DEPLOY / "rules").glob("*.yaml"))


def program(name: str) -> str:
    """Path of `prometheus` or `promtool`; the test fails with what to install when it is not there."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"`{name}` is missing: deploy/scripts/install-test-tools.sh installs it", pytrace=False)
    return found


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [program("promtool"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def rules(group: str) -> Any:
    return yaml.safe_load((DEPLOY / "rules" / f"{group}.yaml").read_text())


def alerts() -> list[tuple[str, dict[str, Any]]]:
    """Every alert, with the file that it is in."""
    return [
        (file, rule) for file in GROUPS for group in rules(file)["groups"] for rule in group["rules"] if "alert" in rule
    ]


def cases(file: str, alert: str) -> list[dict[str, Any]]:
    """Unit tests of one alert."""
    found = yaml.safe_load((DEPLOY / "tests" / f"{file}.yaml").read_text())["tests"]
    return [each for each in found if any(test["alertname"] == alert for test in each["alert_rule_test"])]
