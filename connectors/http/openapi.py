"""The OpenAPI 3.1 document: what each operation takes and every answer it may give, errors included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from connectors.http.problems import PROBLEM_JSON
from connectors.http.shapes import ProblemAnswer

Responses = dict[int | str, dict[str, Any]]

TITLE = "MASA Exchange gateway"
VERSION = "1.0.0"
DESCRIPTION = """
The HTTP door of the exchange: publish events, receive deliveries, acknowledge them, see what became of yours.

Every error is an RFC 9457 problem. 503 and 429 carry `Retry-After`; the same request again is always safe.
"""
WHEN: Mapping[int, str] = {
    400: "The request cannot be understood",
    401: "No valid access token",
    403: "The token, or the agency, may not do this",
    404: "No such thing, or not yours: both look the same",
    408: "The body did not arrive in time",
    409: "In conflict with what was done before",
    410: "It was taken back: remove what you hold of it",
    413: "Too large",
    415: "Another content type than those listed, or an encoded body",
    422: "The content breaks the contract; `errors` has a JSON pointer for each fault",
    429: "Your agency asks faster than it may; see `Retry-After`",
    503: "The exchange cannot do this at the moment; see `Retry-After`",
}
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}}
CHALLENGE = {"WWW-Authenticate": {"description": "RFC 6750", "schema": {"type": "string"}}}
READING = (401, 429, 503)  # any operation
WRITING = (400, 408, 413, 415, 422)  # those with a body, beside


def problems(*statuses: int, beside: Mapping[int, dict[str, Any]] | None = None) -> Responses:
    """`responses` of an operation for these error statuses and those that every operation may give, and `beside`."""
    found: Responses = {}
    for status in sorted({*statuses, *READING}):
        found[status] = {
            "description": WHEN[status],
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}},
        }
        if status in (429, 503):
            found[status]["headers"] = RETRY_AFTER
        if status in (401, 403):
            found[status]["headers"] = CHALLENGE
    return found | dict(beside or {})


def takes(contents: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    """`openapi_extra` of an operation whose body is read by hand: content type -> schema."""
    return {"requestBody": {"required": required, "content": {kind: {"schema": s} for kind, s in contents.items()}}}


def reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def document_of(app: FastAPI) -> dict[str, Any]:
    """The document, the same for every deployment: no address of a server is in it."""
    from connectors.http.api_events import EVENT_SCHEMAS
    from connectors.http.api_inbox import BODIES

    document = get_openapi(
        title=TITLE, version=VERSION, description=DESCRIPTION.strip(), routes=app.routes, openapi_version="3.1.0"
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in (ProblemAnswer, *BODIES):
        found = model.model_json_schema(ref_template="#/components/schemas/{model}", by_alias=True)
        schemas.update(found.pop("$defs", {}))
        schemas[model.__name__] = found
    schemas.update(EVENT_SCHEMAS)
    _without_the_frameworks_own(document)
    return document


def _without_the_frameworks_own(document: dict[str, Any]) -> None:
    """FastAPI adds a 422 of its own shape wherever there is a parameter; ours are texts, which cannot be refused."""
    for path in document["paths"].values():
        for operation in path.values():
            answer = operation["responses"].get("422", {})
            if "HTTPValidationError" in str(answer.get("content")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
