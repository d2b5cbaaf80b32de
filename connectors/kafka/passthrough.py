"""Raw pass-through with librdkafka: the limit that the router is measured against.

Reads records and sends each on to a few topics, with nothing in between: no transaction, no headers, no decision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from connectors.kafka.settings import ClientConf

_POLL_EVERY = 512


def pass_through(
    reading: ClientConf,
    writing: ClientConf,
    *,
    sources: Sequence[str],
    targets: Callable[[int], Sequence[str]],
    records: int,
    batch: int,
    started: Callable[[], None],
) -> None:
    """Send `records` records of `sources` (one partition each) to `targets(number)`, and wait until all are there.

    `started` is called when the first batch has arrived. Stops early if the sources go silent for 30 s.
    """
    consumer, producer = Consumer(reading), Producer(writing)
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING) for topic in sources])
    done = 0
    while done < records:
        messages = consumer.consume(batch, 30.0 if not done else 0.5)
        if not messages and not done:
            break
        if not done:
            started()
        for message in messages:
            value, key = message.value(), message.key()
            for topic in targets(done):
                _produce(producer, topic, value, key)
            done += 1
            if done % _POLL_EVERY == 0:
                producer.poll(0)
    producer.flush()
    consumer.close()


def _produce(producer: Producer, topic: str, value: bytes | None, key: bytes | str | None) -> None:
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.05)
            continue
        return
