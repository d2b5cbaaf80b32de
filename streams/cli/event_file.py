"""Events as text: one JSON object a line, or pretty-printed ones one after another.

Pure: text in, documents and located problems out. A new event starts at each line that starts with `{`; a
line that starts with white space, `}` or `]` belongs to the event before it. So a broken line spoils one
event, not the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from schemas.errors import EventInvalid
from schemas.json_form import read_json

_GOES_ON = (" ", "\t", "}", "]")
MAX_EVENT_CHARACTERS = 1_000_000  # the exchange takes 256 KiB encoded; JSON is wordier


@dataclass(frozen=True, kw_only=True)
class LineProblem:
    """One thing wrong in the text. Shown as `file:line: path: message`."""

    line: int
    path: str
    message: str

    def shown(self, file: str) -> str:
        return f"{file}:{self.line}: {self.path + ': ' if self.path else ''}{self.message}"


@dataclass(frozen=True, kw_only=True)
class Document:
    """One event as parsed JSON and the line it starts at."""

    line: int
    value: dict[str, Any]


def documents(lines: Iterable[str]) -> Iterator[Document | LineProblem]:
    """Each event of the text in order, or what is wrong with it."""
    for line, text in _chunks(lines):
        yield _parse(line, text)


def _chunks(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    start, held = 0, list[str]()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if held and line.startswith(_GOES_ON):
            held.append(line)
            continue
        if held:
            yield start, "".join(held).rstrip()
        start, held = number, [line]
    if held:
        yield start, "".join(held).rstrip()


def _parse(line: int, text: str) -> Document | LineProblem:
    if len(text) > MAX_EVENT_CHARACTERS:
        return LineProblem(line=line, path="", message=f"longer than {MAX_EVENT_CHARACTERS} characters: not one event")
    try:
        value = read_json(text)
    except EventInvalid:
        return LineProblem(line=line, path="", message=_unreadable(line, text))
    if not isinstance(value, dict):
        message = "is not an object: write one event a line, each as a JSON object, without an array around them"
        return LineProblem(line=line, path="", message=message)
    return Document(line=line, value=value)


def _unreadable(line: int, text: str) -> str:
    """Why it cannot be read. Parsed again at its place in the file, so that the position named is the file's."""
    try:
        read_json("\n" * (line - 1) + text)
    except EventInvalid as invalid:
        return str(invalid)
    return "is not JSON"
