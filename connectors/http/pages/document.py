"""What a person typed into the form, as an event document in JSON form."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from connectors.http.pages.answers import Form, Wrong, answer_to, first, time_of
from connectors.http.pages.questions import Question, fixed, questions
from schemas.registry import EventType

_INDEXED = re.compile(r"^(.*)\[(\d+)\]$")
_WITHHELD, _EXCLUDED, _CONFIRMED = "withhold.", "exclude.", "confirm"
TELL = "tell:"  # prefix of the form's names that hold a decision about one recipient


class Draft(NamedTuple):
    """What the page knows beside the answers."""

    event_id: str  # made once a draft, so that sending twice publishes once
    recorded_at: str  # JSON form


class Read(NamedTuple):
    document: dict[str, Any]
    wrong: tuple[Wrong, ...]


def document_of(event_type: EventType, form: Form, draft: Draft) -> Read:
    """The event that the answers make, as far as they can be read, and everything that cannot."""
    document: dict[str, Any] = {"envelope": {"eventId": draft.event_id, "eventType": event_type.name}}
    wrong: list[Wrong] = []
    for question in questions(event_type).values():
        value = answer_to(question, form, wrong)
        if value is not None:
            _put(document, question.path, value)
    for path, only in fixed(event_type).items():
        _put(document, path, only)
    envelope = document["envelope"]
    envelope |= {"recordedAt": draft.recorded_at, "sequence": 1}
    envelope.setdefault("agencyGrade", "UNGRADED")
    envelope.setdefault("handling", {})["marking"] = "OFFICIAL_SENSITIVE"
    if people := _whole_people(envelope.pop("relatedPersons", None) or [], wrong):
        envelope["relatedPersons"] = people
    _decide(form, wrong, envelope)
    return Read(document, tuple(wrong))


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path, `[n]` for places in lists, making what is around it."""
    here: Any = document
    parts = path.split(".")
    for part in parts[:-1]:
        indexed = _INDEXED.match(part)
        if indexed:
            held: list[dict[str, Any]] = here.setdefault(indexed[1], [])
            while len(held) <= int(indexed[2]):
                held.append({})
            here = held[int(indexed[2])]
        else:
            here = here.setdefault(part, {})
    here[parts[-1]] = value


def _whole_people(people: list[dict[str, Any]], wrong: list[Wrong]) -> list[dict[str, Any]]:
    """Related persons, those left empty dropped; each needs its three words."""
    for index, each in enumerate(people):
        for name in ("role", "relationship", "contactLevel"):
            if each and name not in each:
                path = f"envelope.relatedPersons[{index}].{name}"
                wrong.append(Wrong(path, f"Complete the answers about person {index + 1}, or clear them"))
                break
    return [each for each in people if each]


# --- decisions about recipients (L-02, L-03, P-05) ---


def _decide(form: Form, wrong: list[Wrong], envelope: dict[str, Any]) -> None:
    """Write the person's judgements into the envelope."""
    proposed: list[dict[str, Any]] = []
    excluded: list[dict[str, Any]] = []
    review = review_on(form, wrong)
    for agency, choice in decisions(form).items():
        if choice == _CONFIRMED:
            proposed.append({"agency": agency, "judgement": "CONFIRMED", "decidedBy": "NAMED_DECISION_MAKER"})
        elif choice.startswith(_WITHHELD):
            judged = {"agency": agency, "judgement": "WITHHELD", "decidedBy": "NAMED_DECISION_MAKER"}
            proposed.append(judged | {"ground": choice.removeprefix(_WITHHELD), "reviewOn": review})
        elif choice.startswith(_EXCLUDED):
            excluded.append({"agency": agency, "ground": choice.removeprefix(_EXCLUDED)})
    if proposed:
        envelope["proposedRecipients"] = proposed
    if excluded:
        envelope["excludeRecipients"] = excluded


def decisions(form: Form) -> dict[str, str]:
    """Agency -> what was chosen about it, where anything was."""
    chosen = {name.removeprefix(TELL): first(form, name) for name in sorted(form) if name.startswith(TELL)}
    return {agency: choice for agency, choice in chosen.items() if choice}


def review_on(form: Form, wrong: list[Wrong]) -> str | None:
    """The day on which decisions to withhold are looked at again."""
    return time_of(Question("review", "day", "The day to look at this again", "", False), form, wrong)
