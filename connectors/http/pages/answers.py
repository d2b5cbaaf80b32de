"""What a person typed, question by question; and what is wrong with it, in the form's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from connectors.http.pages.questions import Question
from connectors.http.pages.times import from_local, iso_of

Form = Mapping[str, Sequence[str]]
OTHER = "other"  # of a list of known councils: the code stands in a field of its own
DAY_PARTS = ("day", "month", "year")
_CAPITALS = frozenset({"upn", "ods", "gss", "postcode", "setting-urn"})
_UNSPACED = frozenset({"nhs-number", "upn", "urn", "ods", "gss", "laestab", "uprn", "setting-urn", "uuid"})
_TIME = re.compile(r"([01]?[0-9]|2[0-3])[:.]?([0-5][0-9])")


class Wrong(NamedTuple):
    """One thing to put right. `path` is a question's, empty when no question is at fault."""

    path: str
    text: str


def first(form: Form, name: str) -> str:
    """A field's answer without surrounding space; empty when there is none."""
    given = form.get(name) or ("",)
    return given[0].replace("\r\n", "\n").strip()


def answer_to(question: Question, form: Form, wrong: list[Wrong]) -> Any:
    """The value of a question in JSON form, None when it was left open."""
    match question.control:
        case "day" | "instant":
            return time_of(question, form, wrong)
        case "boxes":
            chosen = [each for each in form.get(question.path, ()) if each]
            return _known(question, chosen, wrong) or _open(question, wrong)
        case "lines":
            lines = [line.strip() for line in first(form, question.path).split("\n") if line.strip()]
            return lines or _open(question, wrong)
    text = first(form, question.path)
    if question.fmt == "gss" and text == OTHER:
        text = first(form, f"{question.path}-{OTHER}")
    if not text:
        return _open(question, wrong)
    if question.choices:
        if not _known(question, [text], wrong):
            return None
        return text == "yes" if question.boolean else text
    if question.control == "whole":
        if not re.fullmatch(r"[0-9]{1,9}", text):
            wrong.append(Wrong(question.path, f"{subject(question)} must be a whole number, such as 3"))
            return None
        return int(text)
    return _tidy(question, text, wrong)


def _tidy(question: Question, text: str, wrong: list[Wrong]) -> str | None:
    if question.fmt in _UNSPACED:
        text = re.sub(r"[\s-]", "", text) if question.fmt != "uuid" else text.strip().lower()
    if question.fmt in _CAPITALS:
        text = text.upper()
    if question.longest is not None and len(text) > question.longest:
        wrong.append(Wrong(question.path, f"{subject(question)} must be {question.longest} characters or fewer"))
        return None
    return text


def _known(question: Question, chosen: list[str], wrong: list[Wrong]) -> list[str]:
    """The chosen symbols if all of them are offered."""
    offered = {each.value for each in question.choices}
    if not offered.issuperset(chosen):
        wrong.append(Wrong(question.path, f"Choose {subject(question, lower=True)} from the list"))
        return []
    return chosen


def _open(question: Question, wrong: list[Wrong]) -> Any:
    """None: the question was left open, which may be wrong."""
    if question.required:
        wrong.append(Wrong(question.path, missing_words(question)))
    return None


def missing_words(question: Question) -> str:
    """What to say of a required question that was left open."""
    if question.label.endswith("?"):
        return f"Answer “{question.label}”"
    verb = "Select" if question.choices else "Enter"
    return f"{verb} {subject(question, lower=True)}"


def subject(question: Question, *, lower: bool = False) -> str:
    if question.label.endswith("?"):
        return f"{'the' if lower else 'The'} answer to “{question.label}”"
    label = question.label
    return label[:1].lower() + label[1:] if lower and not label[:2].isupper() else label


def day_of(question: Question, form: Form, wrong: list[Wrong]) -> date | None:
    """The day of a question with three boxes."""
    text = time_of(question, form, wrong)
    return date.fromisoformat(text) if text else None


def time_of(question: Question, form: Form, wrong: list[Wrong]) -> str | None:
    parts = [first(form, f"{question.path}-{part}") for part in DAY_PARTS]
    clock = first(form, f"{question.path}-time") if question.control == "instant" else ""
    if not any((*parts, clock)):
        _open(question, wrong)
        return None
    day = _day(question, parts, wrong)
    if day is None or question.control == "day":
        return day.isoformat() if day else None
    found = _TIME.fullmatch(clock)
    if not found:
        wrong.append(Wrong(question.path, f"{subject(question)} needs a time such as 14:30. Roughly is fine."))
        return None
    return iso_of(from_local(day, int(found[1]), int(found[2])))


def _day(question: Question, parts: Sequence[str], wrong: list[Wrong]) -> date | None:
    lacking = [name for name, part in zip(DAY_PARTS, parts, strict=True) if not part]
    if lacking:
        wrong.append(Wrong(question.path, f"{subject(question)} must include a {' and a '.join(lacking)}"))
        return None
    try:
        if not all(part.isascii() and part.isdigit() for part in parts) or len(parts[2]) != 4:
            raise ValueError  # noqa: TRY301 - one message for whatever is no day
        return date(int(parts[2]), int(parts[1]), int(parts[0]))
    except ValueError:
        wrong.append(Wrong(question.path, f"{subject(question)} must be a real date, such as 27 3 2026"))
        return None
