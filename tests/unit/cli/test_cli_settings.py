"""Where commands learn how to reach the exchange."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.errors import ChangeSettings
from connectors.settings import Connection, Settings, ensure_pseudonym_key

URL = "postgresql://masa:very-secret@127.0.0.1:5432/masa"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    Connection(kafka="127.0.0.1:9092", database=SecretStr(URL), metrics=("http://127.0.0.1:1/metrics",)).write(tmp_path)
    return tmp_path


def test_the_connection_file_has_the_keys_that_scripts_rely_on(data_dir: Path) -> None:
    """kafka, database, gateway, prometheus, metrics; readable by its owner only, for it holds a password."""
    path = data_dir / "connection.json"
    written = json.loads(path.read_text())
    assert written["kafka"] == "127.0.0.1:9092"
    assert written["database"] == URL
    assert (written["gateway"], written["prometheus"]) == (None, None)
    assert written["metrics"] == ["http://127.0.0.1:1/metrics"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_environment_wins_over_the_file(data_dir: Path) -> None:
    """Somebody set it on purpose."""
    found = Settings.load(data_dir, {"KAFKA_BOOTSTRAP_SERVERS": "localhost:1", "DATABASE_URL": "postgresql://other"})
    assert found.kafka().bootstrap_servers == "localhost:1"
    assert found.database() == "postgresql://other"
    assert Settings.load(data_dir, {}).database() == URL


def test_synthetic_identifiers_are_for_local_exchanges(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Accepted where `masa up` runs it, refused in a deployment, unless somebody says so on purpose."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert Settings.load(data_dir, {}).allow_synthetic
    assert not Settings.load(elsewhere, {"KAFKA_BOOTSTRAP_SERVERS": "localhost:9092"}).allow_synthetic
    assert Settings.load(elsewhere, {"MASA_ALLOW_SYNTHETIC": "true"}).allow_synthetic
    with pytest.raises(ChangeSettings, match="use true or false"):
        Settings.load(data_dir, {"MASA_ALLOW_SYNTHETIC": "yes"})


def test_kafka_variables_reach_the_client(data_dir: Path) -> None:
    """KAFKA_<FIELD> for every field of the Kafka settings."""
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9093",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_SASL_USERNAME": "masa",
        "KAFKA_SASL_PASSWORD": "very-secret",
    }
    conf = Settings.load(data_dir, env).kafka().common_conf()
    assert (conf["security.protocol"], conf["sasl.password"]) == ("SASL_SSL", "very-secret")


def test_no_secret_is_shown(data_dir: Path) -> None:
    """A settings object in a log or a traceback gives nothing away."""
    found = Settings.load(data_dir, {"KAFKA_BOOTSTRAP_SERVERS": "localhost:1", "KAFKA_SASL_PASSWORD": "very-secret"})
    assert "very-secret" not in repr(found) + str(found) + repr(found.connection)


def test_without_a_running_exchange_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    """The next step is in the message."""
    found = Settings.load(tmp_path, {})
    with pytest.raises(ChangeSettings, match=r"masa up.*--data-dir.*KAFKA_BOOTSTRAP_SERVERS"):
        found.kafka()
    with pytest.raises(ChangeSettings, match="DATABASE_URL"):
        found.database()


def test_a_damaged_connection_file_is_named(tmp_path: Path) -> None:
    """It is not taken for an absent one."""
    (tmp_path / "connection.json").write_text('{"kafka": ')
    with pytest.raises(ChangeSettings, match=r"connection\.json"):
        Settings.load(tmp_path, {})


def test_the_pseudonym_key_is_made_once_and_kept(tmp_path: Path) -> None:
    """Another key would cut every link between old pseudonyms and new ones."""
    path = ensure_pseudonym_key(tmp_path)
    key = path.read_bytes()
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_pseudonym_key(tmp_path).read_bytes() == key
    assert Settings.load(tmp_path, {}).pseudonym_key() == key


def test_a_missing_pseudonym_key_is_never_invented(tmp_path: Path) -> None:
    """A command that needs one says where it belongs."""
    with pytest.raises(ChangeSettings, match="MASA_PSEUDONYM_KEY_FILE"):
        Settings.load(tmp_path, {}).pseudonym_key()
