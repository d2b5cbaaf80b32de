"""The form: everything of a schema is asked or filled in, and what is typed comes out as the event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest

from connectors.http.pages.answers import Wrong
from connectors.http.pages.beginning import beginnings
from connectors.http.pages.document import Draft, document_of
from connectors.http.pages.faults import told
from connectors.http.pages.questions import FILLED, MOST_PEOPLE, PEOPLE, Question, fixed, questions, sections
from connectors.http.pages.times import local
from connectors.http.values import FieldProblem, Profile
from schemas.examples import example
from schemas.json_form import from_json, to_json
from schemas.registry import EventType, load_event_types
from schemas.validation import validate
from tests.inbox_double import NOW, id_of

ABSENCE = load_event_types()["education.absence-concern"]
DRAFT = Draft(id_of(1), "2026-11-24T15:15:00.000Z")
MISSING = "Enter sessions (half days) missed in the period"
ROLE = "Person 2: part the person plays"
TYPES = sorted(load_event_types())


def value_at(document: Mapping[str, Any], path: str) -> Any:
    here: Any = document
    for part in path.replace("[", ".").replace("]", "").split("."):
        if here is None or (isinstance(here, list) and int(part) >= len(here)):
            return None
        here = here[int(part)] if isinstance(here, list) else here.get(part)
    return here


def typed(question: Question, value: Any) -> Iterator[tuple[str, list[str]]]:
    """What a person would type to say this value."""
    if value is None:
        return
    if question.control in ("day", "instant"):
        day, _, rest = value.partition("T")
        if rest:
            at = local(round(datetime.fromisoformat(value).timestamp() * 1000))
            day = at.date().isoformat()
            yield f"{question.path}-time", [f"{at:%H:%M}"]
        for part, text in zip(("year", "month", "day"), day.split("-"), strict=True):
            yield f"{question.path}-{part}", [text]
    elif question.control == "lines":
        yield question.path, ["\r\n".join(value)]
    elif isinstance(value, list):
        yield question.path, value
    else:
        yield (
            question.path,
            [{True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)],
        )


def to_the_minute(form: Any) -> Any:
    """Instants without seconds, which no person types."""
    if isinstance(form, dict):
        return {name: to_the_minute(each) for name, each in form.items()}
    if isinstance(form, list):
        return [to_the_minute(each) for each in form]
    return form[:17] + "00.000Z" if isinstance(form, str) and form.endswith("Z") and "T" in form else form


def an_example(event_type: EventType) -> dict[str, Any]:
    form: dict[str, Any] = to_the_minute(to_json(event_type, example(event_type, now_ms=NOW, event_id=id_of(1))))
    return form


def typed_all(event_type: EventType, event: Mapping[str, Any]) -> dict[str, list[str]]:
    answers = (pair for each in questions(event_type).values() for pair in typed(each, value_at(event, each.path)))
    return dict(answers)


@pytest.mark.parametrize("name", TYPES)
def test_every_field_is_asked_or_filled_in(name: str) -> None:
    """A field that a schema gains appears in the form by itself, and each of them once."""
    event_type = load_event_types()[name]
    asked = list(questions(event_type))
    shown = [each.path for section in sections(event_type) for each in section.questions]
    expected = {path for path in event_type.paths if path not in FILLED | set(fixed(event_type)) | {PEOPLE}}
    assert {path for path in asked if not path.startswith(PEOPLE)} == expected
    assert len(shown) == len(set(shown)) == len(asked)


@pytest.mark.parametrize("name", TYPES)
def test_what_is_typed_comes_out_as_the_event(name: str) -> None:
    """Every example of the catalogue, typed in by hand, gives the same event again."""
    event_type = load_event_types()[name]
    event = an_example(event_type)
    event["envelope"]["relatedPersons"] = (event["envelope"]["relatedPersons"] or [])[:MOST_PEOPLE] or None
    read = document_of(event_type, typed_all(event_type, event), DRAFT)
    assert read.wrong == ()
    for path in questions(event_type):
        assert value_at(read.document, path) == value_at(event, path), path


def test_a_document_of_the_form_is_valid_once_the_exchange_has_filled_in_its_part() -> None:
    """Nothing beside the sender's own code and the time of sending is missing."""
    event = an_example(ABSENCE)
    document = document_of(ABSENCE, typed_all(ABSENCE, event), DRAFT).document
    filled = {name: event["envelope"][name] for name in ("schemaVersion", "masaId", "sourceOrg")}
    document["envelope"] |= {**filled, "publishedAt": "2026-11-24T15:15:00.000Z"}
    assert validate(ABSENCE, from_json(ABSENCE, document), received_at_ms=NOW) == []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"sessionsMissed": [""]}, "Enter sessions (half days) missed in the period"),
        ({"sessionsMissed": ["many"]}, "Sessions (half days) missed in the period must be a whole number, such as 3"),
        ({"envelope.addressProtection": []}, "Answer “Must it be kept secret where the child lives?”"),
        (
            {"envelope.occurredAt-time": [""]},
            "needs a time such as 14:30. Roughly is fine.",
        ),
        ({"envelope.occurredAt-day": ["31"], "envelope.occurredAt-month": ["2"]}, "must be a real date"),
        (
            {"periodStart-day": ["3"], "periodStart-month": [""], "periodStart-year": [""]},
            "must include a month and a year",
        ),
        ({"envelope.urgency": ["SOON"]}, "from the list"),
        ({"envelope.relevanceReason": ["x" * 501]}, "must be 500 characters or fewer"),
        ({"envelope.relatedPersons[1].role": ["CARER"]}, "Complete the answers about person 2, or clear them"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_form(changes: Mapping[str, list[str]], wrong: str) -> None:
    """One mistake, one message, at its question."""
    answers = {**typed_all(ABSENCE, an_example(ABSENCE)), **changes}
    (found,) = document_of(ABSENCE, answers, DRAFT).wrong
    assert wrong in found.text
    assert found.path in questions(ABSENCE)


def test_numbers_are_taken_as_people_write_them() -> None:
    """Spaces in an NHS number and small letters in a code are no mistakes."""
    answers = typed_all(ABSENCE, an_example(ABSENCE)) | {
        "envelope.child.nhsNumber": [" 999 100 2340 "],
        "envelope.settings.gpOds": ["z99001"],
    }
    envelope = document_of(ABSENCE, answers, DRAFT).document["envelope"]
    assert (envelope["child"]["nhsNumber"], envelope["settings"]["gpOds"]) == ("9991002340", "Z99001")


def test_a_council_is_chosen_from_those_known_or_given_by_its_code() -> None:
    """The code of another council counts only when another council was chosen."""
    answers = typed_all(ABSENCE, an_example(ABSENCE)) | {"envelope.area.gss-other": ["e06000001"]}
    for chosen, expected in (("E10000099", "E10000099"), ("other", "E06000001"), ("", None)):
        document = document_of(ABSENCE, answers | {"envelope.area.gss": [chosen]}, DRAFT).document
        assert value_at(document, "envelope.area.gss") == expected


def test_decisions_about_recipients_become_judgements() -> None:
    """Confirm, withhold with its ground and day of review, exclude for a conflict; no decision is none (L-02, L-03)."""
    answers = typed_all(ABSENCE, an_example(ABSENCE)) | {
        "tell:a": ["confirm"],
        "tell:b": ["withhold.DETRIMENT"],
        "tell:c": ["exclude.BIRTH_FAMILY_WORKS_THERE"],
        "tell:d": [""],
        "review-day": ["1"], "review-month": ["3"], "review-year": ["2027"],
    }  # fmt: skip
    envelope = document_of(ABSENCE, answers, DRAFT).document["envelope"]
    decided = {"decidedBy": "NAMED_DECISION_MAKER"}
    assert envelope["proposedRecipients"] == [
        {"agency": "a", "judgement": "CONFIRMED", **decided},
        {"agency": "b", "judgement": "WITHHELD", "ground": "DETRIMENT", "reviewOn": "2027-03-01", **decided},
    ]
    assert envelope["excludeRecipients"] == [{"agency": "c", "ground": "BIRTH_FAMILY_WORKS_THERE"}]


def test_answers_cannot_set_what_the_page_fills_in() -> None:
    """A field of that name in the form is not read: sender, ids and judgements are not up for grabs."""
    forged = {
        "envelope.sourceOrg.id": ["E23000099"],
        "envelope.masaId": ["eastmarch"],
        "envelope.handling.marking": ["OFFICIAL"],
        "envelope.eventId": [id_of(9)],
        "envelope.proposedRecipients": ["x"],
    }
    event = an_example(ABSENCE)
    document = document_of(ABSENCE, typed_all(ABSENCE, event) | forged, DRAFT).document
    assert document == document_of(ABSENCE, typed_all(ABSENCE, event), DRAFT).document


@pytest.mark.parametrize(
    ("pointer", "code", "expected"),
    [
        ("/envelope/child/nhsNumber", "IDENTIFIER", Wrong("envelope.child.nhsNumber", "NHS number must be right")),
        ("/sessionsMissed", "REQUIRED_FIELD", Wrong("sessionsMissed", MISSING)),
        ("/envelope/recordedAt", "TIME", Wrong("envelope.occurredAt", "When it happened must not be in the future")),
        ("/envelope/relatedPersons/1/role", "UNKNOWN_ENUM", Wrong(f"{PEOPLE}[1].role", f"{ROLE} must be right")),
        ("", "OVERSIZE", Wrong("", "This message is wrong. It needs right.")),
    ],
)  # fmt: skip
def test_what_the_exchange_finds_is_shown_at_its_question(pointer: str, code: str, expected: Wrong) -> None:
    """A JSON pointer leads to the control that a person can put right."""
    assert told(ABSENCE, [FieldProblem(pointer, code, "is wrong", "right")]) == (expected,)


def test_a_form_begins_with_what_is_known_and_guesses_nothing_that_protects() -> None:
    """The school's own code and desk are there; secrecy, certainty and what the family knows are not."""
    profile = Profile(
        "oakfield-primary", "Oakfield", "SCHOOL", "northshire", "Northshire", (("URN", "990001"),), {}, {},
        ("E10000099",), (),
    )  # fmt: skip
    given = beginnings(ABSENCE, profile)
    assert given["envelope.settings.schoolUrn"] == ["990001"]
    assert given["envelope.area.gss"] == ["E10000099"]
    careful = {"addressProtection", "matchStatus", "familyInformed", "handling.restricted", "handling.sensitiveService"}
    assert not careful & {path.removeprefix("envelope.") for path in given}
