"""Reading request bodies: strict JSON (no repeated keys, UTF-8) into strict models, with a pointer to every fault."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import ClientDisconnect, Request

from connectors.http.problems import BAD_REQUEST, INVALID, NOT_JSON, UNSUPPORTED_MEDIA, Problem
from connectors.http.values import FieldProblem
from schemas.errors import EventInvalid
from schemas.json_form import read_json

JSON = "application/json"
M = TypeVar("M", bound="Body")
_CHARSET = re.compile(r"charset=\"?([^\";]+)\"?", re.IGNORECASE)


class Body(BaseModel):
    """A request body: names in camelCase, nothing beside what is named."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel)


def media_type(request: Request) -> str:
    """The content type without parameters, lower case; empty when there is none. Raises 415 for another charset."""
    given = request.headers.getlist("content-type")
    if len(given) > 1:
        raise Problem(BAD_REQUEST, "give one content-type")
    named, _, parameters = (given[0] if given else "").partition(";")
    charset = _CHARSET.search(parameters)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise Problem(UNSUPPORTED_MEDIA, "send UTF-8")
    return named.strip().lower()


def unsupported(*offered: str) -> Problem:
    return Problem(UNSUPPORTED_MEDIA, f"send {' or '.join(offered)}", headers={"accept": ", ".join(offered)})


async def content(request: Request) -> bytes:
    """The whole body. The edge bounds its size and time."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(UNSUPPORTED_MEDIA, "send the body as it is, without a content-encoding")
    try:
        return await request.body()
    except ClientDisconnect:
        raise Problem(BAD_REQUEST, "the body is not complete") from None


def parsed(text: bytes) -> Any:
    """JSON of a body. Raises 400 saying where it is not JSON."""
    try:
        return read_json(text)
    except EventInvalid as invalid:
        problem = invalid.problems[0]
        raise Problem(NOT_JSON, f"the body {problem.message}: send {problem.expected}") from None


async def json_body(request: Request) -> Any:
    """The body of a request with one JSON value. Raises 400, 413, 415."""
    if media_type(request) != JSON:
        raise unsupported(JSON)
    return parsed(await content(request))


async def model_of(request: Request, model: type[M], *, optional: bool = False) -> M:
    """The body as a model; with `optional`, no body at all stands for its defaults. Raises 400, 415, 422."""
    if optional and not media_type(request):
        if (await content(request)).strip():
            raise unsupported(JSON)
        value: Any = {}
    else:
        value = await json_body(request)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        errors = [_problem(each["loc"], each["type"], each["msg"]) for each in found]
        raise Problem(INVALID, "the body is not as it should be", errors=errors) from None


def _problem(location: tuple[int | str, ...], code: str, message: str) -> FieldProblem:
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
    return FieldProblem(pointer, code.upper(), message[:1].lower() + message[1:], "")
