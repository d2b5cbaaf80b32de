"""The whole exchange on one machine: what `masa up` starts, in order, and how it is found ready.

Order: data directory lock, what an earlier killed run left behind, Kafka, PostgreSQL, topics, migrations, the rule
set, `connection.json`, then the processes. An external broker or database (KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL)
takes the place of the local one. Everything that lasts is in the data directory, so the next run goes on from there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from connectors.errors import ChangeSettings, RetryLater, StartFailed
from connectors.http.discovery import Discovery
from connectors.http.issuer import ensure_secret
from connectors.kafka.local import LocalBroker
from connectors.kafka.settings import KafkaSettings
from connectors.metrics_server import serve_metrics
from connectors.ports import LOOPBACK, free_ports
from connectors.postgres.embedded import EmbeddedPostgres
from connectors.postgres.migrate import migrate
from connectors.reaper import start_reaper
from connectors.settings import SECRETS_DIR, Connection, Settings, ensure_pseudonym_key, kafka_settings
from connectors.supervisor import DataDirLock, ProcessService, Supervisor
from connectors.telemetry import Telemetry
from streams.cli import prometheus
from streams.cli.areas import CompiledArea
from streams.cli.ledger_verify import ensure_ledger_key
from streams.cli.people import demo_signers, ensure_demo_people
from streams.cli.provision import Bootstrap, provision, put_in_force
from streams.cli.runtime import now_ms
from streams.cli.scrape import Totals, scrape, take
from streams.cli.services import BrokerService, DatabaseService

LEFT_OVER_GRACE_SECONDS = 10.0
STOP_GRACE_SECONDS = 15.0
READY_SECONDS = 90.0  # a two-core machine that starts Kafka, PostgreSQL and the processes at once needs 15

# Names of what serves metrics besides the routers, in the order of `metrics` in connection.json.
_BESIDE_ROUTERS = ("ledger", "gateway", "followup", "streams-0", "exporter", "up")

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class StackPlan:
    """What to run. `env` is handed to the children and may name an external broker or database."""

    data_dir: Path
    area: CompiledArea
    area_dir: Path
    slots: int
    simulate: tuple[str, ...]  # extra arguments of `masa simulate`, empty for no traffic
    env: Mapping[str, str]


class Stack:
    """One run of `masa up`. `start` once, `tick` often, `stop` at the end, also after a failed start."""

    def __init__(
        self, plan: StackPlan, telemetry: Telemetry, *, monotonic: Callable[[], float], progress: Progress
    ) -> None:
        self._plan = plan
        self._telemetry = telemetry
        self._monotonic = monotonic
        self._progress = progress
        self._lock = DataDirLock(plan.data_dir)
        self._supervisor = Supervisor(plan.data_dir, telemetry, monotonic=monotonic)
        self._close: list[Callable[[], object]] = []
        self._database: EmbeddedPostgres | None = None
        self._broker: LocalBroker | None = None
        self.connection: Connection | None = None

    def start(self) -> Connection:
        """Start everything and return where it is; the processes may not be ready yet.

        Raises ChangeSettings when another run has the directory, and what the parts raise.
        """
        plan = self._plan
        if not self._lock.take():
            raise ChangeSettings(f"`masa up` already runs in `{plan.data_dir}`: stop it, or name another --data-dir")
        self._close.append(self._lock.release)
        if self._supervisor.end_left_overs(grace_seconds=LEFT_OVER_GRACE_SECONDS):
            self._progress("ended what an earlier run left behind")
        reaper = start_reaper(self._supervisor.run_dir, self._supervisor.owner)
        self._close.append(lambda: reaper.stdin and reaper.stdin.close())
        ensure_pseudonym_key(plan.data_dir)
        ensure_ledger_key(plan.data_dir)
        found = Settings.load(plan.data_dir, plan.env)
        if ensure_demo_people(found, plan.area.name):
            self._progress(f"made two demo signatories, keys in {plan.data_dir / SECRETS_DIR}: for this machine only")
        kafka, url = self._start_kafka(), self._start_database()
        self._progress("making topics and tables")
        provision(kafka, plan.area.kafka_agencies)
        migrate(url)
        self._activate(kafka, found)
        self.connection = self._publish_connection(kafka, url)
        self._start_processes()
        return self.connection

    def wait_ready(self, stopping: Callable[[float], bool]) -> bool:
        """True when every process is ready and partitions are assigned, False when asked to stop first.

        `stopping` waits so many seconds and says whether to stop. Raises StartFailed after READY_SECONDS.
        """
        self._progress("starting the processes")
        deadline = self._monotonic() + READY_SECONDS
        while not self._ready():
            if stopping(0.2):
                return False
            self.tick()
            if self._monotonic() >= deadline:
                raise StartFailed(f"not ready after {READY_SECONDS:g} s: read {self._plan.data_dir}/*.log")
        return True

    def tick(self) -> tuple[str, ...]:
        """Restart what died; names of what does not run now."""
        down = self._supervisor.tick()
        if self._database is not None and self.connection is not None:
            url = self._database.url()
            if url != self.connection.database.get_secret_value():  # its port was taken while it was down
                self.connection = self.connection.model_copy(update={"database": SecretStr(url)})
                self.connection.write(self._plan.data_dir)
        return down

    def stop(self) -> None:
        """Stop everything in reverse order. Idempotent."""
        self._supervisor.stop_all(grace_seconds=STOP_GRACE_SECONDS)
        while self._close:
            self._close.pop()()

    def _activate(self, kafka: KafkaSettings, found: Settings) -> None:
        """Put the folder's rule set in force with the demo people's keys, or say why not and what is."""
        area, signers = self._plan.area, demo_signers(found)
        folder = f"the rule set of {self._plan.area_dir.name} ({area.artefact.hash[:12]})"
        if signers is None:
            self._progress(f"{folder} was not activated: its signatories' keys are not here, see `masa rules sign`")
            return
        done = put_in_force(kafka, area.name, area.artefact, signers, now_ms())
        if done is Bootstrap.SUPERSEDED:
            self._progress(f"{folder} was replaced on purpose and stays so: see `masa rules history`")

    def _start_kafka(self) -> KafkaSettings:
        servers = self._plan.env.get("KAFKA_BOOTSTRAP_SERVERS")
        if servers:
            return kafka_settings(servers, self._plan.env)
        broker = LocalBroker(data_dir=self._plan.data_dir / "kafka", progress=self._progress)
        self._supervisor.start(BrokerService(broker))
        _link(self._plan.data_dir / "kafka.log", broker.log_file())
        return broker.settings

    def _start_database(self) -> str:
        url = self._plan.env.get("DATABASE_URL")
        if url:
            return url
        self._progress("starting PostgreSQL")
        self._database = EmbeddedPostgres(data_dir=self._plan.data_dir / "postgres")
        self._supervisor.start(DatabaseService(self._database))
        _link(self._plan.data_dir / "postgres.log", self._database.log_file)
        return self._database.url()

    def _publish_connection(self, kafka: KafkaSettings, url: str) -> Connection:
        own, gateway, issuer, watcher, *ports = free_ports(self._plan.slots + 9)
        server = serve_metrics(self._telemetry, port=own)
        self._close.append(server.close)
        connection = Connection(
            kafka=kafka.bootstrap_servers,
            database=SecretStr(url),
            metrics=tuple(f"http://127.0.0.1:{port}/metrics" for port in (*ports, own)),
            area=self._plan.area.name,
            gateway=f"http://{LOOPBACK}:{gateway}",
            issuer=self._plan.env.get("MASA_OIDC_ISSUER") or f"http://{LOOPBACK}:{issuer}",
            prometheus=f"http://{LOOPBACK}:{watcher}" if prometheus.program(self._plan.env) else None,
        )
        connection.write(self._plan.data_dir)
        return connection

    def _start_processes(self) -> None:
        urls = self.connection.metrics if self.connection else ()
        ports = [_port(url) for url in urls]
        for slot in range(self._plan.slots):
            self._process(f"router-{slot}", "router", "--slot", str(slot), "--metrics-port", ports[slot])
        self._process("ledger", "ledger", "run", "--metrics-port", ports[self._plan.slots])
        self._start_doors(ports[self._plan.slots + 1])
        self._process("followup", "followup", "--metrics-port", ports[self._plan.slots + 2])
        self._process("streams-0", "followup", "streams", "--metrics-port", ports[self._plan.slots + 3])
        every = f"{prometheus.SCRAPE_SECONDS:g}"
        self._process("exporter", "exporter", "--every", every, "--metrics-port", ports[self._plan.slots + 4])
        self._start_prometheus([*(f"router-{n}" for n in range(self._plan.slots)), *_BESIDE_ROUTERS])
        if self._plan.simulate:
            self._process("simulate", "simulate", *self._plan.simulate)

    def _start_prometheus(self, names: Sequence[str]) -> None:
        """Where it is installed. `names` are those of the processes, in the order of their metrics."""
        found, rules = prometheus.program(self._plan.env), prometheus.rules_folder()
        if found is None or rules is None or self.connection is None or self.connection.prometheus is None:
            self._progress("no Prometheus here: on Debian `apt-get install prometheus`, then `masa up` starts it")
            return
        processes = dict(zip(names, self.connection.metrics, strict=True))
        port = int(_port(self.connection.prometheus))
        self._supervisor.start(prometheus.service(self._plan.data_dir, found, rules, processes, port, self._plan.env))

    def _start_doors(self, metrics_port: str) -> None:
        """The HTTP door, and whom it asks who somebody is: our own issuer, unless one is named."""
        if self.connection is None or self.connection.gateway is None or self.connection.issuer is None:
            return
        if not self._plan.env.get("MASA_OIDC_ISSUER"):
            ensure_secret(self._plan.data_dir)
            self._process("issuer", "issuer", "--part-of-masa-up", "--port", _port(self.connection.issuer))
        port = _port(self.connection.gateway)
        self._process("gateway", "gateway", "--port", port, "--metrics-port", metrics_port)

    def _process(self, name: str, *arguments: str) -> None:
        # -P keeps the current directory from standing in for our packages.
        command = (sys.executable, "-P", "-m", "streams.cli", *arguments, "--data-dir", str(self._plan.data_dir))
        self._supervisor.start(ProcessService(name=name, argv=command, env=self._plan.env, log_dir=self._plan.data_dir))

    def _ready(self) -> bool:
        urls = self.connection.metrics[:-1] if self.connection else ()
        totals = Totals()
        answered = take(totals, urls)
        return (
            all(answered.values())
            and all(_is_ready(url) for url in urls)
            and totals.largest("masa_router_assigned_partitions") > 0
            and self._issuer_answers()
        )

    def _issuer_answers(self) -> bool:
        """Without it nobody can sign in."""
        if self.connection is None or self.connection.issuer is None:
            return True
        try:
            Discovery(self.connection.issuer).endpoints()
        except RetryLater:
            return False
        return True


def _port(url: str) -> str:
    """The port of an address of ours."""
    return url.rsplit(":", 1)[1].partition("/")[0]


def _is_ready(url: str) -> bool:
    return any(sample.name == "masa_process_ready" and sample.value == 1 for sample in scrape(url) or ())


def _link(link: Path, target: Path) -> None:
    """A log that lives deeper, visible beside the others."""
    link.unlink(missing_ok=True)
    link.symlink_to(target.resolve())
