"""What a command needs to know to reach a running exchange: frozen, complete, and silent about its secrets.

Two sources: `connection.json`, which `masa up` writes into the data directory, and environment variables,
which win because somebody set them on purpose. This module reads the file; the environment comes in as an
argument.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_serializer
from pydantic.alias_generators import to_camel

from connectors.errors import ChangeSettings
from connectors.kafka.settings import KafkaSettings

CONNECTION_FILE = "connection.json"
SECRETS_DIR = "secrets"
PSEUDONYM_KEY_FILE = "pseudonym.key"
PSEUDONYM_KEY_BYTES = 32
SIGNATORIES_FILE = "signatories.yaml"


class Connection(BaseModel):
    """`connection.json`: where the running exchange is. Keys that scripts rely on; more may be added."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)

    kafka: str  # bootstrap servers
    database: SecretStr  # PostgreSQL URL; may hold a password
    gateway: str | None = None  # URL of the HTTP door
    issuer: str | None = None  # URL of the local identity issuer
    prometheus: str | None = None
    metrics: tuple[str, ...] = ()
    area: str | None = None  # id of the main area

    @field_serializer("database", when_used="json")
    def _reveal(self, value: SecretStr) -> str:
        return value.get_secret_value()

    def write(self, data_dir: Path) -> Path:
        """Write it, readable by the owner only."""
        path = data_dir / CONNECTION_FILE
        write_private(path, (self.model_dump_json(by_alias=True, indent=2) + "\n").encode())
        return path

    @classmethod
    def read(cls, data_dir: Path) -> Connection | None:
        """The file of a data directory, None when there is none. Raises ChangeSettings when it is damaged."""
        path = data_dir / CONNECTION_FILE
        try:
            return cls.model_validate(json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (ValidationError, json.JSONDecodeError) as error:
            raise ChangeSettings(
                f"`{path}` is not a connection file ({type(error).__name__}): remove it and run `masa up` again"
            ) from None


class Settings(BaseModel):
    """What every command but `up` starts from. Parts that a command does not need may be absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path
    connection: Connection | None
    kafka_settings: KafkaSettings | None
    database_url: SecretStr | None
    pseudonym_key_file: Path
    signatories_file: Path  # who may sign rule sets and stops: the router's root of trust
    allow_synthetic: bool = False  # accept NHS numbers of the test range; only an exchange of invented children may
    schema_registry_url: SecretStr | None = None  # for the Confluent frame; may hold a password

    @classmethod
    def load(cls, data_dir: Path, env: Mapping[str, str]) -> Settings:
        """From the data directory and the environment. Raises ChangeSettings naming what is wrong.

        Synthetic NHS numbers are accepted where `masa up` runs, unless MASA_ALLOW_SYNTHETIC says otherwise.
        """
        connection = Connection.read(data_dir)
        servers = env.get("KAFKA_BOOTSTRAP_SERVERS") or (connection.kafka if connection else None)
        url = env.get("DATABASE_URL")
        key_file = env.get("MASA_PSEUDONYM_KEY_FILE")
        registry = env.get("SCHEMA_REGISTRY_URL")
        signatories_file = env.get("MASA_SIGNATORIES_FILE")
        synthetic = env.get("MASA_ALLOW_SYNTHETIC") or ("false" if connection is None else "true")
        if synthetic not in ("true", "false"):
            raise ChangeSettings(f"MASA_ALLOW_SYNTHETIC is `{synthetic}`: use true or false")
        return cls(
            data_dir=data_dir,
            connection=connection,
            kafka_settings=kafka_settings(servers, env) if servers else None,
            database_url=SecretStr(url) if url else (connection.database if connection else None),
            pseudonym_key_file=Path(key_file) if key_file else data_dir / SECRETS_DIR / PSEUDONYM_KEY_FILE,
            allow_synthetic=synthetic == "true",
            schema_registry_url=SecretStr(registry) if registry else None,
            signatories_file=Path(signatories_file) if signatories_file else data_dir / SIGNATORIES_FILE,
        )

    def kafka(self) -> KafkaSettings:
        """Kafka settings, or ChangeSettings that says how to provide them."""
        if self.kafka_settings is None:
            raise ChangeSettings(self._nothing_runs("KAFKA_BOOTSTRAP_SERVERS"))
        return self.kafka_settings

    def database(self) -> str:
        """PostgreSQL URL, or ChangeSettings that says how to provide it."""
        if self.database_url is None:
            raise ChangeSettings(self._nothing_runs("DATABASE_URL"))
        return self.database_url.get_secret_value()

    def pseudonym_key(self) -> bytes:
        """The exchange's pseudonym key. Raises ChangeSettings when there is none: it is never invented
        here."""
        try:
            return self.pseudonym_key_file.read_bytes()
        except OSError:
            raise ChangeSettings(
                f"no pseudonym key in `{self.pseudonym_key_file}`: `masa up` makes one in its data directory; "
                "elsewhere name the file in MASA_PSEUDONYM_KEY_FILE"
            ) from None

    def _nothing_runs(self, variable: str) -> str:
        return (
            f"no running exchange in `{self.data_dir}`: start one with `masa up`, "
            f"name its directory with --data-dir, or set {variable}"
        )


def kafka_settings(bootstrap_servers: str, env: Mapping[str, str]) -> KafkaSettings:
    """Kafka settings with `KAFKA_<FIELD>` variables, such as KAFKA_SASL_USERNAME, for all other fields."""
    fields = (name for name in KafkaSettings.model_fields if name not in {"bootstrap_servers", "client_id"})
    given = {name: value for name in fields if (value := env.get(f"KAFKA_{name.upper()}"))}
    return KafkaSettings.create(bootstrap_servers=bootstrap_servers, **given)


def ensure_pseudonym_key(data_dir: Path) -> Path:
    """The key file of a data directory, made once and for ever; mode 0600 in a directory of mode 0700.

    A new key would cut every link between old and new pseudonyms, so an existing file is never replaced.
    """
    path = data_dir / SECRETS_DIR / PSEUDONYM_KEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        write_private(path, secrets.token_bytes(PSEUDONYM_KEY_BYTES))
    return path


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read; complete or not at all."""
    draft = path.with_name(path.name + ".draft")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
