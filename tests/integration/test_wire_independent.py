"""Somebody else's consumer, with confluent-kafka and avro-python3 only, reads an inbox.

`Reader` below uses no code of the exchange: it is what an agency's integrator would write from the published
documents (Avro 1.10 specification, CloudEvents 1.0 Kafka binding).
"""

from __future__ import annotations

import io
import json
import re
from datetime import datetime
from typing import Any

import avro.io
import avro.schema
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from schemas.registry import load_event_types
from tests.events import event_type
from tests.integration.live_exchange import LiveExchange

pytestmark = pytest.mark.integration

INCIDENT = "police.domestic-abuse-incident"
INBOX = "agency.northshire-csc.inbox"
EMPTY = 0xC15D213AA4D7A795
IN_ORDER = ("name", "type", "fields", "symbols", "items", "values", "size")


class Reader:
    """Reads deliveries with the schemas that the exchange publishes."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._schemas = {}
        for _, _, value in self.read("masa.schemas"):
            if value is not None:
                schema = json.loads(value)
                self._schemas[fingerprint(schema)] = avro.schema.parse(json.dumps(schema))

    def read(self, topic: str) -> list[tuple[bytes | None, dict[str, bytes], bytes | None]]:
        """(key, headers, value) of every committed record."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": "an-agency",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
            }
        )
        parts = [
            TopicPartition(topic, n, OFFSET_BEGINNING) for n in consumer.list_topics(topic).topics[topic].partitions
        ]
        consumer.assign(parts)
        found, ended = [], 0
        while ended < len(parts):
            message = consumer.poll(30)
            assert message is not None, f"no end of {topic}"
            if message.error() is None:
                found.append((message.key(), dict(message.headers() or []), message.value()))
            else:
                assert message.error().code() == KafkaError._PARTITION_EOF
                ended += 1
        consumer.close()
        return found

    def decode(self, value: bytes) -> dict[str, Any]:
        """An Avro single-object encoded record: C3 01, fingerprint (8 bytes, little-endian), payload."""
        assert value[:2] == b"\xc3\x01"
        schema = self._schemas[int.from_bytes(value[2:10], "little")]
        source = io.BytesIO(value[10:])
        datum: dict[str, Any] = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(source))
        assert source.read() == b""
        return datum


def fingerprint(schema: Any) -> int:
    """CRC-64-AVRO of the parsing canonical form."""
    table = []
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (EMPTY & -(remainder & 1))
        table.append(remainder)
    crc = EMPTY
    for byte in json.dumps(canonical(schema, ""), separators=(",", ":"), ensure_ascii=False).encode():
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


def canonical(node: Any, space: str) -> Any:
    """The parsing canonical form: full names, seven attributes in a fixed order, primitive types as plain names."""
    if isinstance(node, list):
        return [canonical(each, space) for each in node]
    if isinstance(node, str):
        primitive = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
        return node if node in primitive or "." in node or not space else f"{space}.{node}"
    if "fields" not in node and "symbols" not in node and "items" not in node and "size" not in node:
        return canonical(node["type"], space)
    kept = dict(node)
    if "name" in node:
        space = node.get("namespace", space)
        kept["name"] = node["name"] if "." in node["name"] or not space else f"{space}.{node['name']}"
    if "fields" in node:
        kept["fields"] = [{"name": each["name"], "type": canonical(each["type"], space)} for each in node["fields"]]
    if "items" in node:
        kept["items"] = canonical(node["items"], space)
    return {name: kept[name] for name in IN_ORDER if name in kept}


def without(datum: Any, paths: set[str], prefix: str = "") -> Any:
    """A record with these fields (or whole records) null; a record of nothing but nulls is null or empty."""
    return {
        name: None
        if prefix + name in paths
        else without(value, paths, prefix + name + ".")
        if isinstance(value, dict)
        else value
        for name, value in datum.items()
    }


def same(withheld: Any, published: Any) -> bool:
    """Equal, where a record of nulls counts as null: a record that cannot be null stays, with nothing in it."""
    return bool(stripped(withheld) == stripped(published))


def stripped(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: stripped(each) for name, each in value.items()}
    return inner if any(each is not None for each in inner.values()) else None


@pytest.fixture(scope="module")
def reader(live: LiveExchange) -> Reader:
    return Reader(live.connection()["kafka"])


@pytest.fixture(scope="module")
def delivered(live: LiveExchange, reader: Reader) -> dict[str, Any]:
    """A delivery to the front door and the event it came from, each as an outsider sees it."""
    line = live.call("schemas", "example", INCIDENT, "--line").stdout
    (where,) = live.answers("publish", "-", stdin=line)
    live.in_the_ledger([where["eventId"]])
    wanted = where["eventId"].encode()
    (event,) = [each for each in reader.read(where["topic"]) if each[1]["ce_id"] == wanted]
    (delivery,) = [each for each in reader.read(INBOX) if each[1]["ce_id"] == wanted]
    return {"where": where, "event": event, "delivery": delivery}


def test_the_values_are_what_was_published_less_what_was_withheld(reader: Reader, delivered: dict[str, Any]) -> None:
    """Field by field; the withheld ones are null and named in the delivery's header."""
    _, headers, value = delivered["delivery"]
    got, published = reader.decode(value), reader.decode(delivered["event"][2])
    withheld = set(headers["masa-withheld"].decode().split(","))
    assert withheld
    assert same(got, without(published, withheld))
    assert got["envelope"]["child"]["name"] == published["envelope"]["child"]["name"]
    assert got["note"] == published["note"]


def test_the_headers_say_what_the_design_promises(delivered: dict[str, Any]) -> None:
    """CloudEvents 1.0, Kafka binary binding, and those of a delivery; the source is the arrangement, not the agency."""
    headers = {name: value.decode() for name, value in delivered["delivery"][1].items()}
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_id"] == delivered["where"]["eventId"]
    assert headers["ce_source"] == "urn:masa:northshire"
    assert headers["ce_type"] == INCIDENT
    assert datetime.fromisoformat(headers["ce_time"])
    assert headers["content-type"] == "application/avro"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["masa-delivery-id"])
    assert headers["masa-recipient"] == "northshire-csc"
    assert headers["masa-rule"]
    assert headers["masa-role"]
    assert re.fullmatch(r"[0-9a-f]{64}", headers["masa-policy"])
    assert headers["masa-basis"]
    assert datetime.fromisoformat(headers["masa-ack-by"])


def test_the_key_is_a_pseudonym(delivered: dict[str, Any]) -> None:
    """Of the child, the same for every recipient; nothing of the child is in it (I-09)."""
    assert re.fullmatch(rb"[0-9a-f]{32}", delivered["delivery"][0])


def test_every_schema_is_found_by_its_fingerprint(reader: Reader) -> None:
    """An outsider's fingerprint of each published event schema is the one that events carry."""
    ours = {int.from_bytes(event_type(name).fingerprint, "little") for name in load_event_types()}
    assert ours <= set(reader._schemas)


def test_everything_in_an_inbox_can_be_read(reader: Reader, delivered: dict[str, Any]) -> None:
    """Whatever was delivered there, of every type."""
    values = [value for _, _, value in reader.read(INBOX)]
    assert len(values) >= 1
    assert all(reader.decode(value or b"")["envelope"]["eventId"] for value in values)
    assert delivered
