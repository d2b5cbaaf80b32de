"""Publishing: one event, many, a preview of one, and what became of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.http import answers, cloudevents
from connectors.http.asked import PublishAsked
from connectors.http.auth import CurrentCaller, require_scope
from connectors.http.batch import BatchAnswer, batch_answer, submissions
from connectors.http.bodies import JSON, content, media_type, parsed, unsupported
from connectors.http.cloudevents import Unpacked
from connectors.http.door import door_of
from connectors.http.openapi import WRITING, problems, takes
from connectors.http.problems import BAD_REQUEST, NOT_FOUND, PROBLEM_JSON, Problem, refusal
from connectors.http.shapes import AcceptedAnswer, OutcomeAnswer, PreviewAnswer
from connectors.http.values import Caller, Refused, Submission

IDEMPOTENCY_HEADER = "idempotency-key"
NDJSON = ("application/x-ndjson", "application/jsonl")
ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)
_ANY_EVENT = {"$ref": "#/components/schemas/Event"}
_CLOUD_EVENT = {"$ref": "#/components/schemas/CloudEvent"}

EVENT_SCHEMAS: Mapping[str, Any] = {
    "Event": {
        "type": "object",
        "description": "An event in its JSON form; `GET /v1/schemas/{type}` has the schema of each type. `eventId`, "
        "`publishedAt`, `schemaVersion`, `masaId` and `sourceOrg` of the envelope are filled in when absent.",
        "required": ["envelope"],
        "properties": {
            "envelope": {
                "type": "object",
                "required": ["eventType"],
                "properties": {"eventType": {"type": "string", "examples": ["early-help.episode"]}},
            }
        },
    },
    "CloudEvent": {
        "type": "object",
        "description": "A CloudEvent 1.0 in structured mode, with the event in `data`.",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid"},
            "source": {"type": "string", "format": "uri-reference"},
            "type": {"type": "string"},
            "datacontenttype": {"const": "application/json"},
            "data": {"$ref": "#/components/schemas/Event"},
        },
    },
}
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 200 visible ASCII characters; the same key with the same event publishes once",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}
_BINARY = [
    {
        "name": f"ce-{name}",
        "in": "header",
        "required": False,
        "description": "CloudEvents binary mode: all of specversion, id, source and type, or none",
        "schema": {"type": "string"},
    }
    for name in ("specversion", "id", "source", "type", "time")
]
_ONE = takes({JSON: _ANY_EVENT, cloudevents.STRUCTURED: _CLOUD_EVENT})
_MANY = takes(
    {JSON: {"type": "array", "minItems": 1, "items": _ANY_EVENT}}
    | {cloudevents.BATCHED: {"type": "array", "minItems": 1, "items": _CLOUD_EVENT}}
    | {kind: {"type": "string", "description": "one event a line"} for kind in NDJSON}
)
_REPEATED = {200: {"model": AcceptedAnswer, "description": "It was accepted before"}}
_BATCH_REFUSED = {
    422: {
        "description": "Not one event was accepted; `results` has each with its problem",
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}},
    }
}


def events_router() -> APIRouter:
    router = APIRouter(prefix="/v1/events", tags=["publish"])
    router.post(
        "",
        status_code=202,
        response_model=AcceptedAnswer,
        responses=problems(403, 409, *WRITING, beside=_REPEATED),
        openapi_extra=_ONE | {"parameters": [_IDEMPOTENCY, *_BINARY]},
    )(publish)
    router.post(
        "/batch",
        response_model=BatchAnswer,
        responses=problems(403, 409, *WRITING, beside=_BATCH_REFUSED),
        openapi_extra=_MANY | {"parameters": [_IDEMPOTENCY]},
    )(publish_batch)
    router.post(
        "/preview",
        response_model=PreviewAnswer,
        responses=problems(403, 409, *WRITING),
        openapi_extra=_ONE | {"parameters": list(_BINARY)},
    )(preview)
    router.get("/{event_id}/outcome", response_model=OutcomeAnswer, responses=problems(403, 404))(outcome)
    return router


async def publish(request: Request, caller: CurrentCaller) -> Response:
    """Publish one event as your agency. 202: it is durably in Kafka, in all in-sync replicas.

    JSON, or a CloudEvent in structured or binary mode.
    """
    require_scope(request, caller, "publish")
    door, key = door_of(request), idempotency_key(request)
    unpacked = await _unpacked(request, caller)
    answer = await door.publish(PublishAsked(caller, Submission(unpacked.document, key)))
    if isinstance(answer, Refused):
        raise refusal(answer, below=unpacked.below)
    body = answers.accepted(answer)
    return JSONResponse(body, status_code=200 if answer.repeated else 202, headers={"location": body["outcome"]})


async def publish_batch(request: Request, caller: CurrentCaller) -> Response:
    """Publish many events, each on its own: an answer for each, in the order given.

    A JSON array, one event a line (NDJSON), or a batch of CloudEvents. With an `Idempotency-Key`, the n-th event of
    the same batch is the same event.
    """
    require_scope(request, caller, "publish")
    asked = await submissions(request, caller, key=idempotency_key(request))
    answered = await door_of(request).ask(door_of(request).doors.publish_batch, caller, asked.ready)
    return batch_answer(asked, answered)


async def preview(request: Request, caller: CurrentCaller) -> Response:
    """Who would get which field, and why, if this were published now. Publishes and records nothing."""
    require_scope(request, caller, "publish")
    unpacked = await _unpacked(request, caller)
    answer = await door_of(request).ask(door_of(request).doors.preview, caller, unpacked.document)
    if isinstance(answer, Refused):
        raise refusal(answer, below=unpacked.below)
    return JSONResponse(answers.preview(answer))


async def outcome(request: Request, event_id: str, caller: CurrentCaller) -> Response:
    """What became of an event of your agency: who was told, by category, and the outcome codes that came back."""
    require_scope(request, caller, "outcome")
    if not ID.fullmatch(event_id):
        raise no_such("event")
    answer = await door_of(request).ask(door_of(request).doors.outcome, caller, event_id)
    if answer is None:
        raise no_such("event")
    return JSONResponse(answers.outcome(answer))


async def _unpacked(request: Request, caller: Caller) -> Unpacked:
    """The one event of a request, whichever way it is written. Raises 400, 415, 422."""
    kind = media_type(request)
    if kind not in (JSON, cloudevents.STRUCTURED):
        raise unsupported(JSON, cloudevents.STRUCTURED)
    value = parsed(await content(request))
    if kind == cloudevents.STRUCTURED:
        return cloudevents.from_structured(value, caller.agency)
    if not isinstance(value, Mapping):
        raise Problem(BAD_REQUEST, "the body is not a JSON object: send one event")
    if cloudevents.is_binary(request.headers):
        return cloudevents.from_headers(request.headers.items(), value, caller.agency)
    return Unpacked(value, "")


def idempotency_key(request: Request) -> str | None:
    """The `Idempotency-Key`. Raises 400 when it cannot be one."""
    given = request.headers.getlist(IDEMPOTENCY_HEADER)
    if len(given) > 1 or any(not _KEY.fullmatch(key) for key in given):
        raise Problem(BAD_REQUEST, "give one `Idempotency-Key` of 1 to 200 visible ASCII characters")
    return given[0] if given else None


def no_such(what: str) -> Problem:
    """The one answer for what is not there and for what is somebody else's."""
    return Problem(NOT_FOUND, f"there is no such {what} for your agency")
