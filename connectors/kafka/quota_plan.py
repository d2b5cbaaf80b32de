"""How much each principal may send and fetch, so that one agency's fault cannot starve the others.

Kafka's default user quota covers every agency, new ones included, with one setting; only the exchange's own processes
get limits of their own. librdkafka has no call for quotas (KIP-546), so they are applied with Kafka's own tool, which
an operator can also run by hand.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from connectors.errors import ConnectorFailure, RetryLater
from connectors.kafka.acl_plan import AUDITOR, GATEWAY, LEDGER, POLICY, ROUTER
from connectors.kafka.distribution import Distribution
from connectors.kafka.settings import KafkaSettings

MEBIBYTE = 1024 * 1024
# An event is about 1 KiB; a force's busiest minute is a few hundred of them. Bulk loads are slowed down, not refused.
AGENCY_BYTES_PER_SECOND = 2 * MEBIBYTE
PROCESS_BYTES_PER_SECOND = 512 * MEBIBYTE  # in effect none: they must never be throttled by the agencies' default
TOOL_SECONDS = 120


class Quota(NamedTuple):
    """Bytes a second and broker; `user` None is the default of all users without a quota of their own."""

    user: str | None
    produce: int
    consume: int

    def describe(self) -> str:
        who = f"user `{self.user}`" if self.user else "every other user"
        return f"{who}: produce {self.produce} B/s, consume {self.consume} B/s"

    def tool_arguments(self) -> list[str]:
        """Arguments of `kafka-configs.sh` that set it, the connection aside."""
        entity = ["--entity-default"] if self.user is None else ["--entity-name", self.user]
        values = f"producer_byte_rate={self.produce},consumer_byte_rate={self.consume}"
        return ["--alter", "--entity-type", "users", *entity, "--add-config", values]


def wanted_quotas() -> list[Quota]:
    """One default for agencies, room for the exchange's own processes."""
    own = (ROUTER, LEDGER, GATEWAY, POLICY, AUDITOR)
    return [
        Quota(None, AGENCY_BYTES_PER_SECOND, AGENCY_BYTES_PER_SECOND),
        *(Quota(name, PROCESS_BYTES_PER_SECOND, PROCESS_BYTES_PER_SECOND) for name in own),
    ]


def shell_commands(quotas: Iterable[Quota], bootstrap_servers: str) -> list[str]:
    """The same for an operator's shell, with the connection in `client.properties`."""
    head = f"kafka-configs.sh --bootstrap-server {bootstrap_servers} --command-config client.properties"
    return [f"{head} {' '.join(quota.tool_arguments())}" for quota in quotas]


def apply_quotas(settings: KafkaSettings, quotas: Sequence[Quota], software: Distribution) -> None:
    """Set them with Kafka's own tool. Safe to repeat. Raises `RetryLater` with what the tool said."""
    with tempfile.TemporaryDirectory(prefix="masa-quotas-") as folder:
        connection = Path(folder) / "client.properties"  # in a directory of mode 0700
        connection.write_text(java_client_properties(settings))
        for quota in quotas:
            _run_tool(settings, [*quota.tool_arguments(), "--command-config", str(connection)], software)


def java_client_properties(settings: KafkaSettings) -> str:
    """The connection in the Java client's names: the plain-text and SASL settings that the local broker uses."""
    lines = [f"security.protocol={settings.security_protocol}"]
    if settings.sasl_mechanism is not None and settings.sasl_password is not None:
        kind = "plain.Plain" if settings.sasl_mechanism == "PLAIN" else "scram.Scram"
        module = f"org.apache.kafka.common.security.{kind}LoginModule"
        user, password = _jaas(settings.sasl_username or ""), _jaas(settings.sasl_password.get_secret_value())
        lines += [
            f"sasl.mechanism={settings.sasl_mechanism}",
            f"sasl.jaas.config={module} required username={user} password={password};",
        ]
    if settings.ssl_ca_location is not None:
        lines += ["ssl.truststore.type=PEM", f"ssl.truststore.location={settings.ssl_ca_location}"]
    return "".join(f"{line}\n" for line in lines)


def _jaas(value: str) -> str:
    """Quoted for JAAS, then for a properties file, which has backslashes of its own."""
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return quoted.replace("\\", "\\\\")


def _run_tool(settings: KafkaSettings, arguments: Sequence[str], software: Distribution) -> None:
    class_path = ":".join(str(jar) for jar in software.class_path)
    tool = [str(software.java), "-Xmx128m", "-cp", class_path, "kafka.admin.ConfigCommand"]
    argv = [*tool, "--bootstrap-server", settings.bootstrap_servers, *arguments]
    try:
        answer = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=TOOL_SECONDS)
    except subprocess.TimeoutExpired:
        raise RetryLater(f"kafka did not set a quota within {TOOL_SECONDS} s") from None
    if answer.returncode != 0:
        raise ConnectorFailure(f"kafka refused a quota: {(answer.stderr or answer.stdout).strip()[-300:]}")
