"""The topic, permission and quota plans as resources of Strimzi's operator. Pure.

A KafkaTopic for each topic, a KafkaUser for each principal with all it may do and how fast. Strimzi names no principal
for everybody, so what everybody may do is written into each user.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from connectors.kafka.acl_plan import EVERYBODY, Acl, Operation, Resource, wanted_acls
from connectors.kafka.quota_plan import Quota, wanted_quotas
from connectors.kafka.topic_plan import PRODUCTION, TopicSpec, wanted_topics

API_VERSION = "kafka.strimzi.io/v1"
CLUSTER = "masa"
PROVISIONER = "masa-provisioner"  # a superuser of the cluster: publishes the schemas, checks the plan
Document = Mapping[str, Any]

_RESOURCES = {Resource.TOPIC: "topic", Resource.GROUP: "group", Resource.TRANSACTIONAL_ID: "transactionalId"}
_OPERATIONS = {Operation.READ: "Read", Operation.WRITE: "Write", Operation.DESCRIBE: "Describe"}


def topic_resources(agencies: Iterable[str]) -> list[Document]:
    """One KafkaTopic a topic, three copies each."""
    return [_topic(each) for each in wanted_topics(agencies, PRODUCTION)]


def user_resources(agencies: Iterable[str]) -> list[Document]:
    """One KafkaUser a principal, sorted by name, and the provisioner."""
    may: dict[str, list[Acl]] = {}
    for acl in sorted(wanted_acls(agencies)):
        may.setdefault(acl.principal, []).append(acl)
    everybody = may.pop(EVERYBODY, [])
    quotas = {each.user: each for each in wanted_quotas()}
    users = [
        _user(name, [*acls, *everybody], quotas.get(name) or quotas[None])
        for name, acls in sorted((principal.removeprefix("User:"), acls) for principal, acls in may.items())
    ]
    return [*users, _head("KafkaUser", PROVISIONER) | {"spec": {"authentication": _AUTHENTICATION}}]


def _topic(spec: TopicSpec) -> Document:
    config = {name: int(value) if value.lstrip("-").isdigit() else value for name, value in sorted(spec.config.items())}
    values = {"topicName": spec.name, "partitions": spec.partitions, "replicas": spec.replication_factor}
    return _head("KafkaTopic", spec.name) | {"spec": {**values, "config": config}}


def _user(name: str, acls: Iterable[Acl], quota: Quota) -> Document:
    permissions: dict[tuple[Resource, str, bool], list[str]] = {}
    for acl in acls:
        permissions.setdefault((acl.resource, acl.name, acl.prefix), []).append(_OPERATIONS[acl.operation])
    entries = [
        {
            "resource": {
                "type": _RESOURCES[resource],
                "name": name,
                "patternType": "prefix" if prefix else "literal",
            },
            "operations": sorted(set(operations)),
        }
        for (resource, name, prefix), operations in sorted(permissions.items())
    ]
    spec = {
        "authentication": _AUTHENTICATION,
        "authorization": {"type": "simple", "acls": entries},
        "quotas": {"producerByteRate": quota.produce, "consumerByteRate": quota.consume},
    }
    return _head("KafkaUser", name) | {"spec": spec}


def _head(kind: str, name: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"strimzi.io/cluster": CLUSTER, "app.kubernetes.io/part-of": "masa-exchange"}}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata}


_AUTHENTICATION = {"type": "scram-sha-512"}


def manifests(documents: Iterable[Document], area: str) -> str:
    """The resources of an area as one YAML text, with a note of where it comes from."""

    class Plain(yaml.SafeDumper):
        """Without anchors: each resource is read on its own."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    text = yaml.dump_all(documents, Dumper=Plain, sort_keys=False, explicit_start=True)
    return f"# Made from deploy/areas/{area} by `masa topics strimzi`; `make check` compares. Do not edit.\n{text}"
