"""Which topics there must be, and what differs from what there is. Pure; `admin.py` reads and applies.

The plan only ever adds: a topic is made, or a setting changed. What would lose data or break the order of keys is named
as work for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connectors.kafka import topics
from connectors.kafka.settings import POLICY_MAX_BYTES, PRODUCER_MAX_BYTES

DAY_MS = 24 * 60 * 60 * 1000
OUTBOX_DAYS = 14
INBOX_DAYS = 14  # payloads stay days to weeks: the recipient's own system is the record
RECEIPTS_DAYS = 30
HELD_DAYS = 30
REJECTED_DAYS = 30
# Longer than any relationship lives (schemas.relationships.MAX_DAYS): the broker sweeps away what expired long ago, and
# no process needs to write tombstones for it, which could hit a relationship that was just declared anew.
RELATIONSHIP_DAYS = 500
AUDIT_DAYS = 400  # a year's returns can be rebuilt from the stream itself
OPERATIONS_DAYS = 3_650  # few and small; inquiries ask for them years later
# More than the 256 KiB an event may have, so that an oversize one arrives, is rejected by name and is kept as evidence
# instead of failing at the publisher without a trace.
OUTBOX_MAX_BYTES = 2 * 1024 * 1024
BATCH_OVERHEAD_BYTES = 4096  # what a batch's own header and the record's headers may add
GATEWAY_OUTBOX_PARTITIONS = 3
AUDIT_PARTITIONS = 3
SIGHTINGS_DAYS = 7  # read within seconds; what they say is in a table by then
PATTERN_DAYS = 400  # no pattern looks back longer than a year (PatternModel.days)
TRANSITIONS_PARTITIONS = 1

Config = Mapping[str, str]


class Durability(NamedTuple):
    """How many copies a record has, and how many must be written before it counts (Kafka's own default: 1)."""

    replication_factor: int = 1
    min_insync_replicas: int = 1


ONE_BROKER = Durability()
PRODUCTION = Durability(replication_factor=3, min_insync_replicas=2)


class TopicSpec(NamedTuple):
    """A wanted topic."""

    name: str
    partitions: int
    replication_factor: int
    config: Config


class TopicState(NamedTuple):
    """A topic as it is. `config` holds effective values, the broker's defaults included."""

    partitions: int
    replication_factor: int
    config: Config


class CreateTopic(NamedTuple):
    spec: TopicSpec

    def describe(self) -> str:
        spec = self.spec
        return f"create `{spec.name}`: partitions {spec.partitions}, replicas {spec.replication_factor}"


class SetConfig(NamedTuple):
    topic: str
    values: Config  # new values
    before: Config

    def describe(self) -> str:
        parts = (f"{name} {self.before.get(name, 'unset')} -> {value}" for name, value in self.values.items())
        return f"set on `{self.topic}`: {', '.join(parts)}"


class ByHand(NamedTuple):
    """Something only a person should do; `apply` leaves it alone."""

    topic: str
    reason: str

    def describe(self) -> str:
        return f"by hand, `{self.topic}`: {self.reason}"


Change = CreateTopic | SetConfig | ByHand


def wanted_topics(kafka_agencies: Iterable[str], durability: Durability = ONE_BROKER) -> list[TopicSpec]:
    """All topics of an exchange with these agencies on Kafka; the others share the gateway's. Sorted by name."""

    def spec(name: str, partitions: int, **config: str) -> TopicSpec:
        dashed = {key.replace("_", "."): value for key, value in config.items()}
        everywhere = {"min.insync.replicas": str(durability.min_insync_replicas)}
        return TopicSpec(name, partitions, durability.replication_factor, {**everywhere, **dashed})

    specs = [
        spec(topics.GATEWAY_OUTBOX, GATEWAY_OUTBOX_PARTITIONS, **_OUTBOX),
        spec(topics.GATEWAY_INBOX, 1, **_INBOX),
        spec(topics.GATEWAY_RECEIPTS, 1, **_RECEIPTS),
        spec(topics.AUDIT, AUDIT_PARTITIONS, **_kept(AUDIT_DAYS)),
        spec(topics.HELD, 1, **_kept(HELD_DAYS), max_message_bytes=_bytes(PRODUCER_MAX_BYTES)),
        spec(topics.REJECTED, 1, **_kept(REJECTED_DAYS), max_message_bytes=_bytes(PRODUCER_MAX_BYTES)),
        spec(topics.CHECKPOINTS, 1, **_kept(OPERATIONS_DAYS)),
        spec(topics.OPERATIONS, 1, **_kept(OPERATIONS_DAYS)),
        spec(topics.TRANSITIONS, TRANSITIONS_PARTITIONS, **_kept(AUDIT_DAYS)),
        spec(topics.POLICY, 1, **_COMPACTED, max_message_bytes=_bytes(POLICY_MAX_BYTES)),
        spec(topics.RELATIONSHIPS, 1, cleanup_policy="compact,delete", retention_ms=str(RELATIONSHIP_DAYS * DAY_MS)),
        spec(topics.SCHEMAS, 1, **_COMPACTED),
        spec(topics.SIGHTINGS, 1, **_kept(SIGHTINGS_DAYS)),
        # A table's partitions are those of what it is made from.
        spec(topics.changelog("mix"), AUDIT_PARTITIONS, **_COMPACTED),
        spec(
            topics.changelog("patterns"),
            AUDIT_PARTITIONS,
            cleanup_policy="compact,delete",
            retention_ms=str(PATTERN_DAYS * DAY_MS),
        ),
        spec(topics.changelog("silence"), 1, **_COMPACTED),
    ]
    for agency in kafka_agencies:
        # One partition each: what costs a transaction is the number of partitions it touches (design section 6).
        specs += [
            spec(topics.outbox(agency), 1, **_OUTBOX),
            spec(topics.inbox(agency), 1, **_INBOX),
            spec(topics.receipts(agency), 1, **_RECEIPTS),
        ]
    return sorted(specs)


def plan(current: Mapping[str, TopicState], wanted: Sequence[TopicSpec]) -> list[Change]:
    """What to change so that every wanted topic is there as wanted. Topics nobody wants any more are named only."""
    changes: list[Change] = []
    for spec in wanted:
        state = current.get(spec.name)
        changes += [CreateTopic(spec)] if state is None else _differences(spec, state)
    names = {spec.name for spec in wanted}
    for name in sorted(set(current) - names):
        if topics.parse(name) is not None:
            reason = "no agency of the rule set owns it: delete it once its records are no longer needed"
            changes.append(ByHand(name, reason))
    return changes


def _differences(spec: TopicSpec, state: TopicState) -> list[Change]:
    changes: list[Change] = []
    values = {name: value for name, value in spec.config.items() if state.config.get(name) != value}
    if values:
        before = {name: state.config[name] for name in values if name in state.config}
        changes.append(SetConfig(spec.name, values, before))
    if spec.partitions != state.partitions:
        reason = (
            f"it has {state.partitions} partitions, not {spec.partitions}: adding some moves keys to other partitions "
            "and breaks their order, so drain the topic first; Kafka cannot remove any"
        )
        changes.append(ByHand(spec.name, reason))
    if spec.replication_factor != state.replication_factor:
        reason = (
            f"it has {state.replication_factor} replicas, not {spec.replication_factor}: "
            "reassign its partitions (kafka-reassign-partitions)"
        )
        changes.append(ByHand(spec.name, reason))
    return changes


def _kept(days: int) -> dict[str, str]:
    return {"cleanup_policy": "delete", "retention_ms": str(days * DAY_MS)}


def _bytes(payload: int) -> str:
    return str(payload + BATCH_OVERHEAD_BYTES)


# The broker's clock, not the sender's: when a record was received must not be the sender's to choose.
_RECEIVED = {"message_timestamp_type": "LogAppendTime"}
_OUTBOX = {**_kept(OUTBOX_DAYS), **_RECEIVED, "max_message_bytes": _bytes(OUTBOX_MAX_BYTES)}
_INBOX = _kept(INBOX_DAYS)
_RECEIPTS = {**_kept(RECEIPTS_DAYS), **_RECEIVED}
_COMPACTED = {"cleanup_policy": "compact"}
