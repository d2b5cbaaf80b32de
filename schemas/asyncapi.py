"""The AsyncAPI 3.0 document of the Kafka door: an agency's topics, every message on them, and what may be done.

Made from the catalogue. A released schema is named by its file, relative to the document's place in `deploy/api`; one
that is not released yet, or every one when asked, is written into the document.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from schemas.catalogue import read_yaml
from schemas.examples import example
from schemas.json_form import to_json
from schemas.registry import EventType, EventTypes, load_record_schema, record_wire

VERSION = "1.0.0"
AVRO = "application/vnd.apache.avro+json;version=1.9.0"
FOLDER = "../../schemas/releases"  # from deploy/api
EXAMPLE_AT = 1_790_000_000_000  # 2026-09-21T13:33:20Z
EXAMPLE_ID = "01900000-0000-7000-8000-000000000001"
RECEIPT = "receipt"
AGENCY = {"description": "Agency id as in its area's rules, for example `northshire-police`."}
DESCRIPTION = """
The Kafka door of the exchange. An agency with topics of its own writes events to its outbox, reads deliveries from its
inbox and answers each on its receipts topic. Operations are named as the exchange sees them: it *receives* what an
agency publishes and *sends* deliveries.

Values are Avro with the single-object header (`C3 01`, then the schema's 8-byte CRC-64-AVRO fingerprint, little
endian), or with Confluent's header when the agency uses a schema registry. Schemas by fingerprint are on
`masa.schemas`. Examples are in JSON form, for reading.

Read inboxes with `isolation.level=read_committed`. The same delivery may be read twice: `masa-delivery-id` says so.
Fields that were not shared are null and named in `masa-withheld`: null there is not "unknown".
""".strip()

_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_UUID = {"type": "string", "format": "uuid"}
# Header -> (schema, description). CloudEvents' Kafka binding, binary mode, and the exchange's own.
CLOUD_EVENT: Mapping[str, tuple[dict[str, Any], str]] = {
    "ce_specversion": ({"const": "1.0"}, "CloudEvents version."),
    "ce_id": (_UUID, "`envelope.eventId`."),
    "ce_source": (_TEXT, "`urn:masa:<area>:<agency>` of an event; of a delivery the area alone."),
    "ce_type": (_TEXT, "`envelope.eventType`."),
    "ce_time": (_TIME, "`envelope.occurredAt`."),
    "content-type": ({"const": "application/avro"}, "How the value is encoded."),
}
DELIVERY: Mapping[str, tuple[dict[str, Any], str]] = {
    "masa-delivery-id": (_UUID, "The same for the same delivery, however often it is read."),
    "masa-recipient": (_TEXT, "Agency whom it is for."),
    "masa-role": (_TEXT, "Roles of the agency whom it is for, comma separated."),
    "masa-rule": (_TEXT, "Rules that let it through, comma separated."),
    "masa-policy": (_TEXT, "SHA-256 of the rule set that decided."),
    "masa-basis": (_TEXT, "Lawful basis in the rules' words."),
    "masa-withheld": (_TEXT, "Paths of the fields that were not shared, comma separated."),
}
SOMETIMES: Mapping[str, tuple[dict[str, Any], str]] = {
    "masa-ack-by": (_TIME, "Answer by then. Absent when no answer is due."),
}


def asyncapi_document(types: EventTypes, *, self_contained: bool = False) -> dict[str, Any]:
    """The document. `self_contained` writes every schema into it, which makes it about ten times as large."""
    names = list(types)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:masa:exchange",
        "info": {
            "title": "MASA Exchange, Kafka door",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/avro",
        "servers": {"kafka": _server()},
        "channels": {
            "outbox": _channel("outbox", "Events that the agency publishes.", _published(names)),
            "inbox": _channel("inbox", "Deliveries: events as they were minimised for the agency.", _delivered(names)),
            "receipts": _channel("receipts", "What the agency did with its deliveries.", [RECEIPT]),
        },
        "operations": {
            "takeEvents": _operation("receive", "outbox", "Publish events: one record each.", _published(names)),
            "deliver": _operation("send", "inbox", "Receive deliveries.", _delivered(names)),
            "takeReceipts": _operation("receive", "receipts", "Acknowledge deliveries.", [RECEIPT]),
        },
        "components": _components(types, self_contained),
    }


def asyncapi_yaml(document: Mapping[str, Any]) -> str:
    """The document as text, the same for the same document."""
    plain = json.loads(json.dumps(document))  # no anchors, no enum members
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)
    return text


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "description": "The area's brokers.",
        "variables": {"bootstrap": {"description": "host:port that the area's operator names"}},
        "security": [
            {"$ref": "#/components/securitySchemes/scram"},
            {"$ref": "#/components/securitySchemes/certificate"},
        ],
    }


def _channel(kind: str, description: str, messages: Iterable[str]) -> dict[str, Any]:
    return {
        "address": f"agency.{{agency}}.{kind}",
        "description": description,
        "parameters": {"agency": AGENCY},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operation(action: str, channel: str, summary: str, messages: Iterable[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _published(names: Iterable[str]) -> list[str]:
    return [f"publish.{name}" for name in names]


def _delivered(names: Iterable[str]) -> list[str]:
    return [f"deliver.{name}" for name in names]


def _components(types: EventTypes, self_contained: bool) -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for name, kind in types.items():
        messages[f"publish.{name}"] = _message(kind, "published") | {"examples": [_example(kind)]}
    for name, kind in types.items():
        messages[f"deliver.{name}"] = _message(kind, "delivered")
    messages[RECEIPT] = {
        "name": RECEIPT,
        "title": "Receipt",
        "summary": "Picked up, or acknowledged with an outcome (D-01, D-02).",
        "payload": {"$ref": f"#/components/schemas/{RECEIPT}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "The delivery's id."}}},
    }
    schemas = {name: _schema(kind.fingerprint, kind.schema, self_contained) for name, kind in types.items()}
    schemas[RECEIPT] = _schema(
        record_wire("receipt").fingerprint, load_record_schema("receipt"), self_contained, part="records"
    )
    return {
        "schemas": schemas,
        "messages": messages,
        "messageTraits": {
            "published": _trait(
                CLOUD_EVENT, {}, "A pseudonym of the source record, so that its versions stay in order."
            ),
            "delivered": _trait({**CLOUD_EVENT, **DELIVERY}, SOMETIMES, "As of the event."),
        },
        "securitySchemes": {
            "scram": {"type": "scramSha512", "description": "User name and password of the agency, over TLS."},
            "certificate": {"type": "X509", "description": "Client certificate of the agency."},
        },
    }


def _message(kind: EventType, trait: str) -> dict[str, Any]:
    return {
        "name": kind.name,
        "title": kind.title,
        "summary": str(kind.schema.get("doc", kind.title)),
        "description": f"Published by {', '.join(kind.publishers)}. Urgency {kind.urgency}, clock {kind.clock}. "
        f"Source: {kind.basis}.",
        "payload": {"$ref": f"#/components/schemas/{kind.name}"},
        "traits": [{"$ref": f"#/components/messageTraits/{trait}"}],
    }


def _trait(
    always: Mapping[str, tuple[dict[str, Any], str]], sometimes: Mapping[str, tuple[dict[str, Any], str]], key: str
) -> dict[str, Any]:
    described = {name: {"description": doc} | schema for name, (schema, doc) in {**always, **sometimes}.items()}
    return {
        "contentType": "application/avro",
        "headers": {"type": "object", "properties": described, "required": list(always)},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}}},
    }


def _example(kind: EventType) -> dict[str, Any]:
    datum = example(kind, now_ms=EXAMPLE_AT, event_id=EXAMPLE_ID)
    return {"name": "fictional", "payload": to_json(kind, datum)}


def _schema(
    fingerprint: bytes, schema: Mapping[str, Any], self_contained: bool, *, part: str = "events"
) -> dict[str, Any]:
    """A schema by the file it was released in, or itself."""
    inside: Mapping[str, Any] = schema
    place = None if self_contained else _places(part).get(fingerprint)
    if place is not None:
        inside = {"$ref": f"{FOLDER}/{place}"}
    return {"schemaFormat": AVRO, "schema": inside, "x-masa-fingerprint": fingerprint.hex()}


@cache
def _places(part: str) -> Mapping[bytes, str]:
    """`<release>/<file>` of every released schema by its fingerprint."""
    releases = files("schemas") / "releases"
    prefix = "record." if part == "records" else ""
    found: dict[bytes, str] = {}
    for release in sorted(each.name for each in releases.iterdir() if (each / "index.yaml").is_file()):
        index = read_yaml((releases / release / "index.yaml").read_text("utf-8"))
        found |= {bytes.fromhex(digits): f"{release}/{prefix}{name}.avsc" for name, digits in index[part].items()}
    return found
