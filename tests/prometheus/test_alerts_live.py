"""Real faults of a real exchange raise their alerts in a real Prometheus, and these clear after the repair.

The rules are the shipped ones with time made shorter: sixty times for what must last, and thresholds of age and number
that a test can wait for. What they look at, and how, stays.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import yaml
from confluent_kafka import Producer

from connectors.errors import NotReady
from connectors.ports import free_ports
from connectors.waiting import wait_until
from tests.integration.live_exchange import LiveExchange
from tests.prometheus.promtool import GROUPS, program, rules

pytestmark = pytest.mark.integration

DURATION = re.compile(r"\[(\d+)([smhdw])\]")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
FASTER = 60
SHORTEST_WINDOW = 10  # seconds: some scrapes must lie in it
THRESHOLDS = {  # alert -> what is compared with, and with what instead
    "MasaTransactionOpen": ("> 30", "> 6"),
    "MasaLedgerBehind": ("> 120", "> 6"),
    "MasaHeldQueueFilling": ("> 50", "> 4"),
}
RAISED_WITHIN, CLEARED_WITHIN = 60.0, 90.0
EVENT = "police.domestic-abuse-incident"
HELD_EVENTS = 6


def shortened(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule for a test's patience."""
    made = {**rule, "expr": DURATION.sub(_shorter, rule["expr"])}
    if "for" in rule:
        made["for"] = f"{max(1, int(rule['for'][:-1]) * SECONDS[rule['for'][-1]] // FASTER)}s"
    if rule.get("alert") in THRESHOLDS:
        old, new = THRESHOLDS[rule["alert"]]
        assert old in rule["expr"]
        made["expr"] = made["expr"].replace(old, new)
    return made


def _shorter(match: re.Match[str]) -> str:
    return f"[{max(SHORTEST_WINDOW, int(match[1]) * SECONDS[match[2]] // FASTER)}s]"


class Prometheus:
    """One of the test's own, on the targets that `masa up` wrote."""

    def __init__(self, folder: Path, targets: Path) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        (folder / "rules").mkdir(parents=True)
        for file in GROUPS:
            groups = [
                {**group, "interval": "1s", "rules": list(map(shortened, group["rules"]))}
                for group in rules(file)["groups"]
            ]
            (folder / "rules" / f"{file}.yaml").write_text(yaml.safe_dump({"groups": groups}))
        scraping = {"job_name": "masa", "honor_labels": True, "file_sd_configs": [{"files": [str(targets)]}]}
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules/*.yaml"],
            "scrape_configs": [scraping],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
        self._process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ]
        )

    def firing(self) -> list[dict[str, str]]:
        """Labels of every alert that fires."""
        found = ask(f"{self.url}/api/v1/alerts")["alerts"]
        return [each["labels"] for each in found if each["state"] == "firing"]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback URL
        return json.load(answer)["data"]


def query(prometheus: str, expression: str) -> list[Any]:
    """What an instant query returns."""
    found: list[Any] = ask(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")["result"]
    return found


class Fault(NamedTuple):
    """Something goes wrong and is mended. `alert` holds labels, as many as tell it apart."""

    alert: dict[str, str]
    strike: Callable[[], object]
    repair: Callable[[], object]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveExchange]:
    """An exchange of its own: what is done to it would disturb others."""
    made = LiveExchange(tmp_path_factory.mktemp("alerts") / "data")
    try:
        made.start("--slots", "2")
        yield made
    finally:
        for each in made.children().values():
            psutil.Process(each.pid).send_signal(signal.SIGCONT)
        made.close()


def paused(exchange: LiveExchange, name: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """Stop and continue a process: it keeps its port and its connections and answers nothing."""
    process = psutil.Process(exchange.children()[name].pid)
    return process.suspend, process.resume


def faults(exchange: LiveExchange) -> list[Fault]:
    kafka = str(exchange.connection()["kafka"])
    hanging = Producer({"bootstrap.servers": kafka, "transactional.id": "hangs", "transaction.timeout.ms": 90_000})
    hanging.init_transactions(20)
    policy = Producer({"bootstrap.servers": kafka})

    def leave_open() -> None:
        hanging.begin_transaction()
        hanging.produce("masa.transitions", b"never committed")
        hanging.flush(20)

    def break_policy() -> None:
        policy.produce("masa.policy", b"neither signed nor readable", b"activation")
        policy.flush(20)

    def fill_held() -> None:
        doubtful = {"envelope.matchStatus": "POTENTIAL_MATCH"}
        lines = "".join(exchange.example(EVENT, **doubtful) for _ in range(HELD_EVENTS))
        exchange.answers("publish", "-", stdin=lines)

    def release() -> None:
        by = ("--reason", "LOW_MATCH_STATUS", "--as", "demo-dpo", "--because", "identity checked by telephone")
        assert exchange.answers("held", "release", "--all", *by)

    def nothing() -> None:
        """The last good rule set is in force all along."""

    return [
        Fault({"alertname": "MasaHeldQueueFilling"}, fill_held, release),
        Fault({"alertname": "MasaTransactionOpen", "topics": "other"}, leave_open, hanging.abort_transaction),
        Fault({"alertname": "MasaPolicyRefused"}, break_policy, nothing),
        Fault({"alertname": "MasaProcessDown", "role": "ledger"}, *paused(exchange, "ledger")),
        Fault({"alertname": "MasaRouterSlotDown", "instance": "router-1"}, *paused(exchange, "router-1")),
        Fault({"alertname": "MasaProcessRestarted", "role": "followup"}, lambda: kill(exchange, "followup"), nothing),
    ]


def kill(exchange: LiveExchange, name: str) -> None:
    exchange.kill_child(name)


def fires(prometheus: Prometheus, alert: dict[str, str]) -> bool:
    return any(alert.items() <= each.items() for each in prometheus.firing())


def test_every_rule_has_data_in_the_prometheus_that_masa_up_starts(exchange: LiveExchange) -> None:
    """Every metric that a rule or an alert looks at is there, or named below with the reason why not."""
    exchange.answers("publish", "-", stdin=exchange.example(EVENT))
    exchange.rows("simulate", "--events", "100", "--seed", "7", "--bad", "0.1")
    with urllib.request.urlopen(f"{exchange.connection()['gateway']}/v1/openapi.json", timeout=10):  # noqa: S310
        prometheus = str(exchange.connection()["prometheus"])
    exprs = [rule["expr"] for file in GROUPS for group in rules(file)["groups"] for rule in group["rules"]]
    recorded = [
        rule["record"]
        for file in GROUPS
        for group in rules(file)["groups"]
        for rule in group["rules"]
        if "record" in rule
    ]
    used = {name for expr in exprs for name in re.findall(r"\bmasa_[a-z0-9_]+", expr)}
    wanted = sorted({*used, *recorded, "up", "process_start_time_seconds"} - NOT_HERE.keys())
    missing: list[str] = []

    def all_there() -> bool:
        missing[:] = [name for name in wanted if not query(prometheus, name)]
        return not missing

    with suppress(NotReady):
        wait_until(all_there, timeout=60, what="data of everything")
    assert missing == []
    for expr in exprs:
        query(prometheus, expr)  # raises when Prometheus refuses it


NOT_HERE = {
    "masa_certificate_expiry_timestamp_seconds": "a local exchange has no certificates",
    "masa_heartbeat_returned_timestamp_seconds": "the first heartbeat is sent after a quarter of an hour",
    "masa_heartbeats_total": "as above",
    "masa_streams_silent_agencies": "nobody is silent before the first rhythm has passed",
    "masa_webhook_attempts_total": "no agency has a webhook",
    "masa_http_refused_total": "no request was refused",
    "masa_gateway_access_refused_total": "nobody asked for what is not theirs",
    "masa_kafka_client_errors_total": "no client met an error",
    "masa:withheld_by_ground:increase1h": "no publisher has withheld anything",
    **{f"masa:http_errors:{what}": "nobody used the HTTP door" for what in (
        "ratio_rate5m", "ratio_rate30m", "ratio_rate1h", "ratio_rate6h", "increase1h", "increase6h")},
}  # fmt: skip


def test_faults_raise_their_alerts_and_repairs_clear_them(exchange: LiveExchange, tmp_path: Path) -> None:
    """A slot that hangs, a stopped ledger, a broken policy, a full held queue, an open transaction, a kill."""
    targets = exchange.data_dir / "prometheus" / "targets" / "masa.json"
    prometheus = Prometheus(tmp_path / "own", targets)
    try:
        wait_until(lambda: _answers(prometheus), timeout=30, what="Prometheus")
        wait_until(lambda: len(query(prometheus.url, "up == 1")) == 8, timeout=30, what="all targets")
        struck = faults(exchange)
        assert not [each.alert for each in struck if fires(prometheus, each.alert)], "nothing is wrong yet"
        for fault in struck:
            fault.strike()
        quiet = [each.alert for each in struck]

        def all_raised() -> bool:
            fired = prometheus.firing()  # some clear by themselves soon after, so each counts once it was seen
            quiet[:] = [alert for alert in quiet if not any(alert.items() <= each.items() for each in fired)]
            return not quiet

        with suppress(NotReady):
            wait_until(all_raised, timeout=RAISED_WITHIN, what="every alert")
        assert quiet == []
        for fault in struck:
            fault.repair()
        for fault in struck:
            gone = lambda fault=fault: not fires(prometheus, fault.alert)  # noqa: E731
            wait_until(gone, timeout=CLEARED_WITHIN, what=f"the end of {fault.alert}")
    finally:
        prometheus.close()


def _answers(prometheus: Prometheus) -> bool:
    try:
        query(prometheus.url, "up")
    except OSError:
        return False
    return True
