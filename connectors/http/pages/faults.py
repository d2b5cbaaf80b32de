"""What the exchange found wrong with a document, in the words of the form."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.http.pages.answers import Wrong, missing_words, subject
from connectors.http.pages.questions import questions
from connectors.http.values import FieldProblem
from schemas.registry import EventType


def told(event_type: EventType, problems: Iterable[FieldProblem]) -> tuple[Wrong, ...]:
    """The exchange's problems with a document, at the questions they are about; each said once."""
    asked = questions(event_type)
    found: dict[Wrong, None] = {}
    for problem in problems:
        path = _path_of(problem.pointer)
        if path == "envelope.recordedAt":  # the page fills it with the present
            found[Wrong("envelope.occurredAt", "When it happened must not be in the future")] = None
        elif path not in asked:
            where = f" ({path})" if path else ""
            found[Wrong("", f"This message {problem.message}{where}. It needs {problem.expected}.")] = None
        elif problem.code == "REQUIRED_FIELD":
            found[Wrong(path, missing_words(asked[path]))] = None
        else:
            found[Wrong(path, f"{subject(asked[path])} must be {problem.expected}")] = None
    return tuple(found)


def _path_of(pointer: str) -> str:
    """A JSON pointer as a dotted path."""
    path = ""
    for part in pointer.split("/")[1:]:
        plain = part.replace("~1", "/").replace("~0", "~")
        path += f"[{plain}]" if plain.isdigit() else f".{plain}"
    return path.removeprefix(".")
