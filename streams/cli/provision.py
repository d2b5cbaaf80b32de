"""Makes a broker ready for an area: topics, permissions, published schemas, the rule set in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.kafka import topics
from connectors.kafka.acl_plan import AclChanges, acl_changes, wanted_acls
from connectors.kafka.admin import apply_acls, apply_topics, current_acls, plan_topics
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.readiness import broker_ids
from connectors.kafka.schemas_topic import publish_schemas
from connectors.kafka.settings import POLICY_MAX_BYTES, KafkaSettings
from connectors.kafka.topic_plan import ONE_BROKER, PRODUCTION, ByHand, Change, Durability, wanted_topics
from streams.cli.areas import rule_set_in_force
from streams.policy.artefact import Artefact
from streams.routing.policy_feed import policy_record


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a broker lacks. `acls` is None when it has no authorizer, where everyone may do everything."""

    changes: Sequence[Change]
    acls: AclChanges | None

    @property
    def to_apply(self) -> int:
        """How many changes `apply` would make."""
        by_machine = sum(not isinstance(change, ByHand) for change in self.changes)
        return by_machine + (len(self.acls.add) + len(self.acls.remove) if self.acls else 0)


def durability_for(brokers: int) -> Durability:
    """Three copies as soon as there are three brokers."""
    return PRODUCTION if brokers >= PRODUCTION.replication_factor else ONE_BROKER


def plan_for(kafka: KafkaSettings, agencies: Iterable[str]) -> Plan:
    """What this broker lacks for these agencies (those with topics of their own)."""
    names = tuple(agencies)
    wanted = wanted_topics(names, durability_for(len(broker_ids(kafka))))
    current = current_acls(kafka)
    return Plan(
        changes=plan_topics(kafka, wanted),
        acls=None if current is None else acl_changes(current, wanted_acls(names)),
    )


def provision(kafka: KafkaSettings, agencies: Iterable[str]) -> Plan:
    """Apply the plan, publish the schemas; what was done. Safe to repeat."""
    plan = plan_for(kafka, agencies)
    apply_topics(kafka, plan.changes)
    if plan.acls:
        apply_acls(kafka, plan.acls)
    publish_schemas(kafka)
    return plan


def put_in_force(kafka: KafkaSettings, artefact: Artefact) -> bool:
    """Publish a rule set unless it is the one in force; whether it was published."""
    in_force = rule_set_in_force(kafka)
    if in_force is not None and in_force.hash == artefact.hash:
        return False
    key, value, headers = policy_record(artefact)
    record = Outgoing(topic=topics.POLICY, key=key, value=value, headers=headers)
    with Publisher(kafka, max_bytes=POLICY_MAX_BYTES) as publisher:
        publisher.publish((record,))
    return True
