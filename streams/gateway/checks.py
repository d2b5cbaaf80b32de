"""Is an event in JSON form fit to publish? The contract's checks and the publisher's identity, all problems at once.

The one place for it: the command line locates the problems in a file, the gateway in a request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from schemas.errors import EventInvalid, FieldProblem
from schemas.json_form import from_json
from schemas.registry import EventType, EventTypes
from schemas.validation import validate
from schemas.vocabulary import RejectReason
from streams.gateway.publishers import Publisher, Publishers

_TYPE_PATH = "envelope.eventType"
_LOOKS_LIKE_A_TYPE = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ReadyEvent:
    """A valid event and who publishes it."""

    event_type: EventType
    datum: dict[str, Any]
    publisher: Publisher

    @property
    def event_id(self) -> str:
        return str(self.datum["envelope"]["eventId"])


def check(
    value: Mapping[str, Any],
    types: EventTypes,
    publishers: Publishers,
    *,
    agency: str | None,
    received_at_ms: int,
    allow_synthetic: bool = True,
) -> ReadyEvent | tuple[FieldProblem, ...]:
    """The event ready to publish, or everything that is wrong with it.

    `agency` is who publishes; None: whom `sourceOrg` names. `allow_synthetic` accepts NHS numbers of the test range.
    """
    found = type_of(value, types)
    if isinstance(found, FieldProblem):
        return (found,)
    try:
        datum = from_json(found, dict(value))
    except EventInvalid as invalid:
        return invalid.problems
    problems = validate(found, datum, received_at_ms=received_at_ms, allow_synthetic=allow_synthetic)
    publisher = publishers.of_event(datum["envelope"]["sourceOrg"], agency)
    if isinstance(publisher, str):
        problems.append(FieldProblem("envelope.sourceOrg", RejectReason.SPOOFED_SOURCE, publisher, ""))
    elif datum["envelope"]["masaId"] != publisher.area:
        message = f"is not the publisher's area: `{publisher.area}`"
        problems.append(FieldProblem("envelope.masaId", RejectReason.SPOOFED_SOURCE, message, ""))
    if problems or isinstance(publisher, str):
        return tuple(problems)
    return ReadyEvent(event_type=found, datum=datum, publisher=publisher)


def type_of(value: Mapping[str, Any], types: EventTypes) -> EventType | FieldProblem:
    """The event type that a document names, or what is wrong with its name."""
    envelope = value.get("envelope")
    name = envelope.get("eventType") if isinstance(envelope, Mapping) else None
    if not isinstance(name, str):
        hint = "the name of an event type, see `masa schemas list`"
        return FieldProblem(_TYPE_PATH, RejectReason.REQUIRED_FIELD, "missing", hint)
    found = types.get(name)
    if found is not None:
        return found
    near = get_close_matches(name, list(types), n=1)
    hint = f"did you mean `{near[0]}`?" if near else "see `masa schemas list`"
    shown = f"no event type `{name}`" if _LOOKS_LIKE_A_TYPE.fullmatch(name) else "not the name of an event type"
    return FieldProblem(_TYPE_PATH, RejectReason.UNKNOWN_SCHEMA, shown, hint)
