"""What the gateway fills in of an event that a small agency sends, and how it knows the same request again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from connectors.client.filling import Identity, filled, pointer
from connectors.http.values import FieldProblem
from schemas import errors
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType
from streams.gateway.publishers import Publisher

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
PRINTABLE = re.compile(r"[\x20-\x7e]{1,300}", re.ASCII)


def completed(
    document: Mapping[str, Any], kind: EventType | None, publisher: Publisher, *, event_id: str, at: int
) -> dict[str, Any]:
    """The document with an id, times and the publisher's own particulars where it has none. Nothing is overwritten.

    Equal arguments give an equal document, so that a request sent again becomes the very same event.
    """
    scheme, code = publisher.identifiers[0] if publisher.identifiers else (None, None)
    identity = Identity(publisher.id, publisher.area, publisher.category, scheme, code)
    return filled(document, kind, identity, event_id=event_id, at=at)


def given_event_id(document: Mapping[str, Any]) -> str | None:
    """The event id that the publisher chose, in lower case as ids are compared; None when it left that to us."""
    envelope = document.get("envelope")
    found = envelope.get("eventId") if isinstance(envelope, Mapping) else None
    return found if isinstance(found, str) else None


def digest(pseudonymiser: Pseudonymiser, document: Mapping[str, Any]) -> bytes:
    """Names the request without revealing it; the order of keys does not matter. One nested too deeply for an event is
    like any other such."""
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    except RecursionError:
        text = "nested too deeply"
    return pseudonymiser.digest(b"request:" + text.encode())


def pointed(problem: errors.FieldProblem) -> FieldProblem:
    """A problem of the contract as the door tells it."""
    return FieldProblem(pointer(problem.path), problem.code.value, problem.message, problem.expected)
