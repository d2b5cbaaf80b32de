"""The contract on its topic, read by a client that knows nothing of ours."""

from __future__ import annotations

import pytest
from avro.schema import parse
from confluent_kafka import Consumer, TopicPartition

from connectors.kafka.admin import apply_topics, plan_topics
from connectors.kafka.schemas_topic import publish_schemas
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topic_plan import wanted_topics
from connectors.kafka.topics import SCHEMAS
from schemas.registry import load_event_types

pytestmark = pytest.mark.integration


def test_the_whole_contract_is_published_once(kafka: KafkaSettings) -> None:
    """Publishing again adds nothing, and avro-python3 accepts every schema on the topic."""
    wanted = [spec for spec in wanted_topics([]) if spec.name == SCHEMAS]
    apply_topics(kafka, plan_topics(kafka, wanted))
    publish_schemas(kafka)
    assert publish_schemas(kafka) == 0

    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "stranger", "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(SCHEMAS, 0, 0)])
    found = {}
    while (message := consumer.poll(20)) is not None and message.error() is None:
        found[message.key().decode()] = parse(message.value().decode())
    consumer.close()
    names = {each.fingerprint.hex(): each.record_name for each in load_event_types().values()}
    assert {key: found[key].fullname for key in names} == names
