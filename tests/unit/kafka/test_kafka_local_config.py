"""The local broker's configuration, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from connectors.kafka.local_config import LocalSecurity, Node, java_arguments, server_properties

NODES = [Node(1, 9001, 9002), Node(2, 9003, 9004), Node(3, 9005, 9006)]


def properties(nodes: list[Node], security: LocalSecurity | None = None, **extra: str) -> dict[str, str]:
    text = server_properties(nodes[0], nodes, Path("/data"), security, extra)
    return dict(line.split("=", 1) for line in text.splitlines())


def test_only_the_loopback_interface_is_listened_on() -> None:
    """Nobody on the network can reach a local stack."""
    values = properties(NODES[:1])
    assert values["listeners"] == "CLIENT://127.0.0.1:9001,CONTROLLER://127.0.0.1:9002"
    assert values["advertised.listeners"] == "CLIENT://127.0.0.1:9001"


@pytest.mark.parametrize(("count", "replicas", "in_sync"), [(1, "1", "1"), (2, "2", "1"), (3, "3", "2")])
def test_replication_fits_the_number_of_brokers(count: int, replicas: str, in_sync: str) -> None:
    """Kafka's own topics too: with the default of 3 a single broker would never make its transaction log."""
    values = properties(NODES[:count])
    assert values["transaction.state.log.replication.factor"] == replicas
    assert values["transaction.state.log.min.isr"] == values["min.insync.replicas"] == in_sync


def test_topics_are_made_on_purpose_only() -> None:
    """A misspelt topic is an error, not a new topic."""
    assert properties(NODES)["auto.create.topics.enable"] == "false"


def test_what_the_caller_says_wins() -> None:
    """Fault tests shorten what they wait for."""
    assert properties(NODES, **{"broker.session.timeout.ms": "9"})["broker.session.timeout.ms"] == "9"


def test_with_users_nobody_is_let_in_without_a_password() -> None:
    """Both listeners ask, and what is not allowed is refused."""
    values = properties(NODES, LocalSecurity(users={"admin": SecretStr("p")}))
    assert values["listener.security.protocol.map"] == "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT"
    assert values["allow.everyone.if.no.acl.found"] == "false"
    assert values["super.users"] == "User:admin"


@pytest.mark.parametrize("users", [{"other": "p"}, {"admin": 'a"b'}, {"admin": "p", "a;b": "p"}, {"admin": ""}])
def test_a_user_that_would_break_the_configuration_is_refused(users: dict[str, str]) -> None:
    """Names and passwords are written into a line with its own quoting."""
    with pytest.raises(ValidationError):
        LocalSecurity(users={name: SecretStr(password) for name, password in users.items()})


def test_a_path_with_spaces_survives_the_argument_file() -> None:
    """Java splits an argument file at spaces that are not quoted."""
    text = java_arguments([Path("/a b/c.jar"), Path("/d.jar")], Path("/e f/log4j2.xml"), Path("/g h/kafka.log"), 256)
    lines = text.splitlines()
    assert lines[lines.index("-cp") + 1] == '"/a b/c.jar:/d.jar"'
    assert '"-Dmasa.kafka.log=/g h/kafka.log"' in lines
    assert "-Xmx256m" in lines
