"""Is an event of a file fit to publish? As `streams.gateway.checks`, with every problem located in the file."""

from __future__ import annotations

from schemas.errors import FieldProblem
from schemas.registry import EventTypes
from streams.cli.event_file import Document, LineProblem
from streams.gateway.checks import ReadyEvent, check
from streams.gateway.publishers import Publishers


def check_event(
    document: Document, types: EventTypes, publishers: Publishers, *, agency: str | None, received_at_ms: int
) -> ReadyEvent | tuple[LineProblem, ...]:
    """The event ready to publish, or everything that is wrong with it."""
    found = check(document.value, types, publishers, agency=agency, received_at_ms=received_at_ms)
    return found if isinstance(found, ReadyEvent) else tuple(_located(document, problem) for problem in found)


def _located(document: Document, problem: FieldProblem) -> LineProblem:
    message = f"{problem.message}: {problem.expected}" if problem.expected else problem.message
    return LineProblem(line=document.line, path=problem.path, message=message)
