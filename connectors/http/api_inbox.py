"""Receiving: claim deliveries under a lease, look at one, say what was done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.http import answers
from connectors.http.api_events import ID, no_such
from connectors.http.asked import AcknowledgeAsked, PollAsked
from connectors.http.auth import CurrentCaller, require_scope
from connectors.http.bodies import JSON, Body, model_of
from connectors.http.door import door_of
from connectors.http.openapi import WRITING, problems, reference, takes
from connectors.http.problems import CONFLICT, GONE, Problem
from connectors.http.shapes import AcknowledgedAnswer, DeliveriesAnswer, DeliveryAnswer, RemovedAnswer
from connectors.http.taken_back import TakenBack
from connectors.http.values import AckOutcome, Conflict, NoteCode, NotFound

MOST_AT_ONCE = 100
LONGEST_LEASE_SECONDS = 3600
SHORTEST_LEASE_SECONDS = 5
_WHY = {
    "ACKNOWLEDGED": "the delivery was acknowledged before, with another outcome or by somebody else",
    "LEASED": "somebody else of your agency is working on the delivery",
    "TAKEN_BACK": "the delivery was taken back: remove what you hold of it, and confirm that",
    "LEASE_LOST": "your lease has run out and somebody else has claimed the delivery since",
}


class PollBody(Body):
    """How much to claim, and for how long."""

    limit: int = Field(default=10, ge=1, le=MOST_AT_ONCE)
    lease_seconds: int = Field(default=60, ge=SHORTEST_LEASE_SECONDS, le=LONGEST_LEASE_SECONDS)


class AcknowledgeBody(Body):
    """What was done (D-02). `lease` is what the poll gave; a person who reads in a browser has none."""

    outcome: AckOutcome
    lease: str | None = Field(default=None, min_length=1, max_length=100, pattern="^[!-~]+$")
    note: NoteCode | None = None


BODIES = (PollBody, AcknowledgeBody)
DeliveryId = Annotated[str, Path(description="`deliveryId` of a delivery")]


def inbox_router() -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["receive"])
    router.post(
        "/inbox/poll",
        response_model=DeliveriesAnswer,
        responses=problems(403, *WRITING, beside={204: {"description": "Nothing waits"}}),
        openapi_extra=takes({JSON: reference(PollBody)}, required=False),
    )(poll)
    router.get("/deliveries/{delivery_id}", response_model=DeliveryAnswer, responses=problems(403, 404, 410))(
        open_delivery
    )
    router.post(
        "/deliveries/{delivery_id}/acknowledge",
        response_model=AcknowledgedAnswer,
        responses=problems(403, 404, 409, *WRITING),
        openapi_extra=takes({JSON: reference(AcknowledgeBody)}),
    )(acknowledge)
    router.post("/deliveries/{delivery_id}/removed", response_model=RemovedAnswer, responses=problems(403, 404))(
        removed
    )
    return router


async def poll(request: Request, caller: CurrentCaller) -> Response:
    """Claim deliveries, urgent ones first. Nobody else of your agency gets them until the lease runs out.

    Acknowledge each; one that is not acknowledged in time is offered again. 204 when there is none.
    """
    require_scope(request, caller, "inbox")
    body, door = await model_of(request, PollBody, optional=True), door_of(request)
    found = await door.poll(PollAsked(caller, body.limit, body.lease_seconds))
    if not found:
        return Response(status_code=204)
    return JSONResponse({"deliveries": [answers.delivery(each) for each in found]})


async def open_delivery(request: Request, delivery_id: DeliveryId, caller: CurrentCaller) -> Response:
    """Look at one delivery. Recorded by person every time (P-11); the first time also as picked up."""
    require_scope(request, caller, "inbox")
    door = door_of(request)
    found = await door.ask(door.doors.open, caller, _known(delivery_id))
    if found is None:
        raise no_such("delivery")
    if isinstance(found, TakenBack):
        raise _gone(found)
    return JSONResponse(answers.delivery(found))


async def acknowledge(request: Request, delivery_id: DeliveryId, caller: CurrentCaller) -> Response:
    """Say what was done. The first answer stands; the same answer again is no error."""
    require_scope(request, caller, "inbox")
    body, door = await model_of(request, AcknowledgeBody), door_of(request)
    target = _known(delivery_id)
    answer = await door.acknowledge(AcknowledgeAsked(caller, target, body.outcome, body.lease, body.note))
    if isinstance(answer, NotFound):
        raise no_such("delivery")
    if isinstance(answer, Conflict):
        raise _conflict(answer)
    return JSONResponse(answers.acknowledged(answer))


async def removed(request: Request, delivery_id: DeliveryId, caller: CurrentCaller) -> Response:
    """Confirm that what was taken back is out of your records (P-13). Again is no error.

    By the id of the delivery that was taken back, or of the `control.retraction` or `control.correction` about it.
    """
    require_scope(request, caller, "inbox")
    door = door_of(request)
    answer = await door.ask(door.doors.removed, caller, _known(delivery_id))
    if isinstance(answer, NotFound):
        raise no_such("delivery to remove")
    return JSONResponse(answers.removed(answer))


def _gone(found: TakenBack) -> Problem:
    more = answers.taken_back(found)
    ask = "remove what you hold of it, and confirm that" if found.removal_asked else "ring to ask about it"
    return Problem(GONE, f"the delivery was taken back and is shown to nobody: {ask}", more=more)


def _conflict(conflict: Conflict) -> Problem:
    more = {"why": conflict.why, "outcome": conflict.outcome, "at": answers.at(conflict.at)}
    return Problem(CONFLICT, _WHY[conflict.why], more={name: value for name, value in more.items() if value})


def _known(delivery_id: str) -> str:
    """An id that can be one; anything else is not there. Keeps odd characters from the database."""
    if not ID.fullmatch(delivery_id):
        raise no_such("delivery")
    return delivery_id
