"""Reads what the cluster has and applies a plan to it: topics (`topic_plan.py`) and permissions (`acl_plan.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it re-exports without saying so
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from connectors.kafka.acl_plan import Acl, AclChanges, Operation, Resource
from connectors.kafka.kafka_errors import translated
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topic_plan import Change, CreateTopic, SetConfig, TopicSpec, TopicState, plan
from connectors.waiting import wait_until

CALL_SECONDS = 30.0
# Requests of a national exchange (some thousands of topics) stay well below the broker's request limit.
CHUNK = 400
Progress = Callable[[int, int], None]  # done, of how many
T = TypeVar("T")


def topic_names(settings: KafkaSettings) -> frozenset[str]:
    """Names of all topics this principal may see. Raises `ConnectorFailure`."""
    try:
        return frozenset(_admin(settings).list_topics(timeout=CALL_SECONDS).topics)
    except KafkaException as failure:
        raise translated(failure, "cannot list topics") from failure


def current_topics(settings: KafkaSettings, names: Iterable[str] | None = None) -> dict[str, TopicState]:
    """The topics there are (those of `names` only, if given) with their effective settings; not Kafka's own."""
    admin = _admin(settings)
    try:
        found = admin.list_topics(timeout=CALL_SECONDS).topics
    except KafkaException as failure:
        raise translated(failure, "cannot list topics") from failure
    asked = None if names is None else set(names)
    shown = [name for name in found if not name.startswith("__") and (asked is None or name in asked)]
    states: dict[str, TopicState] = {}
    for chunk in _chunks(shown):
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in chunk]
        futures = admin.describe_configs(resources, request_timeout=CALL_SECONDS)
        for resource, future in futures.items():
            config = _result(future, f"cannot read the settings of `{resource.name}`")
            partitions = found[resource.name].partitions
            states[resource.name] = TopicState(
                partitions=len(partitions),
                replication_factor=max((len(p.replicas) for p in partitions.values()), default=0),
                config={entry.name: entry.value for entry in config.values() if entry.value is not None},
            )
    return states


def plan_topics(settings: KafkaSettings, wanted: Sequence[TopicSpec]) -> list[Change]:
    """The plan for this cluster."""
    return plan(current_topics(settings), wanted)


def apply_topics(settings: KafkaSettings, changes: Sequence[Change], progress: Progress | None = None) -> None:
    """Carry out what a plan says, except what it leaves to a person. Safe to repeat; the first failure is raised."""
    admin = _admin(settings)
    creations = [change.spec for change in changes if isinstance(change, CreateTopic)]
    alterations = [change for change in changes if isinstance(change, SetConfig)]
    total, done = len(creations) + len(alterations), 0
    for created in _chunks(creations):
        _create(admin, created)
        done += len(created)
        _tell(progress, done, total)
    for altered in _chunks(alterations):
        _alter(admin, altered)
        done += len(altered)
        _tell(progress, done, total)


def _create(admin: AdminClient, specs: Sequence[TopicSpec]) -> None:
    new = [NewTopic(spec.name, spec.partitions, spec.replication_factor, config=dict(spec.config)) for spec in specs]
    futures = admin.create_topics(new, operation_timeout=CALL_SECONDS, request_timeout=CALL_SECONDS)
    for name, future in futures.items():
        _result(future, f"cannot create `{name}`", fine=KafkaError.TOPIC_ALREADY_EXISTS)


def _alter(admin: AdminClient, changes: Sequence[SetConfig]) -> None:
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            change.topic,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in change.values.items()
            ],
        )
        for change in changes
    ]
    for resource, future in admin.incremental_alter_configs(resources, request_timeout=CALL_SECONDS).items():
        _result(future, f"cannot change `{resource.name}`")


def current_acls(settings: KafkaSettings) -> frozenset[Acl] | None:
    """All allowing entries of the kinds we plan; None when the broker has no authorizer and everyone may do all."""
    anything: Any = None
    everything = AclBindingFilter(
        ResourceType.ANY,
        anything,
        ResourcePatternType.ANY,
        anything,
        anything,
        AclOperation.ANY,
        AclPermissionType.ALLOW,
    )
    admin = _admin(settings)  # named, because a client that nobody holds cancels its requests
    try:
        if not _has_authorizer(admin):
            return None
        bindings = admin.describe_acls(everything, request_timeout=CALL_SECONDS).result(CALL_SECONDS)
    except KafkaException as failure:
        raise translated(failure, "cannot read the permissions") from failure
    return frozenset(acl for binding in bindings if (acl := _from_binding(binding)) is not None)


def apply_acls(settings: KafkaSettings, changes: AclChanges) -> None:
    """Add first, then remove: nobody who keeps a permission is without it in between. Safe to repeat."""
    admin = _admin(settings)
    for chunk in _chunks(changes.add):
        futures = admin.create_acls([_to_binding(acl) for acl in chunk], request_timeout=CALL_SECONDS)
        for future in futures.values():
            _result(future, "cannot add permissions")
    for chunk in _chunks(changes.remove):
        filters = [_to_filter(acl) for acl in chunk]
        for future in admin.delete_acls(filters, request_timeout=CALL_SECONDS).values():
            _result(future, "cannot remove permissions")
    # Brokers learn of them a moment after the controller has said yes.
    wait_until(lambda: _in_force(settings, changes), timeout=CALL_SECONDS, what="the permissions coming into force")


def _in_force(settings: KafkaSettings, changes: AclChanges) -> bool:
    now = current_acls(settings) or frozenset()
    return now.issuperset(changes.add) and now.isdisjoint(changes.remove)


def _has_authorizer(admin: AdminClient) -> bool:
    """Asked of a broker's settings: without an authorizer librdkafka reports no permissions rather than an error."""
    broker = next(iter(admin.list_topics(timeout=CALL_SECONDS).brokers))
    resource = ConfigResource(ResourceType.BROKER, str(broker))
    (future,) = admin.describe_configs([resource], request_timeout=CALL_SECONDS).values()
    return bool(future.result(CALL_SECONDS)["authorizer.class.name"].value)


_RESOURCES = {
    Resource.TOPIC: ResourceType.TOPIC,
    Resource.GROUP: ResourceType.GROUP,
    Resource.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID,
}
_OPERATIONS = {
    Operation.READ: AclOperation.READ,
    Operation.WRITE: AclOperation.WRITE,
    Operation.DESCRIBE: AclOperation.DESCRIBE,
}


def _fields(acl: Acl) -> tuple[Any, ...]:
    pattern = ResourcePatternType.PREFIXED if acl.prefix else ResourcePatternType.LITERAL
    resource, operation = _RESOURCES[acl.resource], _OPERATIONS[acl.operation]
    return (resource, acl.name, pattern, acl.principal, "*", operation, AclPermissionType.ALLOW)


def _to_binding(acl: Acl) -> AclBinding:
    return AclBinding(*_fields(acl))


def _to_filter(acl: Acl) -> AclBindingFilter:
    return AclBindingFilter(*_fields(acl))


def _from_binding(binding: AclBinding) -> Acl | None:
    resource, operation = _inverse(_RESOURCES).get(binding.restype), _inverse(_OPERATIONS).get(binding.operation)
    if resource is None or operation is None or binding.host != "*":
        return None
    prefix = binding.resource_pattern_type == ResourcePatternType.PREFIXED
    return Acl(binding.principal, operation, resource, binding.name, prefix)


def _inverse(mapping: Mapping[T, Any]) -> dict[Any, T]:
    return {value: key for key, value in mapping.items()}


def _admin(settings: KafkaSettings) -> AdminClient:
    return AdminClient({**settings.common_conf(), "log_level": 0})


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _result(future: Future[Any], doing: str, *, fine: int | None = None) -> Any:
    try:
        return future.result(CALL_SECONDS + 5)
    except KafkaException as failure:
        if failure.args[0].code() == fine:
            return None
        raise translated(failure, doing) from failure
