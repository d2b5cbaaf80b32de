"""Many events in one request: read each on its own, and answer for each on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.http import answers, cloudevents
from connectors.http.auth import charge
from connectors.http.bodies import JSON, content, media_type, parsed, unsupported
from connectors.http.cloudevents import Unpacked
from connectors.http.door import door_of
from connectors.http.problems import BAD_REQUEST, INVALID, PROBLEM_JSON, TOO_LARGE, Kind, Problem, refusal
from connectors.http.shapes import BatchAnswer
from connectors.http.values import Accepted, Caller, FieldProblem, Refused, Submission

__all__ = ["BatchAnswer", "batch_answer", "submissions"]

LINES = ("application/x-ndjson", "application/jsonl")
LONGEST_KEY = 200


class Asked(NamedTuple):
    """A batch: for each event what to publish, or the problem with reading it."""

    items: Sequence[Unpacked | Problem]
    keys: Sequence[str | None]

    @property
    def ready(self) -> list[Submission]:
        return [
            Submission(item.document, key)
            for item, key in zip(self.items, self.keys, strict=True)
            if isinstance(item, Unpacked)
        ]


async def submissions(request: Request, caller: Caller, *, key: str | None) -> Asked:
    """The events of the request. Raises 400, 413, 415, 429 about the whole."""
    door, kind = door_of(request), media_type(request)
    if kind not in (JSON, cloudevents.BATCHED, *LINES):
        raise unsupported(JSON, cloudevents.BATCHED, *LINES)
    body = await content(request)
    items = await door.ask(_read, body, kind, caller.agency)  # megabytes of JSON would hold up everybody else
    if not items:
        raise Problem(BAD_REQUEST, "there is no event in the batch")
    if len(items) > door.settings.max_batch_events:
        raise Problem(TOO_LARGE, f"at most {door.settings.max_batch_events} events are read at once")
    charge(door, caller, float(len(items) - 1))
    return Asked(items, [None if key is None else _nth(key, index) for index in range(len(items))])


def _nth(key: str, index: int) -> str:
    if len(key) + 6 > LONGEST_KEY:
        raise Problem(BAD_REQUEST, f"give a batch an `Idempotency-Key` of at most {LONGEST_KEY - 6} characters")
    return f"{key}/{index}"


def _read(body: bytes, kind: str, agency: str) -> list[Unpacked | Problem]:
    if kind in LINES:
        return [_item(line, agency) for line in body.split(b"\n") if line.strip()]
    value = parsed(body)
    if not isinstance(value, list):
        raise Problem(BAD_REQUEST, "the body is not a JSON array: send the events in one, or one a line")
    if kind == JSON:
        return [_plain(item, f"/{index}") for index, item in enumerate(value)]
    return [_cloud(item, agency, f"/{index}") for index, item in enumerate(value)]


def _item(line: bytes, agency: str) -> Unpacked | Problem:
    try:
        return _plain(parsed(line), "")
    except Problem as problem:
        return problem


def _plain(value: Any, below: str) -> Unpacked | Problem:
    if not isinstance(value, dict):
        return Problem(INVALID, "an event is a JSON object", errors=[FieldProblem(below, "TYPE_MISMATCH", "no", "")])
    return Unpacked(value, below)


def _cloud(value: Any, agency: str, below: str) -> Unpacked | Problem:
    try:
        return cloudevents.from_structured(value, agency, below=below)
    except Problem as problem:
        return problem


def batch_answer(asked: Asked, answered: Sequence[Accepted | Refused]) -> Response:
    """200 when anything was accepted, else 422; each event's own status and answer in `results`."""
    left = iter(answered)
    results = []
    for index, item in enumerate(asked.items):
        outcome = item if isinstance(item, Problem) else next(left)
        results.append(_result(index, item, outcome))
    accepted = sum(1 for result in results if "accepted" in result)
    counts = {"accepted": accepted, "refused": len(results) - accepted, "results": results}
    if accepted:
        return JSONResponse(counts)
    whole = Problem(Kind("batch-refused", 422, "No event of the batch was accepted"), "see `results`", more=counts)
    return JSONResponse(whole.document(), status_code=422, media_type=PROBLEM_JSON)


def _result(index: int, item: Unpacked | Problem, outcome: Accepted | Refused | Problem) -> dict[str, Any]:
    if isinstance(outcome, Accepted):
        status = 200 if outcome.repeated else 202
        return {"index": index, "status": status, "accepted": answers.accepted(outcome)}
    if isinstance(outcome, Refused):
        outcome = refusal(outcome, below=item.below if isinstance(item, Unpacked) else "")
    return {"index": index, "status": outcome.kind.status, "problem": outcome.document()}
