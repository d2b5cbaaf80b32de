"""Is a parsed event fit to publish? The contract's checks and the publisher's identity, with every problem
located."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from schemas.errors import EventInvalid, FieldProblem
from schemas.json_form import from_json
from schemas.registry import EventType, EventTypes
from schemas.validation import validate
from streams.cli.event_file import Document, LineProblem
from streams.cli.publishers import Publisher, Publishers


@dataclass(frozen=True, kw_only=True)
class ReadyEvent:
    """A valid event and who publishes it."""

    event_type: EventType
    datum: dict[str, Any]
    publisher: Publisher

    @property
    def event_id(self) -> str:
        return str(self.datum["envelope"]["eventId"])


def check_event(
    document: Document, types: EventTypes, publishers: Publishers, *, agency: str | None, received_at_ms: int
) -> ReadyEvent | tuple[LineProblem, ...]:
    """The event ready to publish, or everything that is wrong with it."""
    found = _event_type(document, types)
    if isinstance(found, LineProblem):
        return (found,)
    try:
        datum = from_json(found, document.value)
    except EventInvalid as invalid:
        return tuple(_located(document, problem) for problem in invalid.problems)
    problems = [_located(document, p) for p in validate(found, datum, received_at_ms=received_at_ms)]
    publisher = publishers.of_event(datum["envelope"]["sourceOrg"], agency)
    if isinstance(publisher, str):
        problems.append(LineProblem(line=document.line, path="envelope.sourceOrg", message=publisher))
    elif datum["envelope"]["masaId"] != publisher.area:
        message = f"is not the publisher's area: `{publisher.area}`"
        problems.append(LineProblem(line=document.line, path="envelope.masaId", message=message))
    if problems or isinstance(publisher, str):
        return tuple(problems)
    return ReadyEvent(event_type=found, datum=datum, publisher=publisher)


def _event_type(document: Document, types: EventTypes) -> EventType | LineProblem:
    envelope = document.value.get("envelope")
    name = envelope.get("eventType") if isinstance(envelope, Mapping) else None
    if not isinstance(name, str):
        message = "missing: the name of an event type, see `masa schemas list`"
        return LineProblem(line=document.line, path="envelope.eventType", message=message)
    found = types.get(name)
    if found is not None:
        return found
    near = get_close_matches(name, list(types), n=1)
    hint = f"did you mean `{near[0]}`?" if near else "see `masa schemas list`"
    return LineProblem(line=document.line, path="envelope.eventType", message=f"no event type `{name}`: {hint}")


def _located(document: Document, problem: FieldProblem) -> LineProblem:
    message = f"{problem.message}: {problem.expected}" if problem.expected else problem.message
    return LineProblem(line=document.line, path=problem.path, message=message)
