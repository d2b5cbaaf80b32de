"""Where partitions begin and end, and where groups stand: the marks between which a checker reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from confluent_kafka import Consumer, IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from connectors.errors import NotReady
from connectors.kafka.offset_consumer import kafka_failures, named
from connectors.kafka.partition import Partition
from connectors.kafka.settings import ClientConf, KafkaSettings
from connectors.waiting import wait_until

_CALL_TIMEOUT_S = 15.0
SETTLE_TIMEOUT_S = 60.0  # above the transaction timeout and the broker's sweep (design section 6)

Offsets = dict[Partition, int]

_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class LogEnds:
    """Asks the brokers; every answer is as of now."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._admin = AdminClient(settings.common_conf(client_id="masa-log-ends"))

    def partitions(self, wanted: Callable[[str], bool]) -> tuple[Partition, ...]:
        """All partitions of the topics that `wanted` accepts, sorted."""
        with kafka_failures("list topics"):
            found = self._admin.list_topics(timeout=_CALL_TIMEOUT_S).topics
        return tuple(
            Partition(name, number)
            for name in sorted(found)
            if wanted(name)
            for number in sorted(found[name].partitions)
        )

    def starts(self, partitions: Collection[Partition]) -> Offsets:
        """Offset of the oldest record kept."""
        return self._offsets(partitions, _EARLIEST, IsolationLevel.READ_UNCOMMITTED)

    def written(self, partitions: Collection[Partition]) -> Offsets:
        """Offset after the last record written, in an open transaction or not."""
        return self._offsets(partitions, _LATEST, IsolationLevel.READ_UNCOMMITTED)

    def settled(self, partitions: Collection[Partition]) -> Offsets:
        """Offset after the last record that a read_committed reader may see (the last stable offset)."""
        return self._offsets(partitions, _LATEST, IsolationLevel.READ_COMMITTED)

    def since(self, partitions: Collection[Partition], millis: int) -> Offsets:
        """Offset of the first record with a timestamp (milliseconds, UTC) at or after `millis`, else where it ends."""
        found = self._offsets(partitions, OffsetSpec.for_timestamp(millis), IsolationLevel.READ_UNCOMMITTED)
        none = [each for each, offset in found.items() if offset < 0]
        return {**found, **self.settled(none)}

    def settle(self, partitions: Collection[Partition], *, timeout: float = SETTLE_TIMEOUT_S) -> Offsets:
        """Wait until whatever is written now is committed or aborted, and say where the settled part ends.

        Raises `NotReady` naming a partition with a transaction that stays open.
        """
        goal = self.written(partitions)
        ends: Offsets = {}
        late: list[Partition] = []

        def reached() -> bool:
            ends.update(self.settled(partitions))
            late[:] = [each for each in partitions if ends[each] < goal[each]]
            return not late

        try:
            wait_until(reached, timeout=timeout, what="settling")
        except NotReady:
            where = f"{late[0].topic} [{late[0].partition}]"
            raise NotReady(
                f"{where}: a transaction stays open for more than {timeout:g} s; is a router slot dead?"
            ) from None
        return ends

    def committed(self, group: str) -> Offsets:
        """Next offset that a group has committed by partition, pending transactions waited for.

        Asked by a consumer that joins nothing: `list_consumer_group_offsets` of confluent-kafka 2.16.1 ends the whole
        process (SIGSEGV) while the group's coordinator is loading. Waiting for pending transactions is what
        read_committed means for this request (KIP-447).
        """
        asked = self.partitions(lambda name: not name.startswith("__"))
        return group_offsets(self._settings.consumer_conf(group, client_id="masa-log-ends"), group, asked)

    def _offsets(self, partitions: Collection[Partition], spec: OffsetSpec, isolation: IsolationLevel) -> Offsets:
        if not partitions:
            return {}
        asked = {TopicPartition(*each): spec for each in partitions}
        with kafka_failures("list offsets"):
            futures: Any = self._admin.list_offsets(
                dict(asked), isolation_level=isolation, request_timeout=_CALL_TIMEOUT_S
            )
            return {Partition(each.topic, each.partition): future.result().offset for each, future in futures.items()}


def group_offsets(
    conf: ClientConf, group: str, partitions: Iterable[Partition], timeout_s: float = _CALL_TIMEOUT_S
) -> Offsets:
    """What `group` has committed, by partition, as a consumer with `conf` is told; those without one are left out."""
    consumer = Consumer(conf)
    try:
        with kafka_failures(f"offsets of group `{group}`"):
            answer = consumer.committed([TopicPartition(*each) for each in partitions], timeout=timeout_s)
    finally:
        consumer.close()
    for each in answer:
        if each.error is not None:
            raise named(each.error, f"offsets of group `{group}`")
    return {Partition(each.topic, each.partition): each.offset for each in answer if each.offset >= 0}
