"""Who may do what on which topic. Pure; `admin.py` reads and applies.

An agency writes its outbox and receipts, reads its inbox and the published schemas, and nothing else: so the topic an
event arrives on authenticates its source. The processes of the exchange each get what they do and no more; in
particular only the gateway writes the gateway's outbox, whose `masa-agency` header the router believes.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from connectors.kafka import topics

# Names of the processes' principals. None can be an agency's, whose names begin with `agency.`.
ROUTER = "masa-router"
LEDGER = "masa-ledger"
GATEWAY = "masa-gateway"
FOLLOWUP = "masa-followup"
STREAMS = topics.SIDE_STREAMS  # silent agencies, patterns, aggregates
POLICY = "masa-policy"  # activates rule sets, publishes schemas and the register
AUDITOR = "masa-auditor"  # the reconciliation: reads everything, writes nothing

EVERYBODY = "User:*"


class Operation(StrEnum):
    READ = "READ"
    WRITE = "WRITE"
    DESCRIBE = "DESCRIBE"


class Resource(StrEnum):
    TOPIC = "TOPIC"
    GROUP = "GROUP"
    TRANSACTIONAL_ID = "TRANSACTIONAL_ID"


class Acl(NamedTuple):
    """One permission. There are no deny entries: what is not allowed is refused."""

    principal: str  # "User:<name>"
    operation: Operation
    resource: Resource
    name: str
    prefix: bool = False  # whether `name` is a prefix of the resource's name, or all of it

    def describe(self) -> str:
        star = "*" if self.prefix else ""
        return f"{self.principal} may {self.operation} {self.resource} `{self.name}{star}`"


class AclChanges(NamedTuple):
    add: tuple[Acl, ...]
    remove: tuple[Acl, ...]

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


def principal_of(agency: str) -> str:
    """The user name that `agency` authenticates with; equal to its topics' prefix without the last dot."""
    return topics.agency_prefix(agency).rstrip(".")


def wanted_acls(kafka_agencies: Iterable[str]) -> frozenset[Acl]:
    """Everything anyone may do."""
    acls = {_may(EVERYBODY, Operation.READ, topics.SCHEMAS)}
    agencies = sorted(set(kafka_agencies))
    for agency in agencies:
        acls |= _agency(agency)
    acls |= _router(agencies) | _ledger(agencies) | _gateway(agencies) | _followup(agencies) | _streams(agencies)
    acls |= _policy() | _auditor()
    return frozenset(acls)


def acl_changes(current: Iterable[Acl], wanted: Iterable[Acl]) -> AclChanges:
    """What to add, and what of ours to take away: an agency that has left loses its access. Others' are left alone."""
    has, wants = set(current), set(wanted)
    stale = {acl for acl in has - wants if _is_ours(acl.principal)}
    return AclChanges(tuple(sorted(wants - has)), tuple(sorted(stale)))


def _agency(agency: str) -> set[Acl]:
    me = f"User:{principal_of(agency)}"
    return {
        _may(me, Operation.WRITE, topics.outbox(agency)),
        _may(me, Operation.WRITE, topics.receipts(agency)),
        _may(me, Operation.READ, topics.inbox(agency)),
        _group(me, topics.agency_prefix(agency)),
    }


def _router(agencies: Iterable[str]) -> set[Acl]:
    me = f"User:{ROUTER}"
    reads = [topics.GATEWAY_OUTBOX, topics.POLICY, topics.RELATIONSHIPS, *map(topics.outbox, agencies)]
    own = [topics.AUDIT, topics.HELD, topics.REJECTED, topics.RELATIONSHIPS]
    writes = [topics.GATEWAY_INBOX, *own, *map(topics.inbox, agencies)]
    return {
        *(_may(me, Operation.READ, name) for name in reads),
        *(_may(me, Operation.WRITE, name) for name in writes),
        _group(me, ROUTER),
        Acl(me, Operation.WRITE, Resource.TRANSACTIONAL_ID, ROUTER, prefix=True),
    }


def _ledger(agencies: Iterable[str]) -> set[Acl]:
    me = f"User:{LEDGER}"
    reads = [topics.AUDIT, topics.OPERATIONS, topics.TRANSITIONS, topics.CHECKPOINTS, topics.GATEWAY_RECEIPTS]
    return {
        *(_may(me, Operation.READ, name) for name in [*reads, *map(topics.receipts, agencies)]),
        _may(me, Operation.WRITE, topics.CHECKPOINTS),
        _group(me, LEDGER),
    }


def _gateway(agencies: Iterable[str]) -> set[Acl]:
    me = f"User:{GATEWAY}"
    return {
        _may(me, Operation.WRITE, topics.GATEWAY_OUTBOX),
        _may(me, Operation.WRITE, topics.GATEWAY_RECEIPTS),
        _may(me, Operation.WRITE, topics.OPERATIONS),
        _may(me, Operation.WRITE, topics.TRANSITIONS),
        *(_may(me, Operation.WRITE, topics.outbox(each)) for each in agencies if each.endswith("-exchange")),
        _may(me, Operation.READ, topics.GATEWAY_INBOX),
        _may(me, Operation.READ, topics.POLICY),
        _group(me, GATEWAY),
    }


def _followup(agencies: Iterable[str]) -> set[Acl]:
    """It relays the outbox, too: whatever anybody of the exchange wrote there, receipts of the gateway included."""
    me, all_of_them = f"User:{FOLLOWUP}", list(agencies)
    ours = [agency for agency in all_of_them if agency.endswith("-exchange")]
    reads = [topics.AUDIT, topics.POLICY, topics.GATEWAY_RECEIPTS, *map(topics.receipts, all_of_them)]
    writes = [topics.TRANSITIONS, topics.OPERATIONS, topics.GATEWAY_RECEIPTS, *map(topics.outbox, ours)]
    return {
        *(_may(me, Operation.READ, name) for name in [*reads, *map(topics.inbox, ours)]),
        *(_may(me, Operation.WRITE, name) for name in writes),
        _group(me, FOLLOWUP),
    }


def _streams(agencies: Iterable[str]) -> set[Acl]:
    me, tables = f"User:{STREAMS}", tuple(map(topics.changelog, topics.SIDE_TABLES))
    ours = [agency for agency in agencies if agency.endswith("-exchange")]
    return {
        *(_may(me, Operation.READ, name) for name in (topics.AUDIT, topics.POLICY, topics.SIGHTINGS, *tables)),
        *(_may(me, Operation.WRITE, name) for name in (topics.SIGHTINGS, *tables, *map(topics.outbox, ours))),
        _group(me, STREAMS),
    }


def _policy() -> set[Acl]:
    me = f"User:{POLICY}"
    names = (topics.POLICY, topics.SCHEMAS)  # the register is the routers' alone: nobody browses it (R-05)
    return {
        *(_may(me, op, name) for name in names for op in (Operation.READ, Operation.WRITE)),
        _may(me, Operation.WRITE, topics.OPERATIONS),
        _group(me, POLICY),
        Acl(me, Operation.WRITE, Resource.TRANSACTIONAL_ID, POLICY, prefix=True),
    }


def _auditor() -> set[Acl]:
    me = f"User:{AUDITOR}"
    prefixes = ("agency.", "gateway.", "masa.")
    return {Acl(me, Operation.READ, Resource.TOPIC, name, prefix=True) for name in prefixes} | {_group(me, AUDITOR)}


def _may(principal: str, operation: Operation, topic: str) -> Acl:
    return Acl(principal, operation, Resource.TOPIC, topic)


def _group(principal: str, prefix: str) -> Acl:
    return Acl(principal, Operation.READ, Resource.GROUP, prefix, prefix=True)


def _is_ours(principal: str) -> bool:
    name = principal.removeprefix("User:")
    return name.startswith("agency.") or name in {ROUTER, LEDGER, GATEWAY, FOLLOWUP, STREAMS, POLICY, AUDITOR}
