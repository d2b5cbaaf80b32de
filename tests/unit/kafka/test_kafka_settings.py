"""Kafka settings: what they refuse, and what librdkafka is told."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, Producer

from connectors.errors import ChangeSettings
from connectors.kafka.settings import KafkaSettings

LOCAL = "127.0.0.1:9092"


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"bootstrap_servers": "kafka.example:9092"}, "not encrypted"),
        ({"bootstrap_servers": f"{LOCAL},kafka.example:9092"}, r"`kafka\.example` is not encrypted"),
        ({"bootstrap_servers": "127.0.0.1"}, "is not host:port"),
        ({"bootstrap_servers": "127.0.0.1:x"}, "is not host:port"),
        ({"bootstrap_servers": ""}, "bootstrap_servers"),
        ({"bootstrap_servers": LOCAL, "security_protocol": "SASL_SSL"}, "also needs sasl_mechanism, sasl_username"),
        ({"bootstrap_servers": LOCAL, "security_protocol": "TLS"}, "security_protocol"),
        ({"bootstrap_servers": LOCAL, "acks": "1"}, "acks"),
    ],
)
def test_what_is_unsafe_or_incomplete_does_not_start(values, problem) -> None:
    """Each wrong setting is refused by name."""
    with pytest.raises(ChangeSettings, match=problem):
        KafkaSettings.create(**values)


@pytest.mark.parametrize("server", ["localhost:1", "127.0.0.1:1", "[::1]:1", "PLAINTEXT://127.0.0.1:1"])
def test_the_loopback_interface_needs_no_encryption(server) -> None:
    """Nobody but this machine can listen there."""
    assert KafkaSettings.create(bootstrap_servers=server).security_protocol == "PLAINTEXT"


def test_plain_text_to_another_machine_has_to_be_asked_for() -> None:
    """A trusted network is a decision that somebody writes down."""
    assert KafkaSettings.create(bootstrap_servers="kafka:9092", allow_plaintext=True)


def test_a_password_is_told_to_the_client_only() -> None:
    """Neither the settings' text nor a refusal shows a secret."""
    values = {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "u"}
    settings = KafkaSettings.create(bootstrap_servers="kafka:9092", sasl_password="canary", **values)
    assert settings.common_conf()["sasl.password"] == "canary"
    assert "canary" not in f"{settings!r} {settings}"
    with pytest.raises(ChangeSettings) as refused:
        KafkaSettings.create(bootstrap_servers="nowhere", sasl_password="canary", **values)
    assert "canary" not in str(refused.value)


def test_librdkafka_accepts_every_configuration() -> None:
    """No property is misspelt: librdkafka makes a client of each."""
    settings = KafkaSettings.create(bootstrap_servers=LOCAL)
    quiet = {"log_level": 0}
    Producer({**settings.producer_conf(), **quiet})
    Producer({**settings.producer_conf(transactional_id="t-1", max_bytes=17_000_000), **quiet})
    Consumer({**settings.consumer_conf("g", group_instance_id="i", partition_eof=True), **quiet}).close()


def test_safe_values_are_there_whoever_asks() -> None:
    """Exactly-once depends on these; a caller has to override them by name to lose them."""
    settings = KafkaSettings.create(bootstrap_servers=LOCAL)
    producer, consumer = settings.producer_conf(), settings.consumer_conf("g")
    assert (producer["enable.idempotence"], producer["acks"]) == (True, "all")
    assert producer["partitioner"] == "murmur2_random"
    assert (consumer["isolation.level"], consumer["enable.auto.commit"]) == ("read_committed", False)
