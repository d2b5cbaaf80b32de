"""What the gateway fills in of an event that a small agency sends, and how it knows the same request again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from connectors.http.values import FieldProblem
from schemas import errors
from schemas.dates import iso_instant
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType
from streams.gateway.publishers import Publisher

_INDEX = re.compile(r"\[(\d+)\]")
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
PRINTABLE = re.compile(r"[\x20-\x7e]{1,300}", re.ASCII)


def completed(
    document: Mapping[str, Any], kind: EventType | None, publisher: Publisher, *, event_id: str, at: int
) -> dict[str, Any]:
    """The document with an id, times and the publisher's own particulars where it has none. Nothing is overwritten.

    Equal arguments give an equal document, so that a request sent again becomes the very same event.
    """
    envelope = document.get("envelope")
    if not isinstance(envelope, Mapping):
        return dict(document)
    scheme, code = publisher.identifiers[0] if publisher.identifiers else (None, None)
    published = envelope.get("publishedAt") or iso_instant(at)
    filled = {
        "eventId": event_id,
        "masaId": publisher.area,
        "sourceOrg": {"category": publisher.category, "scheme": scheme, "id": code},
        "publishedAt": published,
        "recordedAt": published,
        "sequence": 1,
    }
    if kind is not None:
        filled["schemaVersion"] = kind.version
    missing = {name: value for name, value in filled.items() if envelope.get(name) is None}
    return {**document, "envelope": {**envelope, **missing}}


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


def pointer(path: str) -> str:
    """A dotted path as a JSON pointer (RFC 6901): `envelope.concerns[0]` as `/envelope/concerns/0`."""
    if not path:
        return ""
    return "/" + _INDEX.sub(r".\1", path).replace("~", "~0").replace("/", "~1").replace(".", "/")


def pointed(problem: errors.FieldProblem) -> FieldProblem:
    """A problem of the contract as the door tells it."""
    return FieldProblem(pointer(problem.path), problem.code.value, problem.message, problem.expected)
