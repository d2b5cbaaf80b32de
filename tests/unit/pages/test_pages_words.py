"""Words: labels, symbols and times as people say them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connectors.http.pages.times import age_words, due_words, from_local, instant_words, iso_of, near_words, spoken_iso
from connectors.http.pages.wording import ANSWERS, NOTES, NOTES_FOR, field_words, reading_words, symbol_words
from connectors.http.values import ACK_OUTCOMES, NOTE_CODES
from schemas.registry import load_event_types
from tests.inbox_double import DAY, HOUR, NOW


def enums(node: Any) -> dict[str, list[str]]:
    """Every enum of a schema by its name."""
    if isinstance(node, list):
        return {name: symbols for each in node for name, symbols in enums(each).items()}
    if not isinstance(node, dict):
        return {}
    found = {node["name"].rsplit(".", 1)[-1]: node["symbols"]} if node.get("type") == "enum" else {}
    return found | {name: symbols for each in node.values() for name, symbols in enums(each).items()}


@pytest.mark.parametrize("name", sorted(load_event_types()))
def test_every_symbol_has_words_of_its_own(name: str) -> None:
    """No code is shown to a person, and no two answers of a question read the same."""
    for enum, symbols in enums(load_event_types()[name].schema).items():
        words = [symbol_words(enum, symbol) for symbol in symbols]
        assert len(set(words)) == len(words), enum
        assert not [each for each in words if "_" in each or not each[0].isupper()], enum


@pytest.mark.parametrize("name", sorted(load_event_types()))
def test_every_field_has_a_short_plain_label(name: str) -> None:
    """A label is a line, without the marks of a schema; no two fields of a form share one."""
    leaves = [leaf for leaf in load_event_types()[name].leaves if "Recipients" not in leaf.path]
    labels = [field_words(leaf.path, leaf.doc).label for leaf in leaves]
    assert not [each for each in labels if len(each) > 90 or "`" in each or "_" in each or not each[0].isupper()]
    assert [each for each in labels if labels.count(each) > 1] == []
    assert not [leaf.path for leaf in leaves if "you" in reading_words(leaf.path, leaf.doc).lower().split()]


def test_every_answer_and_note_can_be_chosen() -> None:
    """The pages offer all outcomes of D-02 and every note."""
    assert set(ANSWERS) == set(ACK_OUTCOMES)
    assert set(NOTES) == set(NOTE_CODES) == {note for notes in NOTES_FOR.values() for note in notes}


@pytest.mark.parametrize(
    ("millis", "words"),
    [
        (NOW, "today at 3:15pm"),
        (NOW + DAY, "tomorrow at 3:15pm"),
        (NOW - DAY, "yesterday at 3:15pm"),
        (NOW + 3 * DAY, "Friday at 3:15pm"),
        (NOW + 20 * DAY, "Monday 14 December at 3:15pm"),
        (NOW - 15 * HOUR - 15 * 60_000, "today at midnight"),
        (NOW - 3 * HOUR - 15 * 60_000, "today at midday"),
    ],
)
def test_near_times_are_said_as_people_say_them(millis: int, words: str) -> None:
    """Today, tomorrow, a weekday within the week, else the day."""
    assert near_words(millis, NOW) == words


def test_times_are_londons_in_summer_too() -> None:
    """The same hour of UTC is an hour later on a summer's clock, typed or shown."""
    assert instant_words(NOW) == "Tuesday 24 November 2026 at 3:15pm"
    assert spoken_iso("2026-07-01T14:00:00.000Z") == "Wednesday 1 July 2026 at 3pm"
    assert iso_of(from_local(date(2026, 7, 1), 15, 0)) == "2026-07-01T14:00:00.000Z"


def test_an_answer_that_is_late_says_so() -> None:
    """Due in the future, in the past, and not at all."""
    assert due_words(NOW + HOUR, NOW) == "by today at 4:15pm"
    assert due_words(NOW - HOUR, NOW) == "was due today at 2:15pm"
    assert due_words(None, NOW) == ""


@pytest.mark.parametrize(
    ("born", "words"),
    [("2017-11-24", "9 years old"), ("2017-11-25", "8 years old"), ("2026-07-01", "4 months old"),
     ("2026-11-17", "1 week old"), ("2027-01-01", ""), ("not a day", "")],
)  # fmt: skip
def test_ages_are_said_in_the_unit_that_fits(born: str, words: str) -> None:
    """Years, months for the very young, weeks for the newborn."""
    assert age_words(born, NOW) == words
