"""The batch consumer when partitions move while it gathers: a stand-in for the client plays the moments.

The real client purges such records itself in most cases; which ones depends on milliseconds, so no broker can show it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.errors import ExitForSupervisor, RetryLater
from connectors.kafka import batch_consumer
from connectors.kafka.batch_consumer import BatchConsumer, Committed, committed_of
from connectors.kafka.partition import Partition

A, B = Partition("a", 0), Partition("b", 0)


class Message(NamedTuple):
    """The part of the client's message that matters here."""

    place: Partition
    at: int
    failure: KafkaError | None = None

    def topic(self) -> str:
        return self.place.topic

    def partition(self) -> int:
        return self.place.partition

    def offset(self) -> int:
        return self.at

    def error(self) -> KafkaError | None:
        return self.failure


class Client:
    """The client's interface: `consume` plays a scene, then gives the messages it had gathered."""

    def __init__(self) -> None:
        self.gathered: list[Message] = []
        self.scene: Callable[[], None] = lambda: None
        self.seeks: list[tuple[str, int]] = []
        self.committed_at = 0

    def configured(self, conf: dict[str, Any]) -> Client:
        self.error_cb = conf["error_cb"]
        return self

    def subscribe(self, _: object, *, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def consume(self, _: int, __: float) -> list[Message]:
        self.scene()
        return self.gathered

    def committed(self, partitions: list[Any], timeout: float) -> list[Any]:
        return [
            SimpleNamespace(topic=p.topic, partition=p.partition, offset=self.committed_at, metadata="", error=None)
            for p in partitions
        ]

    def seek(self, position: Any) -> None:
        self.seeks.append((position.topic, position.offset))

    def incremental_assign(self, partitions: list[Any]) -> None: ...

    def incremental_unassign(self, partitions: list[Any]) -> None: ...

    def assign(self, partitions: list[Any]) -> None: ...

    def unassign(self) -> None: ...


class Owner:
    """Takes and gives what it is told to."""

    def gained(self, partitions: Sequence[Committed]) -> None: ...

    def gave_up(self, partitions: Sequence[Partition]) -> None: ...


class Unable(Owner):
    """Cannot take over anything."""

    def gained(self, partitions: Sequence[Committed]) -> None:
        raise RetryLater("the partition's tail cannot be read")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(batch_consumer, "Consumer", made.configured)
    made.gathered = [Message(A, 7), Message(B, 3), Message(A, 8)]
    return made


def member(owner: Owner) -> BatchConsumer:
    return BatchConsumer({}, pattern="^x$", ownership=owner, log=lambda _: None)


def moving(client: Client, *partitions: Partition) -> list[Any]:
    return [SimpleNamespace(topic=each.topic, partition=each.partition, offset=-1001) for each in partitions]


def taken(consumer: BatchConsumer) -> list[tuple[str, int]]:
    return [(record.topic(), record.offset()) for record in consumer.take(10, 1.0)]


def test_records_of_a_partition_given_up_meanwhile_are_not_returned(client: Client) -> None:
    """They are the next owner's; the others stay."""
    consumer = member(Owner())
    client.scene = lambda: client.on_revoke(client, moving(client, A))
    assert taken(consumer) == [("b", 3)]
    assert client.seeks == []


def test_a_partition_given_up_and_got_back_is_read_again_from_its_committed_offset(client: Client) -> None:
    """Some of its records may be from before and some from after, so none is taken, and none is passed over."""
    consumer = member(Owner())
    client.committed_at = 5

    def there_and_back() -> None:
        client.on_lost(client, moving(client, A))
        client.on_assign(client, moving(client, A))

    client.scene = there_and_back
    assert taken(consumer) == [("b", 3)]
    assert client.seeks == [("a", 5)]


def test_a_partition_moved_by_its_owner_meanwhile_is_read_again_from_there(client: Client) -> None:
    """The owner rolls back while it gives up another partition."""
    consumer = member(Owner())
    client.scene = lambda: consumer.seek([Committed(B, 1, "")])
    assert taken(consumer) == [("a", 7), ("a", 8)]
    assert client.seeks == [("b", 1), ("b", 1)]


def test_what_moved_in_an_earlier_take_matters_no_more(client: Client) -> None:
    """A partition that comes back later is read as any other."""
    consumer = member(Owner())
    client.scene = lambda: client.on_revoke(client, moving(client, A))
    taken(consumer)
    client.scene = lambda: client.on_assign(client, moving(client, A))
    assert taken(consumer) == [("a", 7), ("b", 3), ("a", 8)]


def test_an_owner_that_cannot_take_over_a_partition_ends_the_process(client: Client) -> None:
    """What was gathered beside the failure is gone from the client: going on would pass it over, unaudited."""
    consumer = member(Unable())
    client.scene = lambda: client.on_assign(client, moving(client, A))
    with pytest.raises(ExitForSupervisor, match="tail cannot be read"):
        consumer.take(10, 1.0)


def test_a_client_that_fails_while_gathering_ends_the_process(client: Client) -> None:
    """For the same reason."""
    consumer = member(Owner())

    def failing() -> None:
        raise KafkaException(KafkaError(KafkaError._STATE))

    client.scene = failing
    with pytest.raises(ExitForSupervisor, match="_STATE"):
        consumer.take(10, 1.0)


def test_a_fatal_error_that_the_client_only_tells_ends_the_process(client: Client) -> None:
    """A static member that was fenced gets no more records and no error with them: it would wait for ever."""
    consumer = member(Owner())
    client.gathered = []
    client.scene = lambda: client.error_cb(KafkaError(KafkaError._FATAL))
    with pytest.raises(ExitForSupervisor, match="_FATAL"):
        consumer.take(10, 1.0)


def test_a_fatal_error_in_place_of_a_record_ends_the_process(client: Client) -> None:
    """The client gives the general code without the fatal flag."""
    consumer = member(Owner())
    client.gathered = [Message(A, 0, KafkaError(KafkaError._FATAL))]
    with pytest.raises(ExitForSupervisor, match="_FATAL"):
        consumer.take(10, 1.0)


def test_an_error_that_the_client_cures_itself_is_only_logged(client: Client) -> None:
    """A broker that is away for a moment."""
    consumer = member(Owner())
    client.scene = lambda: client.error_cb(KafkaError(KafkaError._TRANSPORT))
    assert len(consumer.take(10, 1.0)) == 3


def test_an_offset_that_the_broker_could_not_tell_is_not_taken_for_none() -> None:
    """None means that nothing was ever committed, and reads everything again; an error must not look like it."""
    sound = SimpleNamespace(topic="t", partition=0, offset=7, metadata="m", error=None)
    never = SimpleNamespace(topic="t", partition=1, offset=-1001, metadata=None, error=None)
    refused = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
    broken = SimpleNamespace(topic="t", partition=2, offset=-1001, metadata=None, error=refused)
    assert committed_of([sound, never]) == [
        Committed(Partition("t", 0), 7, "m"),
        Committed(Partition("t", 1), None, ""),
    ]
    with pytest.raises(RetryLater, match="GROUP_AUTHORIZATION_FAILED"):
        committed_of([sound, broken])
