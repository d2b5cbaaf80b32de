"""Errors as RFC 9457 problem details. Every answer of the API with a status of 400 or more is one.

A problem says what is wrong and what would be right; it never repeats a value of the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.responses import JSONResponse

from connectors.http.values import FieldProblem, Refused

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:masa:problem:"


class Kind(NamedTuple):
    """A kind of problem: the last part of its `type`, its status and its title."""

    name: str
    status: int
    title: str


BAD_REQUEST = Kind("bad-request", 400, "The request cannot be understood")
NOT_JSON = Kind("not-json", 400, "The body is not JSON")
UNAUTHENTICATED = Kind("unauthenticated", 401, "A valid access token is needed")
FORBIDDEN = Kind("forbidden", 403, "Not permitted")
NOT_FOUND = Kind("not-found", 404, "There is no such thing for you here")
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "That method is not offered here")
NOT_ACCEPTABLE = Kind("not-acceptable", 406, "Only JSON is offered here")
TOO_SLOW = Kind("too-slow", 408, "The body did not arrive in time")
CONFLICT = Kind("conflict", 409, "In conflict with what was done before")
GONE = Kind("gone", 410, "It was taken back")
TOO_LARGE = Kind("too-large", 413, "Too large")
UNSUPPORTED_MEDIA = Kind("unsupported-media-type", 415, "That content type is not read here")
INVALID = Kind("invalid", 422, "The content breaks the contract")
TOO_MANY = Kind("too-many-requests", 429, "Too many requests")
FAULT = Kind("fault", 500, "A fault of the gateway")
UNAVAILABLE = Kind("unavailable", 503, "Not available at the moment")

KINDS: tuple[Kind, ...] = tuple(each for each in globals().values() if isinstance(each, Kind))
RETRY_SECONDS = 2  # after which a caller may try again when the exchange behind is away

_OF_REFUSAL: Mapping[str, Kind] = {
    "NOT_PERMITTED": FORBIDDEN,
    "INVALID": INVALID,
    "KEY_REUSED": CONFLICT,
    "TOO_LARGE": TOO_LARGE,
}


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """An answer that is not the one hoped for. Raised anywhere below the app, rendered by `response`."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Iterable[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def document(self) -> dict[str, Any]:
        """The problem's JSON, with extension members `errors` and whatever `more` has."""
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind.name,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [_error(each) for each in self.errors]
        return body | self.more

    def response(self) -> JSONResponse:
        return JSONResponse(
            self.document(), status_code=self.kind.status, headers=self.headers, media_type=PROBLEM_JSON
        )


def _error(problem: FieldProblem) -> dict[str, str]:
    """As in RFC 9457's example: the pointer in its URI fragment form."""
    return {"detail": problem.detail, "pointer": "#" + problem.pointer, "code": problem.code}


def refusal(refused: Refused, *, below: str = "") -> Problem:
    """What the exchange refused, as a problem. `below` is where in the request's body the document was."""
    errors = [each._replace(pointer=below + each.pointer) for each in refused.problems]
    return Problem(_OF_REFUSAL[refused.why], refused.message, errors=errors)


def unavailable(what: str, seconds: int = RETRY_SECONDS) -> Problem:
    return Problem(UNAVAILABLE, what, headers={"retry-after": str(seconds)})


def too_many(what: str, wait_seconds: float) -> Problem:
    return Problem(TOO_MANY, what, headers={"retry-after": str(max(1, int(wait_seconds + 0.999)))})


def of_status(status: int, detail: str | None = None) -> Problem:
    """The problem for a status that the framework decided on."""
    kind = next((each for each in KINDS if each.status == status), None)
    if kind is None:
        phrase = HTTPStatus(status).phrase
        kind = Kind(phrase.lower().replace(" ", "-"), status, phrase)
    return Problem(kind, detail or kind.title)
