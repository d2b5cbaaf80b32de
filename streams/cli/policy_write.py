"""Writing to `masa.policy`: one writer at a time, what was done and its record as an operation all or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import typer

from connectors.kafka.atomic import AtomicPublisher
from connectors.kafka.publisher import Outgoing
from connectors.kafka.reader import end_offsets
from connectors.kafka.settings import POLICY_MAX_BYTES, KafkaSettings
from connectors.kafka.topics import POLICY
from connectors.operations import Operation, operation_record
from streams.cli.policy_topic import PolicyTopic, read_policy
from streams.cli.provision import POLICY_WRITER
from streams.cli.runtime import Exit, say
from streams.cli.slots import Followed, SlotState, await_slots
from streams.policy.signatories import Signatories


class ToWrite(NamedTuple):
    """What to publish, given what the topic says now."""

    records: Sequence[Outgoing]
    operation: Operation


class Written(NamedTuple):
    before: PolicyTopic
    offset: int  # at least so far must be read to have read all that was written


def write_policy(kafka: KafkaSettings, signatories: Signatories, plan: Callable[[PolicyTopic], ToWrite]) -> Written:
    """Take the writer's place, read the topic, publish what `plan` says. Raises what `plan` and the client raise."""
    with AtomicPublisher(kafka, POLICY_WRITER, max_bytes=POLICY_MAX_BYTES) as publisher:
        topic = read_policy(kafka, signatories)
        records, operation = plan(topic)
        end = end_offsets(kafka, [POLICY], isolation="read_uncommitted")[POLICY, 0]
        publisher.publish([*records, operation_record(operation)])
    return Written(topic, end + len(records) - 1)


def operation(
    kind: str, target: str, *, at: int, actors: Iterable[tuple[str, str]], reason: str, details: Mapping[str, str]
) -> Operation:
    """What signatories did; `actors` are their names and roles."""
    people = list(actors)
    return Operation(
        operation_id=str(uuid.uuid4()),
        at=at,
        actor=", ".join(name for name, _ in people),
        role=", ".join(role for _, role in people),
        kind=kind,
        target=target,
        reason=reason,
        result="DONE",
        details=details,
    )


def wait_everywhere(urls: Sequence[str], what: str, follows: Callable[[SlotState], bool]) -> Followed:
    """Wait for the slots with a progress line; say which do not follow. Exits 1 unless every live slot does."""
    from rich.console import Console

    if not urls:
        say(f"{what} is published; no router's metrics are known here, so whether they follow was not looked at")
        return Followed(following=(), lagging=(), silent=())
    with Console(stderr=True).status(f"waiting until every router slot follows: {what}"):
        found = await_slots(urls, follows)
    for state in found.lagging:
        known = f"has version {state.version} and {state.stops} stops, read up to offset {state.offset}"
        say(f"{state.name} does not follow: it {known}; look for policy.refused in its log")
    if not found.complete:
        say(f"{what} is published, but not every router slot follows")
        if not found.following and not found.lagging:
            say("no router slot answers: a slot that is down reads it when it starts")
        raise typer.Exit(Exit.NO)
    return found
