"""Raw pass-through with librdkafka: the limit that the router is measured against.

Reads records and sends a few on for each, with nothing in between: no transaction, no decision, nothing looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from connectors.kafka.settings import ClientConf
from connectors.kafka.transaction import Output

_POLL_EVERY = 512


def pass_through(
    reading: ClientConf,
    writing: ClientConf,
    *,
    sources: Sequence[str],
    outputs: Callable[[int], Sequence[Output]],
    records: int,
    batch: int,
    started: Callable[[], None],
) -> int:
    """For each of `records` records of `sources` (one partition each) send `outputs(number)`; wait until all are there.

    `started` is called when the first batch has arrived. Returns how many
    records were read; fewer when the sources are silent for 30 s.
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
            message.value()
            for output in outputs(done):
                _produce(producer, output)
            done += 1
            if done % _POLL_EVERY == 0:
                producer.poll(0)
    producer.flush()
    consumer.close()
    return done


def _produce(producer: Producer, output: Output) -> None:
    topic, value, key, headers = output
    while True:
        try:
            producer.produce(topic, value, key, headers=headers)
        except BufferError:
            producer.poll(0.05)
            continue
        return
