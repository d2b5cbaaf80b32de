"""Recording rules and alerts, by promtool; and that no number or label in an alert is there untested."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.metrics import all_metrics
from tests.prometheus.promtool import DEPLOY, GROUPS, alerts, cases, promtool, rules

NUMBER = re.compile(r"(?P<sign>[<>=!]=?|[<>])\s*(?P<number>\d+(?:\.\d+)?)(?![\w.\[])")
METRIC = re.compile(r"\bmasa_[a-z0-9_]+")
ALERTS = [(file, rule["alert"]) for file, rule in alerts()]
Mutant = tuple[str, dict[str, Any]]


def mutants(rule: dict[str, Any]) -> Iterator[Mutant]:
    """The alert with one thing changed: each number up and down, how long it must last, each label and annotation."""
    for match in NUMBER.finditer(rule["expr"]):
        number = float(match["number"])
        for changed in (number * 2, number / 2) if number else (1000, -1):
            expr = f"{rule['expr'][: match.start('number')]}{changed:g}{rule['expr'][match.end('number') :]}"
            yield f"{match[0]} to {changed:g}", {**rule, "expr": expr}
    if "for" in rule:
        yield "for", {**rule, "for": "30d"}
    for part in ("labels", "annotations"):
        for name in rule[part]:
            changed_rule = copy.deepcopy(rule)
            changed_rule[part][name] += "-other"
            yield name, changed_rule


def survivors(folder: Path, rule: dict[str, Any], given: list[dict[str, Any]]) -> list[str]:
    """What can be changed in an alert without its unit tests noticing: all its mutants in one run."""
    named = {f"{rule['alert']}Mutant{number}": mutant for number, mutant in enumerate(mutants(rule))}
    mutated = [{**each, "alert": name} for name, (_, each) in named.items()]
    tests = [
        {**case, "alert_rule_test": [{**test, "alertname": name} for test in case["alert_rule_test"] for name in named]}
        for case in given
    ]
    home = folder / rule["alert"]
    home.mkdir()
    (home / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "mutated", "rules": mutated}]}))
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (home / "tests.yaml").write_text(yaml.safe_dump(whole))
    done = promtool("test", "rules", home / "tests.yaml")
    failed = set(re.findall(r"alertname: (\w+)", done.stdout + done.stderr))
    return [f"{rule['alert']}: {what}" for name, (what, _) in named.items() if name not in failed]


def test_the_configuration_and_all_rules_are_sound() -> None:
    """promtool finds nothing wrong, not even a warning of its linter."""
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", *sorted((DEPLOY / "rules").glob("*.yaml")))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    configured = promtool("check", "config", DEPLOY / "prometheus.yaml")
    assert configured.returncode == 0, configured.stderr


@pytest.mark.parametrize("file", GROUPS)
def test_the_unit_tests_pass(file: str) -> None:
    """Every alert's firing and silent cases, and the recording rules' figures."""
    done = promtool("test", "rules", DEPLOY / "tests" / f"{file}.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("file", "name"), ALERTS, ids=[name for _, name in ALERTS])
def test_an_alert_has_a_firing_and_a_silent_case(file: str, name: str) -> None:
    """An alert that is never silent, or never fires, is none; the dead man's switch alone always fires."""
    expected = [bool(test["exp_alerts"]) for case in cases(file, name) for test in case["alert_rule_test"]]
    assert True in expected
    assert False in expected or name == "MasaWatchdog"


@pytest.mark.parametrize("file", [file for file in GROUPS if file != "recording"])
def test_whatever_is_changed_in_an_alert_breaks_one_of_its_unit_tests(file: str, tmp_path: Path) -> None:
    """Thresholds doubled and halved, durations, severities, owners, texts and links."""
    with ThreadPoolExecutor(2) as pool:
        mine = [rule for each, rule in alerts() if each == file]
        left = pool.map(lambda rule: survivors(tmp_path, rule, cases(file, rule["alert"])), mine)
    assert [each for found in left for each in found] == []


def test_a_mutant_that_no_case_tells_apart_is_found(tmp_path: Path) -> None:
    """The test above can fail: an alert without its silent case lets a halved threshold through."""
    rule = next(rule for _, rule in alerts() if rule["alert"] == "MasaHeldQueueOld")
    firing = [each for each in cases("queues", rule["alert"]) if each["alert_rule_test"][0]["exp_alerts"]]
    assert survivors(tmp_path, rule, firing) == ["MasaHeldQueueOld: > 14400 to 7200"]


def test_rules_name_metrics_that_exist() -> None:
    """A renamed metric would make an alarm silent for ever."""
    known = {metric.name for metric in all_metrics()}
    used = {
        name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        for file in GROUPS
        for group in rules(file)["groups"]
        for rule in group["rules"]
        for name in METRIC.findall(rule["expr"])
    }
    assert used - known == set()


def test_every_alert_says_how_urgent_it_is_whose_and_where_to_read_on() -> None:
    """Severity and owner are of closed lists."""
    for _, rule in alerts():
        assert rule["labels"]["severity"] in {"page", "ticket", "none"}, rule["alert"]
        assert rule["labels"]["owner"] in {"operations", "policy", "data-protection", "security", "partnership"}
        assert rule["annotations"]["runbook_url"] == f"deploy/runbook/alerts.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"]
