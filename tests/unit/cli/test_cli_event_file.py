"""Event files: where an event starts, and what is said about one that cannot be read."""

from __future__ import annotations

import pytest

from streams.cli.event_file import MAX_EVENT_CHARACTERS, Document, LineProblem, documents


def read(text: str) -> list[Document | LineProblem]:
    return list(documents(text.splitlines(keepends=True)))


def shown(text: str) -> list[str]:
    return [each.shown("f.ndjson") for each in read(text) if isinstance(each, LineProblem)]


def test_one_event_a_line() -> None:
    """Each line is an event that knows its line; blank lines are nothing."""
    assert read('{"a": 1}\n\n{"a": 2}\n') == [Document(line=1, value={"a": 1}), Document(line=3, value={"a": 2})]


def test_pretty_printed_events_one_after_another() -> None:
    """What `masa schemas example` prints can be published as it is, even several of them."""
    text = '{\n  "a": [\n    1\n  ]\n}\n{\n  "a": 2\n}\n'
    assert read(text) == [Document(line=1, value={"a": [1]}), Document(line=6, value={"a": 2})]


def test_a_broken_line_spoils_one_event_only() -> None:
    """The events before and after it are read."""
    first, broken, last = read('{"a": 1}\n{"a":\n{"a": 3}\n')
    assert (first, last) == (Document(line=1, value={"a": 1}), Document(line=3, value={"a": 3}))
    assert isinstance(broken, LineProblem)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1}\n{"a": }\n', "f.ndjson:2: is not JSON (line 2, column 7): a JSON object"),
        ('{\n  "a": 1,\n  b\n}\n', "f.ndjson:1: is not JSON (line 3, column 3): a JSON object"),
    ],
)
def test_a_syntax_error_is_placed_in_the_file(text: str, line: str) -> None:
    """Line and column are the file's, also inside a pretty-printed event."""
    assert shown(text) == [line]


def test_an_array_of_events_is_told_how_to_be_written() -> None:
    """The usual mistake has an answer."""
    (line,) = shown('[{"a": 1}]\n')
    assert "one event a line" in line


def test_a_repeated_key_is_refused() -> None:
    """Two readers would disagree which value counts."""
    assert len(shown('{"a": 1, "a": 2}\n')) == 1


def test_endless_nesting_is_refused_not_followed() -> None:
    """A hostile file is an answer, not a crash."""
    assert len(shown("[" * 100_000 + "\n")) == 1


def test_a_line_that_cannot_be_one_event_is_refused_by_length() -> None:
    """Nobody waits for the parse of a file that has lost its line ends."""
    (line,) = shown('{"a": "' + "x" * MAX_EVENT_CHARACTERS + '"}\n')
    assert "longer than" in line


def test_bytes_that_are_not_utf8_are_named() -> None:
    """They reach the check as surrogates and never get into an event."""
    text = b'{"a": "\xff"}\n'.decode("utf-8", "surrogateescape")
    (found,) = read(text)
    assert isinstance(found, (LineProblem, Document))
    if isinstance(found, Document):
        with pytest.raises(UnicodeEncodeError):
            str(found.value["a"]).encode()
