"""Slots as members of the routers' group: whatever is stopped when, every outbox has an owner."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.kafka.batch_consumer import BatchConsumer, Committed
from connectors.kafka.partition import Partition
from connectors.kafka.settings import KafkaSettings
from streams.routing.process import member_conf
from tests.support import wait_for

pytestmark = pytest.mark.integration

PARTITIONS = 4


class Owner:
    """Remembers what it owns, and how often it was given something, were it nothing."""

    def __init__(self) -> None:
        self.owned: set[Partition] = set()
        self.told = 0

    def gained(self, partitions: Sequence[Committed]) -> None:
        self.owned |= {each.partition for each in partitions}
        self.told += 1

    def gave_up(self, partitions: Sequence[Partition]) -> None:
        self.owned -= set(partitions)


class Slot:
    def __init__(self, kafka: KafkaSettings, topic: str, number: int) -> None:
        self.owner = Owner()
        conf = member_conf(kafka, f"group-{topic}", f"{topic}-{number}")
        self.member = BatchConsumer(conf, pattern=f"^{topic}$", ownership=self.owner, log=lambda _: None)

    def turn(self) -> None:
        self.member.take(10, 0.05)


def owned_by(*slots: Slot) -> int:
    for slot in slots:
        slot.turn()
    return sum(len(slot.owner.owned) for slot in slots)


def test_slots_stopped_in_the_middle_of_a_rebalance_leave_no_partition_without_owner(kafka: KafkaSettings) -> None:
    """A slot is added, and all are stopped and started again before the partitions have moved.

    A returning static member gets what it had without a rebalance, so a division that was not finished would stay.
    """
    topic = f"slots-{uuid4()}"
    admin = AdminClient(kafka.common_conf())
    for made in admin.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
        made.result(30)
    first = Slot(kafka, topic, 0)
    wait_for(lambda: owned_by(first) == PARTITIONS, 60, what="one slot with everything")
    second = Slot(kafka, topic, 1)
    until_told(first, second)
    first.member.close()
    second.member.close()
    first, second = Slot(kafka, topic, 0), Slot(kafka, topic, 1)
    wait_for(lambda: owned_by(first, second) == PARTITIONS, 45, what="an owner for every partition")
    assert first.owner.owned.isdisjoint(second.owner.owned)
    first.member.close()
    second.member.close()


def until_told(first: Slot, second: Slot) -> None:
    """Until the second has its first answer; the first does nothing that it need not do for that."""

    def told() -> bool:
        second.turn()
        if not second.owner.told:
            first.turn()
        return second.owner.told > 0

    wait_for(told, 60, what="the second slot's first answer")


LEAVER = """
import sys, threading
from connectors.kafka.settings import KafkaSettings
from tests.integration.test_routing_slots import Slot

slot = Slot(KafkaSettings(bootstrap_servers=sys.argv[1]), sys.argv[2], 0)
slot.turn()
threading.Event().wait(2)  # the answer is there, and nobody has looked at it: there is nothing to wait on
assert not slot.owner.told
slot.member.close()
"""


def test_a_slot_that_is_stopped_while_it_joins_its_group_ends(kafka: KafkaSettings) -> None:
    """At once; a process of its own, because what once stood still there took the interpreter along."""
    topic = f"slots-{uuid4()}"
    admin = AdminClient(kafka.common_conf())
    for made in admin.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
        made.result(30)
    command = [sys.executable, "-c", LEAVER, kafka.bootstrap_servers, topic]
    assert subprocess.run(command, timeout=40, check=False).returncode == 0
