"""The documents in deploy/api: made from the code, valid, and true of what is on the wire."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastavro.schema import parse_schema
from jsonschema import Draft7Validator, Draft202012Validator
from openapi_spec_validator import validate

from connectors.client.outbox import outbox_record
from connectors.http.app import create_bare_app
from connectors.kafka import topics
from schemas.asyncapi import asyncapi_document, asyncapi_yaml
from schemas.examples import example
from schemas.json_schema import event_json_schema
from schemas.registry import EventTypes, load_event_types, load_record_schema
from schemas.wire import wire
from tests.events import EVENT_ID, NOW_MS
from tests.http_door import door_at_hand
from tests.planned import PSEUDONYMS, Desk, sent
from tests.unit.routing.test_routing_plan import INCIDENT, an_incident, event_type, rules

API = Path(__file__).parents[2] / "deploy" / "api"


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((API / "asyncapi.yaml").read_text("utf-8"))
    return found


@cache
def specification() -> Draft7Validator:
    """AsyncAPI's own JSON Schema of its documents, Avro schemas inside them included."""
    return Draft7Validator(json.loads((Path(__file__).parent / "asyncapi" / "3.0.0.json").read_text("utf-8")))


def test_the_asyncapi_document_is_what_the_catalogue_says() -> None:
    """Whoever changes the catalogue runs `masa schemas asyncapi --write`."""
    made = asyncapi_yaml(asyncapi_document(load_event_types()))
    assert made == (API / "asyncapi.yaml").read_text("utf-8")


def test_the_openapi_document_is_what_the_gateway_serves() -> None:
    """Whoever changes the API runs `masa gateway openapi --write`; it is valid OpenAPI 3.1."""
    found = json.loads((API / "openapi.json").read_text("utf-8"))
    assert found == create_bare_app(None).openapi()
    assert found == door_at_hand().client.get("/v1/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    validate(found)


def test_the_asyncapi_document_is_valid() -> None:
    """AsyncAPI 3.0; and the validator is one that finds things."""
    assert [error.message for error in specification().iter_errors(document())] == []
    for path in ("channels", "operations"):
        wrong = json.loads(json.dumps(document()))
        next(iter(wrong[path].values()))["surprise"] = True
        assert not specification().is_valid(wrong)


def test_a_self_contained_document_holds_the_schemas_themselves() -> None:
    """Valid too, its Avro schemas with it; nothing in it points to another file."""
    few = EventTypes([load_event_types()["early-help.episode"]])
    made = yaml.safe_load(asyncapi_yaml(asyncapi_document(few, self_contained=True)))
    assert [error.message for error in specification().iter_errors(made)] == []
    assert made["components"]["schemas"]["early-help.episode"]["schema"] == few["early-help.episode"].schema
    assert "../" not in json.dumps(made)


def test_an_unreleased_schema_is_written_into_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no file to name yet."""
    monkeypatch.setattr("schemas.asyncapi._places", lambda part: {})
    made = asyncapi_document(load_event_types())
    assert made["components"]["schemas"]["receipt"]["schema"] == load_record_schema("receipt")


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for each in node.values() for ref in references(each)]
    return [ref for each in node for ref in references(each)] if isinstance(node, list) else []


def test_every_reference_leads_somewhere() -> None:
    """Within the document by its path; to a schema's file whose fingerprint is the one that is stated."""
    for ref in sorted(set(references(document()))):
        if not ref.startswith("#/"):
            assert (API / ref).is_file(), ref
            continue
        node: Any = document()
        for part in ref[2:].split("/"):
            node = node[part]
        assert node, ref
    for name, schema in document()["components"]["schemas"].items():
        inside = schema["schema"]  # of a schema that is not released yet there is no file, so it is told in full
        found = json.loads((API / inside["$ref"]).read_text("utf-8")) if "$ref" in inside else inside
        parse_schema(found)
        assert wire(found).fingerprint.hex() == schema["x-masa-fingerprint"], name


def test_every_event_type_can_be_published_and_delivered() -> None:
    """One message each way; the examples keep the JSON Schema of their type."""
    messages = document()["components"]["messages"]
    for name, kind in load_event_types().items():
        assert f"deliver.{name}" in document()["channels"]["inbox"]["messages"]
        assert f"publish.{name}" in document()["channels"]["outbox"]["messages"]
        (shown,) = messages[f"publish.{name}"]["examples"]
        errors = Draft202012Validator(event_json_schema(kind)).iter_errors(shown["payload"])
        assert [error.message for error in errors] == [], name


def test_topics_and_headers_are_those_on_the_wire() -> None:
    """An agency's topics by their names; the headers of an event and of its deliveries, no more and no less."""
    addresses = {name: each["address"].format(agency="a") for name, each in document()["channels"].items()}
    assert addresses == {"outbox": topics.outbox("a"), "inbox": topics.inbox("a"), "receipts": topics.receipts("a")}
    traits = {name: each["headers"] for name, each in document()["components"]["messageTraits"].items()}

    known = load_event_types()["early-help.episode"]
    datum = example(known, now_ms=NOW_MS, event_id=EVENT_ID)
    record = outbox_record(known, datum, agency="a", gateway=False, pseudonymiser=PSEUDONYMS)
    assert {name for name, _ in record.headers} == set(traits["published"]["properties"])

    planned = Desk(rules()).plan([sent(event_type(INCIDENT), an_incident(), agency="north-police")])
    assert planned.deliveries
    for each in planned.deliveries:
        assert set(each.headers) == set(traits["delivered"]["properties"])
        assert [e.message for e in Draft202012Validator(traits["delivered"]).iter_errors(each.headers)] == []
