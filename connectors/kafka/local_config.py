"""The configuration of a local broker, as text: everything that is decided before a process is started. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from connectors.ports import LOOPBACK

_PLAIN_WORD = re.compile(r"[A-Za-z0-9._~-]+")


class Node(NamedTuple):
    """One process: a broker and a member of the KRaft quorum."""

    node_id: int
    port: int
    controller_port: int


class LocalSecurity(BaseModel):
    """SASL/PLAIN users of a local broker with an authorizer. `admin` is its super user; it must be one of `users`.

    Names and passwords go into a JAAS line, so they are letters, digits and `._~-` only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    admin: str = "admin"
    users: Mapping[str, SecretStr]

    @model_validator(mode="after")
    def _writable_as_jaas(self) -> LocalSecurity:
        if self.admin not in self.users:
            raise ValueError(f"the super user `{self.admin}` is not one of users")
        for name, password in self.users.items():
            if not _PLAIN_WORD.fullmatch(name) or not _PLAIN_WORD.fullmatch(password.get_secret_value()):
                raise ValueError(f"name or password of user `{name}` holds more than letters, digits and ._~-")
        return self


def server_properties(
    node: Node, nodes: Sequence[Node], data: Path, security: LocalSecurity | None, extra: Mapping[str, str]
) -> str:
    """`server.properties` of `node` in a cluster of `nodes`, with its data in `data`. `extra` wins."""
    values = {
        **_identity(node, nodes, data),
        **_durability(len(nodes)),
        **_small_machine(),
        **_security(security),
        **extra,
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())


def _identity(node: Node, nodes: Sequence[Node], data: Path) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.node_id),
        # A static quorum: the controller's port is configuration, not data, so a data directory can change ports.
        "controller.quorum.voters": ",".join(f"{n.node_id}@{LOOPBACK}:{n.controller_port}" for n in nodes),
        "listeners": f"CLIENT://{LOOPBACK}:{node.port},CONTROLLER://{LOOPBACK}:{node.controller_port}",
        "advertised.listeners": f"CLIENT://{LOOPBACK}:{node.port}",
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data),
    }


def _durability(brokers: int) -> dict[str, str]:
    replicas = str(min(3, brokers))
    in_sync = "2" if brokers >= 3 else "1"
    return {
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "unclean.leader.election.enable": "false",
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        # Topics that need more say so themselves (`masa.policy`, `masa.rejected`).
        "message.max.bytes": "1048588",
    }


def _small_machine() -> dict[str, str]:
    return {
        "num.network.threads": "2",
        "num.io.threads": "4",
        "num.partitions": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.num.partitions": "1",
        "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),  # the default of 128 MiB does not fit a small heap
        "group.initial.rebalance.delay.ms": "0",
        # After kill -9 the old registration must lapse before the broker may register again.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "500",
        # How long past its timeout a dead producer's open transaction blocks read_committed readers; default 10 s. Not
        # less than a restarted slot takes to settle its transaction itself: a sweep in a new broker's first second was
        # seen to leave a partition without its abort marker.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "5000",
        "replica.lag.time.max.ms": "5000",
    }


def _security(security: LocalSecurity | None) -> dict[str, str]:
    if security is None:
        return {"listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT"}
    module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    admin = f'username="{security.admin}" password="{security.users[security.admin].get_secret_value()}"'
    users = " ".join(f'user_{name}="{secret.get_secret_value()}"' for name, secret in security.users.items())
    jaas = f"{module} {admin} {users};"
    return {
        "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config": jaas,
        "listener.name.controller.plain.sasl.jaas.config": jaas,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{security.admin}",
    }


def java_arguments(class_path: Sequence[Path], log4j: Path, log: Path, heap_mb: int) -> str:
    """A java argument file (`java @file`): keeps 90 jars out of the command line and copes with spaces in paths."""
    joined = ":".join(str(jar) for jar in class_path)
    lines = [
        f"-Xms{heap_mb // 2}m",
        f"-Xmx{heap_mb}m",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        _quoted(f"-Dlog4j2.configurationFile={log4j.as_uri()}"),
        _quoted(f"-Dmasa.kafka.log={log}"),
        "-cp",
        _quoted(joined),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
