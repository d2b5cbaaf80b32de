"""The catalogue: which events there are, which ones the caller may publish, and the schema of each."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.http import answers
from connectors.http.api_events import no_such
from connectors.http.auth import CurrentCaller
from connectors.http.door import door_of
from connectors.http.openapi import problems
from connectors.http.shapes import SchemaAnswer, TypesAnswer
from connectors.http.values import TypeInfo
from schemas.examples import example, new_event_id
from schemas.json_form import to_json
from schemas.json_schema import event_json_schema
from schemas.registry import EventType, load_event_types

AVRO_SCHEMA = "application/vnd.apache.avro+json"
JSON_SCHEMA = "application/schema+json"


def schemas_router() -> APIRouter:
    router = APIRouter(prefix="/v1/schemas", tags=["contract"])

    @router.get("", response_model=TypesAnswer, responses=problems())
    async def event_types(request: Request, caller: CurrentCaller) -> Response:
        """Every event type, with whether your agency may publish it."""
        door = door_of(request)
        found = await door.ask(door.doors.event_types, caller)
        return JSONResponse({"types": [answers.type_info(each) for each in found]})

    @router.get("/{event_type}", response_model=SchemaAnswer, responses=problems(404))
    async def event_type(request: Request, event_type: str, caller: CurrentCaller) -> Response:
        """One event type: its Avro schema, its JSON Schema, and a valid, fictional example."""
        door = door_of(request)
        found = await door.ask(door.doors.event_types, caller)
        info = next((each for each in found if each.name == event_type), None)
        if info is None:
            raise no_such("event type")
        return JSONResponse(await door.ask(_described, info, int(door.clock() * 1000)))

    @router.get(
        "/{event_type}/avro",
        responses=problems(404, beside=_as(AVRO_SCHEMA)),
        response_class=Response,
    )
    async def avro_schema(event_type: str, caller: CurrentCaller) -> Response:
        """The Avro schema alone, as a file (`.avsc`)."""
        return JSONResponse(_known(event_type).schema, media_type=AVRO_SCHEMA)

    @router.get(
        "/{event_type}/json-schema",
        responses=problems(404, beside=_as(JSON_SCHEMA)),
        response_class=Response,
    )
    async def json_schema(event_type: str, caller: CurrentCaller) -> Response:
        """The JSON Schema (2020-12) alone."""
        return JSONResponse(event_json_schema(_known(event_type)), media_type=JSON_SCHEMA)

    return router


def _as(kind: str) -> dict[int, dict[str, Any]]:
    return {200: {"description": "The schema", "content": {kind: {"schema": {"type": "object"}}}}}


def _known(name: str) -> EventType:
    found = load_event_types().get(name)
    if found is None:
        raise no_such("event type")
    return found


def _described(info: TypeInfo, now_ms: int) -> dict[str, Any]:
    known = _known(info.name)
    event_id = new_event_id(now_ms, secrets.randbits)
    shown = to_json(known, example(known, now_ms=now_ms, event_id=event_id))
    return answers.type_info(info) | {
        "fingerprint": known.fingerprint.hex(),
        "avro": known.schema,
        "jsonSchema": event_json_schema(known),
        "example": shown,
    }
