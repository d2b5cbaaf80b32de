"""The kit's end of the Kafka door: it writes the agency's inbox and reads its outbox and receipts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from connectors.errors import ChangeSettings
from connectors.kafka.admin import apply_topics, topic_names
from connectors.kafka.publisher import Outgoing, Publisher
from connectors.kafka.reader import Record, end_offsets, tail
from connectors.kafka.schemas_topic import publish_schemas
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topic_plan import CreateTopic, TopicSpec
from connectors.kafka.topics import AUDIT, POLICY, SCHEMAS, inbox, outbox, receipts
from schemas.codec import decode_record
from schemas.errors import ContractError
from schemas.wire import Wire
from streams.conformance.doors import Observation
from streams.conformance.judge import Answer, Publication, Unreadable
from streams.conformance.offers import Offer


class KafkaDoor:
    """A `KitDoor` on a broker of the kit's own, or one that is set aside for tests."""

    def __init__(self, settings: KafkaSettings, agency: str, schemas: Iterable[Wire]) -> None:
        """Makes the agency's topics and publishes the contract, and `schemas` beside. What was there is passed over.

        Raises ChangeSettings on a broker of an exchange: made-up deliveries have no place in a real inbox.
        """
        self._settings, self._agency = settings, agency
        _refuse_an_exchange(settings)
        self._outbox, self._receipts = outbox(agency), receipts(agency)
        names = (self._outbox, self._receipts, inbox(agency))
        made = [CreateTopic(TopicSpec(name, 1, -1, {})) for name in names]
        apply_topics(settings, [*made, CreateTopic(TopicSpec(SCHEMAS, 1, -1, {"cleanup.policy": "compact"}))])
        publish_schemas(settings)
        with Publisher(settings, client_id="masa-conformance") as publisher:
            publisher.publish(_schema(each) for each in schemas)
        self._next = dict(end_offsets(settings, [self._outbox, self._receipts]))

    def offer(self, offers: Sequence[Offer]) -> None:
        topic = inbox(self._agency)
        with Publisher(self._settings, client_id="masa-conformance") as publisher:
            publisher.publish(Outgoing(topic, each.value, each.event_id.encode(), each.headers) for each in offers)

    def watch(self, stop: Callable[[], bool]) -> Iterator[Observation | None]:
        for record in tail(self._settings, [self._outbox, self._receipts], offsets=dict(self._next), stop=stop):
            if record is None:
                yield None
                continue
            self._next[record.topic, record.partition] = record.offset + 1
            yield _publication(record) if record.topic == self._outbox else _answer(record)


def _refuse_an_exchange(settings: KafkaSettings) -> None:
    if {POLICY, AUDIT} & topic_names(settings):
        raise ChangeSettings(
            f"there is an exchange on this broker (`{POLICY}`): the kit's deliveries are made up, so it wants a broker "
            "of its own; without KAFKA_BOOTSTRAP_SERVERS it starts one"
        )


def _schema(wire: Wire) -> Outgoing:
    return Outgoing(SCHEMAS, json.dumps(wire.schema).encode(), wire.fingerprint.hex().encode())


def _publication(record: Record) -> Publication:
    headers = {name: value or b"" for name, value in record.headers}
    return Publication(record.value, record.key, headers, record.timestamp)


def _answer(record: Record) -> Answer | Unreadable:
    where = f"record {record.offset} of `{record.topic}`"
    try:
        receipt = decode_record("receipt", record.value or b"")
    except ContractError as error:
        return Unreadable(f"{where} is no receipt: {error}")
    return Answer(
        delivery_id=receipt["deliveryId"],
        event_id=receipt["eventId"],
        agency=receipt["agency"],
        kind=receipt["kind"],
        outcome=receipt["outcome"],
        receipt_id=receipt["receiptId"],
        person=receipt["person"],
        made_at=receipt["at"],
        seen_at=record.timestamp,
        key=(record.key or b"").decode("utf-8", "replace"),
    )
