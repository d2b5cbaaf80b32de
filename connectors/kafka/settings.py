"""How to reach Kafka, and the librdkafka configuration of each kind of client.

The model refuses what is unsafe: an unencrypted connection is accepted on the loopback interface, or when it is asked
for by name. It reads no environment; the composition root fills it.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from connectors.errors import ChangeSettings

ClientConf = dict[str, str | int | float | bool]
Isolation = Literal["read_committed", "read_uncommitted"]

# `masa.rejected` keeps an oversize record's bytes, so a producer must be able to send more than an outbox's 1 MiB.
PRODUCER_MAX_BYTES = 4 * 1024 * 1024
POLICY_MAX_BYTES = 16 * 1024 * 1024  # a compiled rule set of a large area, `masa.policy` only
# Below the 20 s after which readers of an open transaction would notice, above the longest batch (design section 6).
TRANSACTION_TIMEOUT_MS = 15_000


class KafkaSettings(BaseModel):
    """Connection settings, shared by every client of one process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_servers: str = Field(min_length=1, description="host:port, comma separated")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_ca_location: Path | None = None
    ssl_certificate_location: Path | None = None
    ssl_key_location: Path | None = None
    ssl_key_password: SecretStr | None = None
    allow_plaintext: bool = Field(default=False, description="accept an unencrypted connection to another machine")
    client_id: str = "masa"

    @model_validator(mode="after")
    def _safe_and_complete(self) -> KafkaSettings:
        hosts = self._hosts()
        if not self.security_protocol.endswith("SSL") and not self.allow_plaintext:
            remote = [host for host in hosts if not _is_loopback(host)]
            if remote:
                raise ValueError(
                    f"`{self.security_protocol}` to `{remote[0]}` is not encrypted: use SSL or SASL_SSL, "
                    "or set allow_plaintext when the network itself is trusted"
                )
        if self.security_protocol.startswith("SASL"):
            wanted = ("sasl_mechanism", "sasl_username", "sasl_password")
            missing = [name for name in wanted if not getattr(self, name)]
            if missing:
                raise ValueError(f"`{self.security_protocol}` also needs {', '.join(missing)}")
        return self

    def _hosts(self) -> list[str]:
        hosts = []
        for server in self.bootstrap_servers.split(","):
            host, colon, port = server.strip().rpartition(":")
            if not colon or not host or not port.isdigit():
                raise ValueError(f"bootstrap server `{server.strip()}` is not host:port")
            hosts.append(host.split("://")[-1])
        return hosts

    @classmethod
    def create(cls, **values: object) -> KafkaSettings:
        """As the constructor, with `ChangeSettings` in the operator's words; never quotes a secret."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = "; ".join(_plain(problem["loc"], problem["msg"]) for problem in error.errors())
            raise ChangeSettings(f"kafka settings: {problems}") from None

    def common_conf(self, *, client_id: str | None = None) -> ClientConf:
        """What every client needs, in librdkafka's names; also the configuration of an admin client."""
        conf: ClientConf = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": self.security_protocol,
            "client.id": client_id or self.client_id,
            # A broker that comes back is found at once rather than after the default back-off of up to 10 s.
            "reconnect.backoff.max.ms": 1_000,
            "socket.keepalive.enable": True,
            # librdkafka's own lines would break up the JSON on stderr; what matters comes as an error or by error_cb.
            "log_level": 0,
        }
        optional: dict[str, object] = {
            "sasl.mechanism": self.sasl_mechanism,
            "sasl.username": self.sasl_username,
            "sasl.password": self.sasl_password,
            "ssl.ca.location": self.ssl_ca_location,
            "ssl.certificate.location": self.ssl_certificate_location,
            "ssl.key.location": self.ssl_key_location,
            "ssl.key.password": self.ssl_key_password,
        }
        conf.update({name: _revealed(value) for name, value in optional.items() if value is not None})
        return conf

    def producer_conf(
        self,
        *,
        client_id: str | None = None,
        transactional_id: str | None = None,
        transaction_timeout_ms: int = TRANSACTION_TIMEOUT_MS,
        max_bytes: int = PRODUCER_MAX_BYTES,
        extra: Mapping[str, str | int | float | bool] | None = None,
    ) -> ClientConf:
        """Idempotent, acks=all, lz4, and Java's partitioner, so that every client agrees where a key lives."""
        conf = self.common_conf(client_id=client_id)
        conf.update(
            {
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                # librdkafka's default agrees with Java and aiokafka on 3 of 12 keys (design section 6).
                "partitioner": "murmur2_random",
                "message.max.bytes": max_bytes,
            }
        )
        if transactional_id is not None:
            conf["transactional.id"] = transactional_id
            conf["transaction.timeout.ms"] = transaction_timeout_ms
        conf.update(extra or {})
        return conf

    def consumer_conf(
        self,
        group_id: str,
        *,
        client_id: str | None = None,
        group_instance_id: str | None = None,
        isolation: Isolation = "read_committed",
        offset_reset: Literal["earliest", "latest", "error"] = "earliest",
        partition_eof: bool = False,
        extra: Mapping[str, str | int | float | bool] | None = None,
    ) -> ClientConf:
        """Reads committed records only unless told otherwise, and never commits an offset by itself."""
        conf = self.common_conf(client_id=client_id)
        conf.update(
            {
                "group.id": group_id,
                "isolation.level": isolation,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": offset_reset,
                "enable.partition.eof": partition_eof,
                "allow.auto.create.topics": False,
            }
        )
        if group_instance_id is not None:
            conf["group.instance.id"] = group_instance_id
        conf.update(extra or {})
        return conf


def _is_loopback(host: str) -> bool:
    name = host.strip("[]")
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _plain(location: tuple[int | str, ...], message: str) -> str:
    path = ".".join(str(part) for part in location)
    text = message.removeprefix("Value error, ")
    return f"{path}: {text}" if path else text
