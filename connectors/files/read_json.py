"""JSON: one object a line, or an array of objects anywhere in one document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from connectors.files.records import (
    MAX_RECORD_BYTES,
    MAX_WHOLE_FILE_BYTES,
    FileInvalid,
    Position,
    Row,
    Unreadable,
)
from connectors.files.values import SEVERAL, Wrong
from schemas.errors import EventInvalid
from schemas.json_form import read_json

_SPACE = re.compile(r"[ \t\r\n]*")
_RIGHT = "a JSON object"


class NdjsonReader:
    """One object a line, from `start` on. `unknown` is not told: a record may leave out what it has nothing for."""

    head = tail = between = b""
    unknown: tuple[str, ...] = ()

    def __init__(self, file: BinaryIO, sources: Sequence[str], *, start: Position | None = None) -> None:
        self._file, self._paths = file, [_path(source) for source in sources]
        self.position = start or Position(0, 1, 0)
        file.seek(self.position.offset)

    def records(self) -> Iterator[Row | Unreadable]:
        offset, line, number = self.position
        for raw in iter(lambda: self._file.readline(MAX_RECORD_BYTES), b""):
            text = raw.removeprefix(b"\xef\xbb\xbf") if line == 1 else raw
            offset += len(raw)
            number += bool(text.strip())
            self.position = Position(offset, line + 1, number)
            if text.strip():
                yield _row(number, line, raw, text, self._paths)
            line += 1


class JsonReader:
    """An array of objects: the document itself, or at a dotted path in it. Read as a whole."""

    unknown: tuple[str, ...] = ()
    between = b",\n"

    def __init__(
        self, file: BinaryIO, sources: Sequence[str], *, records: str | None, start: Position | None = None
    ) -> None:
        data = file.read(MAX_WHOLE_FILE_BYTES + 1)
        if len(data) > MAX_WHOLE_FILE_BYTES:
            raise FileInvalid("is too large", f"at most {MAX_WHOLE_FILE_BYTES >> 20} MB, or one object a line (ndjson)")
        try:
            self._text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise FileInvalid("is not UTF-8", "JSON in UTF-8") from None
        self._paths = [_path(source) for source in sources]
        self._first = _array_at(self._text, _path(records) if records else ())
        self.head, self.tail = self._text[: self._first].encode(), b""
        self._items = self._slices()
        self.position = start or Position(0, 1, 0)

    def records(self) -> Iterator[Row | Unreadable]:
        line, counted = 1, 0
        done = self.position.records
        for number, (begin, end, wrong) in enumerate(self._items, 1):
            if number <= done:
                continue
            line += self._text.count("\n", counted, begin)
            counted = begin
            raw = self._text[begin:end].encode()
            self.position = Position(end, line, number)
            if wrong:
                yield Unreadable(number, line, raw, wrong, "JSON to its end")
            else:
                yield _row(number, line, raw, raw, self._paths)

    def _slices(self) -> list[tuple[int, int, str]]:
        """Where each item stands; what is broken reaches to the end. Also finds what follows the array."""
        text, at = self._text, self._first
        decoder = json.JSONDecoder()
        found: list[tuple[int, int, str]] = []
        while True:
            at = _after_space(text, at)
            if text.startswith("]", at):
                self.tail = text[at:].encode()
                return found
            try:
                _, end = decoder.raw_decode(text, at)
            except (json.JSONDecodeError, RecursionError):
                end = len(text)
                return [*found, (at, end, "is not well-formed JSON")]
            found.append((at, end, ""))
            at = _after_space(text, end)
            if text.startswith(",", at):
                at += 1
            elif not text.startswith("]", at):
                return [*found, (at, len(text), "lacks a comma or the end of the array")]


def _array_at(text: str, path: tuple[str, ...]) -> int:
    """Where the array's first item would stand."""
    right = f"an array of objects at `{'.'.join(path)}`" if path else "an array of objects"
    pattern = _SPACE.match(text)
    at = pattern.end() if pattern else 0
    if path:
        try:
            document = read_json(text)
        except EventInvalid as invalid:
            raise FileInvalid(invalid.problems[0].message, "JSON") from None
        items = _value(document, path)
        if not isinstance(items, list):
            raise FileInvalid("has no such array", right)
        at = _find_array(text, path)
    if not text.startswith("[", at):
        raise FileInvalid("has no such array", right)
    return at + 1


def _find_array(text: str, path: tuple[str, ...]) -> int:
    """Offset of the array at a path of a well-formed document."""
    decoder = json.JSONDecoder()
    at = _after_space(text, 0)
    for wanted in path:
        at = _after_space(text, at + 1)  # past the brace
        while True:
            key, at = decoder.raw_decode(text, at)
            at = _after_space(text, _after_space(text, at) + 1)  # past the colon
            if key == wanted:
                break
            _, at = decoder.raw_decode(text, at)
            at = _after_space(text, _after_space(text, at) + 1)  # past the comma
    return at


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _path(source: str) -> tuple[str, ...]:
    return tuple(source.split("."))


def _row(number: int, line: int, raw: bytes, text: bytes, paths: Sequence[tuple[str, ...]]) -> Row | Unreadable:
    try:
        value = read_json(text)
    except EventInvalid as invalid:
        return Unreadable(number, line, raw, _said(invalid.problems[0].message), _RIGHT)
    if not isinstance(value, dict):
        return Unreadable(number, line, raw, "is not an object", _RIGHT)
    try:
        return Row(number, line, raw, [_text(_value(value, path)) for path in paths])
    except Wrong as wrong:
        return Unreadable(number, line, raw, wrong.message, wrong.expected)


def _said(message: str) -> str:
    """Without the line, which is counted in the record and not in the file."""
    return re.sub(r"\(line [0-9]+, column ([0-9]+)\)", r"(from character \1)", message)


def _value(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _text(value: Any) -> str:
    """A value as text, several ones set apart."""
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case list():
            return SEVERAL.join(map(_text, value))
        case dict():
            raise Wrong("has an object where a value is expected", "the path of a value in it, in the mapping")
        case _:
            return json.dumps(value)
