"""Plans of topics, permissions and quotas: pure, so every case is a line."""

from __future__ import annotations

import pytest

from connectors.kafka import acl_plan, topics
from connectors.kafka.acl_plan import Acl, Operation, Resource, acl_changes, principal_of, wanted_acls
from connectors.kafka.quota_plan import java_client_properties, shell_commands, wanted_quotas
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topic_plan import (
    PRODUCTION,
    ByHand,
    CreateTopic,
    SetConfig,
    TopicSpec,
    TopicState,
    plan,
    wanted_topics,
)

SPEC = TopicSpec("agency.a.inbox", 1, 1, {"retention.ms": "10"})


def state(partitions: int = 1, replicas: int = 1, **config: str) -> TopicState:
    return TopicState(partitions, replicas, {"retention.ms": "10", **config})


def test_three_topics_an_agency_and_the_shared_ones() -> None:
    """Agencies on Kafka have their own topics; all others share the gateway's, so their number costs nothing."""
    names = [spec.name for spec in wanted_topics(["b", "a"])]
    assert names == sorted(names)
    assert len(names) == len(wanted_topics([])) + 2 * 3
    assert {topics.outbox("a"), topics.inbox("b"), topics.AUDIT, topics.GATEWAY_INBOX} <= set(names)


def test_durability_is_explicit_on_every_topic() -> None:
    """Kafka's default for min.insync.replicas is 1, which with acks=all still loses data."""
    for spec in wanted_topics(["a"], PRODUCTION):
        assert (spec.replication_factor, spec.config["min.insync.replicas"]) == (3, "2")


def test_control_topics_are_compacted_and_policy_takes_a_large_rule_set() -> None:
    """The last word on each key stays, a relationship's until it is long over; a rule set may have 16 MiB."""
    specs = {spec.name: spec for spec in wanted_topics([])}
    for name in (topics.POLICY, topics.SCHEMAS):
        assert specs[name].config["cleanup.policy"] == "compact"
    assert specs[topics.RELATIONSHIPS].config["cleanup.policy"] == "compact,delete"
    assert int(specs[topics.POLICY].config["max.message.bytes"]) > 16 * 1024 * 1024


def test_rejected_takes_whatever_an_outbox_took() -> None:
    """The bytes of every refused record can be kept."""
    specs = {spec.name: spec for spec in wanted_topics(["a"])}
    assert int(specs[topics.REJECTED].config["max.message.bytes"]) > int(
        specs[topics.outbox("a")].config["max.message.bytes"]
    )


@pytest.mark.parametrize(
    ("current", "changes"),
    [
        ({}, [CreateTopic(SPEC)]),
        ({SPEC.name: state()}, []),
        ({SPEC.name: state(retention_bytes="-1")}, []),
        (
            {SPEC.name: TopicState(1, 1, {"retention.ms": "9"})},
            [SetConfig(SPEC.name, {"retention.ms": "10"}, {"retention.ms": "9"})],
        ),
    ],
)
def test_the_plan_makes_what_is_missing_and_mends_what_differs(current, changes) -> None:
    """Nothing else is touched."""
    assert plan(current, [SPEC]) == changes


@pytest.mark.parametrize(
    ("found", "word"),
    [(state(partitions=2), "order"), (state(partitions=0), "order"), (state(replicas=3), "reassign")],
)
def test_what_would_break_the_order_of_keys_is_left_to_a_person(found, word) -> None:
    """Partitions and replicas are never changed by `apply`."""
    (change,) = plan({SPEC.name: found}, [SPEC])
    assert isinstance(change, ByHand)
    assert word in change.describe()


def test_topics_of_an_agency_that_left_are_named_and_never_deleted() -> None:
    """They hold records that somebody may still have to account for; topics that are not ours are not mentioned."""
    changes = plan({"agency.gone.inbox": state(), "payroll": state()}, [])
    assert [(type(change), change.topic) for change in changes] == [(ByHand, "agency.gone.inbox")]


def test_every_change_can_be_told_to_a_person() -> None:
    """Each line names its topic."""
    changes = [CreateTopic(SPEC), SetConfig(SPEC.name, {"a": "1"}, {}), ByHand(SPEC.name, "why")]
    assert all(f"`{SPEC.name}`" in change.describe() for change in changes)


def test_an_agencys_permissions_are_its_own_topics_and_groups_only() -> None:
    """Write outbox and receipts, read inbox, join groups under its own prefix: four lines and no more."""
    mine = {acl for acl in wanted_acls(["a", "ab"]) if acl.principal == f"User:{principal_of('a')}"}
    assert mine == {
        Acl("User:agency.a", Operation.WRITE, Resource.TOPIC, "agency.a.outbox"),
        Acl("User:agency.a", Operation.WRITE, Resource.TOPIC, "agency.a.receipts"),
        Acl("User:agency.a", Operation.READ, Resource.TOPIC, "agency.a.inbox"),
        Acl("User:agency.a", Operation.READ, Resource.GROUP, "agency.a.", prefix=True),
    }


@pytest.mark.parametrize("agency", ["masa-router", "masa-gateway", "admin"])
def test_no_agency_can_be_named_like_a_process_of_the_exchange(agency) -> None:
    """Whatever an agency's id is, its principal is not one of ours."""
    assert principal_of(agency) not in {acl_plan.ROUTER, acl_plan.GATEWAY, acl_plan.LEDGER, acl_plan.POLICY, "admin"}


def test_outboxes_have_one_writer_each() -> None:
    """The topic authenticates the source because nobody else may write it; everyone may read the schemas, no more."""
    acls = wanted_acls(["a", "b"])
    for topic, writer in ((topics.outbox("a"), "User:agency.a"), (topics.GATEWAY_OUTBOX, "User:masa-gateway")):
        matching = {acl.principal for acl in acls if acl.operation == Operation.WRITE and acl.name == topic}
        assert matching == {writer}
    assert {acl.name for acl in acls if acl.principal == acl_plan.EVERYBODY} == {topics.SCHEMAS}
    assert not [acl for acl in acls if acl.prefix and acl.resource == Resource.TOPIC and acl.operation != "READ"]


def test_permissions_of_others_are_left_alone() -> None:
    """Only what names our own principals is ever taken away."""
    foreign = Acl("User:payroll", Operation.READ, Resource.TOPIC, "payroll")
    left = Acl("User:agency.gone", Operation.WRITE, Resource.TOPIC, "agency.gone.outbox")
    changes = acl_changes({foreign, left}, wanted_acls(["a"]))
    assert changes.remove == (left,)
    assert set(changes.add) == wanted_acls(["a"])
    assert not acl_changes(wanted_acls(["a"]) | {foreign}, wanted_acls(["a"]))


def test_one_default_quota_covers_all_agencies() -> None:
    """A new agency is limited before anybody thinks of it; the exchange's own processes are not throttled by it."""
    default, *own = wanted_quotas()
    assert default.user is None
    assert all(quota.produce > 100 * default.produce for quota in own)
    (command, *_) = shell_commands(wanted_quotas(), "kafka:9092")
    assert "--entity-default --add-config producer_byte_rate=2097152,consumer_byte_rate=2097152" in command


def test_passwords_are_quoted_for_kafkas_own_tool() -> None:
    """A quote or a backslash in a password neither ends it nor is lost."""
    settings = KafkaSettings.create(
        bootstrap_servers="127.0.0.1:1",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="u",
        sasl_password='a"b\\c',
    )
    assert r'ScramLoginModule required username="u" password="a\\"b\\\\c";' in java_client_properties(settings)
