"""Makes a broker ready for an area: topics, permissions, published schemas, the rule set in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.kafka import topics
from connectors.kafka.acl_plan import AclChanges, acl_changes, wanted_acls
from connectors.kafka.admin import apply_acls, apply_topics, current_acls, plan_topics
from connectors.kafka.atomic import AtomicPublisher
from connectors.kafka.publisher import Outgoing
from connectors.kafka.readiness import broker_ids
from connectors.kafka.schemas_topic import publish_schemas
from connectors.kafka.settings import POLICY_MAX_BYTES, KafkaSettings
from connectors.kafka.topic_plan import ONE_BROKER, PRODUCTION, ByHand, Change, Durability, wanted_topics
from streams.cli.policy_topic import PolicyTopic, read_policy
from streams.policy.activation import PolicyRecord, activation_records
from streams.policy.artefact import Artefact
from streams.policy.statement import Statement
from streams.routing.signers import Signer, signatories_of, signed_by

POLICY_WRITER = "masa-policy"  # transactional id: one writer of `masa.policy` at a time
BOOTSTRAP_REASON = "the area folder given to masa up"


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


class Bootstrap(StrEnum):
    """What `put_in_force` found and did."""

    ACTIVATED = "activated"
    IN_FORCE = "in force already"
    SUPERSEDED = "superseded"  # people activated another one since: theirs stays


def put_in_force(
    kafka: KafkaSettings, area: str, artefact: Artefact, signers: Sequence[Signer], now_ms: int
) -> Bootstrap:
    """Sign a rule set with all keys at hand and activate it, for a single machine that is its own two people.

    A rule set that was in force before and was replaced on purpose (a rollback) stays replaced.
    """
    signatories = signatories_of(area, signers)
    with AtomicPublisher(kafka, POLICY_WRITER, max_bytes=POLICY_MAX_BYTES) as publisher:
        found = read_policy(kafka, signatories)
        todo = standing(found, artefact, now_ms)
        if todo is not Bootstrap.ACTIVATED:
            return todo
        sequence = found.next_sequence()
        statement = Statement(area=area, sequence=sequence, rule_set=artefact.hash, reason=BOOTSTRAP_REASON)
        publisher.publish(outgoing(activation_records(signed_by(statement, signers), artefact)))
    return Bootstrap.ACTIVATED


def outgoing(records: Iterable[PolicyRecord]) -> list[Outgoing]:
    """Records of `masa.policy`, ready to publish."""
    return [Outgoing(topic=topics.POLICY, key=key, value=value, headers=headers) for key, value, headers in records]


def standing(found: PolicyTopic, artefact: Artefact, now_ms: int) -> Bootstrap:
    """What to do with the folder's rule set, given what the topic says."""
    current = found.in_force(now_ms)
    if current is not None and current.statement.rule_set == artefact.hash:
        return Bootstrap.IN_FORCE
    by_people = current is not None and current.statement.reason != BOOTSTRAP_REASON
    return Bootstrap.SUPERSEDED if by_people and artefact.hash in found.gathered.hashes() else Bootstrap.ACTIVATED
