"""A real Kafka broker on this machine, for `masa up` and for tests: KRaft mode, one process a node.

Everything lives under one data directory, so that the same broker comes back after a stop, a `kill -9` or a reboot:

    cluster.json                  cluster id, ports of each node
    node-<n>/server.properties    written anew at each start; holds local passwords, mode 0600
    node-<n>/broker.pid           who runs it; a stale one is recognised
    node-<n>/kafka.log, kafka.out.log
    node-<n>/data/                Kafka's own
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from connectors import process
from connectors.errors import ChangeSettings, StartFailed
from connectors.kafka import distribution, readiness
from connectors.kafka.distribution import Distribution, Progress
from connectors.kafka.local_config import LocalSecurity, Node, java_arguments, server_properties
from connectors.kafka.settings import KafkaSettings
from connectors.ports import LOOPBACK, free_ports, is_free
from connectors.waiting import Deadline

START_TIMEOUT_SECONDS = 90.0  # a cold file cache on a busy two-core machine needs 20
STOP_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class LocalBroker:
    """A cluster of `brokers` nodes under `data_dir`. `start` returns when it serves transactions.

    `port` is the first node's, chosen once and kept when None. `security` turns on SASL/PLAIN and the authorizer.
    Instances hold no state: two of them on the same directory mean the same broker.
    """

    data_dir: Path
    brokers: int = 1
    port: int | None = None
    heap_mb: int = 512  # per node; 256 is enough for fault tests with three
    security: LocalSecurity | None = None
    pom: Path = distribution.POM
    cache_dir: Path | None = None
    progress: Progress = distribution.silent
    extra: Mapping[str, str] = field(default_factory=dict)  # server properties that win over ours

    # --- what it is -----------------------------------------------------------------------------------------------

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(f"{LOOPBACK}:{node.port}" for node in self._nodes())

    @property
    def settings(self) -> KafkaSettings:
        """Connection settings of the super user, or of anyone when there is no authorizer."""
        return self.settings_for(self.security.admin if self.security else None)

    def settings_for(self, user: str | None) -> KafkaSettings:
        """Connection settings of one of the users of `security`."""
        if self.security is None:
            return KafkaSettings(bootstrap_servers=self.bootstrap_servers)
        if user is None or user not in self.security.users:
            raise ChangeSettings(f"`{user}` is not a user of this broker: {', '.join(sorted(self.security.users))}")
        return KafkaSettings(
            bootstrap_servers=self.bootstrap_servers,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_username=user,
            sasl_password=self.security.users[user],
        )

    def log_file(self, node_id: int = 1) -> Path:
        return self._dir(node_id) / "kafka.log"

    def process_of(self, node_id: int = 1) -> psutil.Process | None:
        """The node's live process, found again by its pid file; None when it does not run."""
        return process.find(self._dir(node_id) / "broker.pid", str(self._properties(node_id)))

    @property
    def running(self) -> bool:
        """Whether every node's process lives (which does not say that it answers)."""
        return all(self.process_of(node.node_id) for node in self._nodes())

    # --- what it does ---------------------------------------------------------------------------------------------

    def start(self, *, timeout: float = START_TIMEOUT_SECONDS) -> KafkaSettings:
        """Start whatever does not run yet and wait until all of it serves. Safe to call on a running broker.

        A node left behind by a process of ours that was killed is taken over when it has the same configuration, and
        replaced when it has not. Raises `JavaMissing`, `MavenMissing`, `StartFailed`.
        """
        software = distribution.locate(pom=self.pom, cache_dir=self.cache_dir, progress=self.progress)
        deadline = Deadline(timeout)
        self.progress("starting Kafka")
        self._replace_taken_ports()
        for node in self._nodes():
            self._launch(node, software)
        self.await_ready(timeout=deadline.remaining())
        return self.settings

    def start_node(self, node_id: int) -> None:
        """Start one node of a cluster without waiting for it; see `await_ready`."""
        software = distribution.locate(pom=self.pom, cache_dir=self.cache_dir, progress=self.progress)
        self._launch(self._node(node_id), software)

    def await_ready(self, *, timeout: float = START_TIMEOUT_SECONDS) -> None:
        """Return when all nodes are in the cluster and the group and transaction coordinators answer."""
        readiness.await_ready(self.settings, brokers=self.brokers, timeout=timeout, still_alive=self._check_alive)

    def stop(self, *, timeout: float = STOP_TIMEOUT_SECONDS) -> None:
        """Stop all nodes in an orderly way, killing those that take longer than `timeout`. Fine when none runs."""
        running = [self.process_of(node.node_id) for node in self._nodes()]
        deadline = Deadline(timeout)
        for found in running:
            if found is not None:
                found.resume()
                found.terminate()
        for found in running:
            if found is not None:
                process.stop(found, timeout=deadline.remaining())
        for node in self._nodes():
            (self._dir(node.node_id) / "broker.pid").unlink(missing_ok=True)

    def stop_node(self, node_id: int, *, timeout: float = STOP_TIMEOUT_SECONDS) -> None:
        """Stop one node in an orderly way."""
        found = self.process_of(node_id)
        if found is not None:
            process.stop(found, timeout=timeout)

    def kill(self, node_id: int = 1) -> None:
        """`kill -9` one node, leaving its pid file and data as a crash would."""
        found = self.process_of(node_id)
        if found is not None:
            process.kill(found)

    def __enter__(self) -> LocalBroker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- how --------------------------------------------------------------------------------------------------------

    def _launch(self, node: Node, software: Distribution) -> None:
        properties = self._properties(node.node_id)
        home = properties.parent
        text = server_properties(node, self._nodes(), home / "data", self.security, self.extra)
        found = self.process_of(node.node_id)
        if found is not None:
            if properties.read_text() == text:
                return
            process.stop(found, timeout=STOP_TIMEOUT_SECONDS)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)  # payloads are about children
        properties.touch(mode=0o600)
        properties.write_text(text)
        arguments = home / "java.args"
        log4j = self.pom.with_name(distribution.LOG4J.name)
        arguments.write_text(java_arguments(software.class_path, log4j, home / "kafka.log", self.heap_mb))
        self._format(software, home)
        process.spawn(
            [str(software.java), f"@{arguments}", "kafka.Kafka", str(properties)],
            pid_file=home / "broker.pid",
            output=home / "kafka.out.log",
        )

    def _replace_taken_ports(self) -> None:
        """While all nodes are down, give those whose port another program has taken since a new one."""
        nodes = self._nodes()
        if self.port is not None or any(self.process_of(node.node_id) for node in nodes):
            return
        taken = [port for node in nodes for port in (node.port, node.controller_port) if not is_free(port)]
        if taken:
            renamed = dict(zip(taken, free_ports(len(taken)), strict=True))
            fresh = [[n.node_id, *(renamed.get(port, port) for port in (n.port, n.controller_port))] for n in nodes]
            self._write_cluster({**self._cluster(), "nodes": fresh})

    def _format(self, software: Distribution, home: Path) -> None:
        if (home / "data" / "meta.properties").exists():
            return
        tool = [str(software.java), f"@{home / 'java.args'}", "kafka.tools.StorageTool"]
        argv = [*tool, "format", "-t", self._cluster_id(), "-c", str(home / "server.properties")]
        answer = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
        if answer.returncode != 0:
            reason = (answer.stderr or answer.stdout).strip()[-500:]
            raise StartFailed(f"kafka could not format `{home / 'data'}`: {reason}")

    def _check_alive(self) -> None:
        for node in self._nodes():
            if self.process_of(node.node_id) is None:
                home = self._dir(node.node_id)
                said = process.tail(home / "kafka.log") or process.tail(home / "kafka.out.log")
                raise StartFailed(f"kafka node {node.node_id} ended while starting: look at `{home}/*.log`\n{said}")

    def _cluster_id(self) -> str:
        return str(self._cluster()["cluster_id"])

    def _nodes(self) -> list[Node]:
        return [Node(*values) for values in self._cluster()["nodes"]]

    def _node(self, node_id: int) -> Node:
        return next(node for node in self._nodes() if node.node_id == node_id)

    def _dir(self, node_id: int) -> Path:
        return self.data_dir.resolve() / f"node-{node_id}"

    def _properties(self, node_id: int) -> Path:
        return self._dir(node_id) / "server.properties"

    def _cluster(self) -> dict[str, list[list[int]] | str]:
        """The cluster's identity and ports: read back, or made up and written the first time."""
        path = self.data_dir / "cluster.json"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._write_cluster(_new_cluster(self.brokers, self.port))
        cluster: dict[str, list[list[int]] | str] = json.loads(path.read_text())
        if len(cluster["nodes"]) != self.brokers:
            raise ChangeSettings(f"`{self.data_dir}` holds {len(cluster['nodes'])} brokers, not {self.brokers}")
        return cluster

    def _write_cluster(self, cluster: Mapping[str, object]) -> None:
        fresh = self.data_dir / "cluster.json.new"
        fresh.write_text(json.dumps(cluster))
        fresh.replace(self.data_dir / "cluster.json")


def _new_cluster(brokers: int, port: int | None) -> dict[str, object]:
    ports = free_ports(2 * brokers)
    if port is not None:
        ports[0] = port
    nodes = [[i + 1, ports[2 * i], ports[2 * i + 1]] for i in range(brokers)]
    # Kafka's Uuid is base64url of 16 bytes and must not look like a command line option.
    cluster_id = "M" + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")[1:]
    return {"cluster_id": cluster_id, "nodes": nodes}
