"""Plans applied to a real broker, one with an authorizer: who may write where."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError
from pydantic import SecretStr

from connectors.errors import NotPermitted
from connectors.kafka import acl_plan, distribution, topics
from connectors.kafka.acl_plan import acl_changes, principal_of, wanted_acls
from connectors.kafka.admin import apply_acls, apply_topics, current_acls, plan_topics
from connectors.kafka.local import LocalBroker
from connectors.kafka.local_config import LocalSecurity
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.quota_plan import apply_quotas, java_client_properties, wanted_quotas
from connectors.kafka.reader import read_topic
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topic_plan import SetConfig, wanted_topics
from connectors.kafka.transaction import TransactionalProducer

pytestmark = pytest.mark.integration

AGENCIES = ("north-police", "north-csc")
USERS = ("admin", *map(principal_of, AGENCIES), acl_plan.ROUTER, acl_plan.GATEWAY, acl_plan.LEDGER, acl_plan.AUDITOR)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """A broker with an authorizer, all topics and all permissions of an exchange with two agencies."""
    security = LocalSecurity(users={name: SecretStr(f"pw-{name}") for name in USERS})
    broker = LocalBroker(data_dir=tmp_path_factory.mktemp("guarded"), heap_mb=256, security=security)
    try:
        admin = broker.start()
        apply_topics(admin, plan_topics(admin, wanted_topics(AGENCIES)))
        apply_acls(admin, acl_changes(current_acls(admin) or (), wanted_acls(AGENCIES)))
        yield broker
    finally:
        broker.stop()


def send(settings: KafkaSettings, topic: str) -> None:
    with Publisher(settings, timeout=15) as publisher:
        publisher.publish([Outgoing(topic, b"event")])


def as_agency(broker: LocalBroker, agency: str) -> KafkaSettings:
    return broker.settings_for(principal_of(agency))


def test_an_agency_writes_its_own_outbox(guarded: LocalBroker) -> None:
    """What an agency is for: publishing from its own outbox and acknowledging on its own receipts topic."""
    police = as_agency(guarded, "north-police")
    send(police, topics.outbox("north-police"))
    send(police, topics.receipts("north-police"))


@pytest.mark.parametrize(
    "topic",
    [
        topics.outbox("north-csc"),
        topics.receipts("north-csc"),
        topics.inbox("north-csc"),
        topics.inbox("north-police"),
        topics.GATEWAY_OUTBOX,
        topics.AUDIT,
        topics.POLICY,
    ],
)
def test_an_agency_writes_nowhere_else(guarded: LocalBroker, topic: str) -> None:
    """Another's outbox in particular: the topic authenticates the source, so writing it would be impersonation."""
    with pytest.raises(NotPermitted):
        send(as_agency(guarded, "north-police"), topic)


@pytest.mark.parametrize("topic", [topics.inbox("north-csc"), topics.outbox("north-csc"), topics.AUDIT, topics.HELD])
def test_an_agency_reads_nothing_of_others(guarded: LocalBroker, topic: str) -> None:
    """An agency cannot read what was delivered to another, nor what the exchange keeps."""
    with pytest.raises(NotPermitted):
        list(read_topic(as_agency(guarded, "north-police"), [topic]))


def test_an_agency_reads_its_inbox_and_the_schemas(guarded: LocalBroker) -> None:
    """Its deliveries, and what it needs to decode them."""
    police = as_agency(guarded, "north-police")
    assert list(read_topic(police, [topics.inbox("north-police"), topics.SCHEMAS])) == []


def test_an_agency_joins_its_own_groups_only(guarded: LocalBroker) -> None:
    """A consumer group of another agency, or the router's, cannot be joined and so not disturbed."""
    police = as_agency(guarded, "north-police")
    inbox = topics.inbox("north-police")
    assert first_error(police, "agency.north-police.worker", inbox) == KafkaError._PARTITION_EOF
    assert first_error(police, acl_plan.ROUTER, inbox) == KafkaError.GROUP_AUTHORIZATION_FAILED


def first_error(settings: KafkaSettings, group: str, topic: str) -> int | None:
    consumer = Consumer(settings.consumer_conf(group, partition_eof=True))
    consumer.subscribe([topic])
    try:
        message = consumer.poll(20)
        error = message.error() if message is not None else None
        return error.code() if error is not None else None
    finally:
        consumer.close()


def test_the_router_routes_with_its_permissions(guarded: LocalBroker) -> None:
    """Its own transactional id, the inboxes, audit, held and rejected: all it writes, in one transaction."""
    router = guarded.settings_for(acl_plan.ROUTER)
    producer = TransactionalProducer(router.producer_conf(transactional_id="masa-router-0"), timeout_seconds=20)
    producer.open()
    written = [topics.inbox("north-csc"), topics.GATEWAY_INBOX, topics.AUDIT, topics.HELD, topics.REJECTED]
    consumer = Consumer(router.consumer_conf(acl_plan.ROUTER))
    try:
        producer.commit([(topic, b"x", None, None) for topic in written], [], consumer.consumer_group_metadata())
    finally:
        producer.close()
        consumer.close()
    auditor = guarded.settings_for(acl_plan.AUDITOR)
    assert {record.topic for record in read_topic(auditor, written)} == set(written)


def test_only_the_gateway_writes_the_gateways_outbox(guarded: LocalBroker) -> None:
    """The router believes the agency header there, so no one else may write it, the router included."""
    send(guarded.settings_for(acl_plan.GATEWAY), topics.GATEWAY_OUTBOX)
    with pytest.raises(NotPermitted):
        send(guarded.settings_for(acl_plan.ROUTER), topics.GATEWAY_OUTBOX)


def test_applied_permissions_are_read_back_and_a_leaver_loses_them(guarded: LocalBroker) -> None:
    """Applying a plan leaves nothing to change; an agency that left loses everything, and gets it back."""
    admin = guarded.settings
    assert not acl_changes(current_acls(admin) or (), wanted_acls(AGENCIES))
    without = acl_changes(current_acls(admin) or (), wanted_acls(["north-csc"]))
    apply_acls(admin, without)
    with pytest.raises(NotPermitted):
        send(as_agency(guarded, "north-police"), topics.outbox("north-police"))
    apply_acls(admin, acl_changes(current_acls(admin) or (), wanted_acls(AGENCIES)))
    send(as_agency(guarded, "north-police"), topics.outbox("north-police"))


def test_quotas_are_set(guarded: LocalBroker) -> None:
    """The plan's quotas are what the broker says it has."""
    software = distribution.locate()
    admin = guarded.settings
    apply_quotas(admin, wanted_quotas()[:2], software)
    assert "producer_byte_rate=2097152.0" in described_quotas(admin, ["--entity-default"], guarded.data_dir)
    assert "consumer_byte_rate=" in described_quotas(admin, ["--entity-name", acl_plan.ROUTER], guarded.data_dir)


def described_quotas(admin: KafkaSettings, entity: list[str], folder: Path) -> str:
    """What Kafka's own tool says, asked without our code."""
    software = distribution.locate()
    config = folder / "tool.properties"
    config.write_text(java_client_properties(admin))
    jars = ":".join(map(str, software.class_path))
    tool = [str(software.java), "-cp", jars, "kafka.admin.ConfigCommand", "--describe", "--entity-type", "users"]
    argv = [*tool, *entity, "--bootstrap-server", admin.bootstrap_servers, "--command-config", str(config)]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_broker_without_an_authorizer_says_so(kafka: KafkaSettings) -> None:
    """No authorizer is told apart from no permissions: the first lets everyone in, the second no one."""
    assert current_acls(kafka) is None


def test_applying_a_topic_plan_leaves_nothing_to_do(kafka: KafkaSettings) -> None:
    """After applying, the same plan is empty; after a setting drifts, the plan mends just that."""
    wanted = [spec for spec in wanted_topics(["plan-agency"]) if "plan-agency" in spec.name]
    names = {spec.name for spec in wanted}

    def ours() -> list[object]:
        changes = plan_topics(kafka, wanted)
        return [c for c in changes if getattr(c, "topic", None) in names or getattr(c, "spec", None) in wanted]

    apply_topics(kafka, plan_topics(kafka, wanted))
    assert ours() == []
    inbox = topics.inbox("plan-agency")
    apply_topics(kafka, [SetConfig(inbox, {"retention.ms": "1000"}, {})])
    (drift,) = ours()
    assert isinstance(drift, SetConfig)
    assert (drift.topic, drift.before) == (inbox, {"retention.ms": "1000"})
