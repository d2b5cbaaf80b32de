"""The inbox: what waits, one message, and the answer to it. No search and no list of children (P-10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.http.pages import showing
from connectors.http.pages.answers import first
from connectors.http.pages.asking import Answer, Ask, Go, Show, not_found
from connectors.http.pages.symbol_list import CATEGORIES
from connectors.http.pages.times import due_words, instant_words, near_words
from connectors.http.pages.wording import ANSWERS, NOTES, NOTES_FOR, Choice, sentence, symbol_words
from connectors.http.taken_back import Removed, TakenBack, TakenBackHow
from connectors.http.values import (
    ACK_OUTCOMES,
    NOTE_CODES,
    Acknowledged,
    AckOutcome,
    AlreadyAcknowledged,
    Delivery,
    NoteCode,
    NotFound,
    Summary,
)

LONGEST_ID = 100
_ORDER = {"IMMEDIATE": 0, "UNKNOWN": 0, "URGENT": 1, "ROUTINE": 2, "INFORMATION": 3}
_GROUPS = (
    ("IMMEDIATE", "Immediate", "Ring as well. Do not rely on this page alone."),
    ("URGENT", "Urgent", ""),
    ("ROUTINE", "Routine", ""),
    ("INFORMATION", "For information", ""),
)


_TAKEN_BACK: Mapping[TakenBackHow, tuple[str, str]] = {
    "RECALLED": ("It was taken back.", "Whoever sent it says that it should not have been sent as it was."),
    "CORRECTED": ("It was wrong and has been corrected.", "A message about what was wrong is in your inbox."),
    "FROZEN": ("It is frozen.", "It may have gone to somebody who should not have it. That is being looked into."),
    "QUARANTINED": ("It is held apart.", "It must not be used any more. Nothing else can be said here."),
}


class Line(NamedTuple):
    """One message of the list."""

    summary: Summary
    due: str
    came: str
    sooner: bool  # overdue


def show_list(ask: Ask) -> Answer:
    """Everything that waits for this person's roles, the most urgent first."""
    waiting = sorted(ask.doors.inbox(ask.caller), key=_urgency)
    lines = [
        Line(each, due_words(each.ack_by, ask.now), near_words(each.available_at, ask.now), each.overdue)
        for each in waiting
    ]
    groups = [
        (name, title, hint, [line for line in lines if _group(line.summary) == name]) for name, title, hint in _GROUPS
    ]
    count = len(lines)
    title = "Nothing is waiting" if not count else f"{count} {'message waits' if count == 1 else 'messages wait'}"
    return Show("inbox.html", title, {"groups": [each for each in groups if each[3]], "count": count})


def open_one(ask: Ask) -> Answer:
    """One message. The opening is recorded by person, every time (P-11)."""
    return _shown(ask, _opened(ask))


def removed(ask: Ask) -> Answer:
    """Confirm that what was taken back is out of the organisation's records (P-13)."""
    done = ask.doors.removed(ask.caller, ask.path["delivery_id"]) if _sized(ask) else None
    return Go("/inbox", "removed") if isinstance(done, Removed) else not_found()


def answer(ask: Ask) -> Answer:
    """Record what was done with a message (D-02). Two of the answers ask one thing more first."""
    chosen = first(ask.form, "outcome")
    outcome = next((each for each in ACK_OUTCOMES if each == chosen), None)
    if outcome is None or chosen not in ANSWERS:
        return _shown(ask, _opened(ask), [("outcome", "Select what you did with this message")])
    note = next((each for each in NOTE_CODES if each == first(ask.form, "note")), None)
    if note is None and outcome in NOTES_FOR and not first(ask.form, "asked"):
        return _note(ask, outcome, [])
    if note is None and outcome in NOTES_FOR and first(ask.form, "note") != "none":
        return _note(ask, outcome, [("note", "Select one of the answers")])
    return _acknowledged(ask, outcome, note)


def _acknowledged(ask: Ask, outcome: AckOutcome, note: NoteCode | None) -> Answer:
    done = ask.doors.acknowledge(ask.caller, ask.path["delivery_id"], outcome, lease=None, note_code=note)
    match done:
        case Acknowledged():
            return Go("/inbox", f"answered.{outcome}")
        case AlreadyAcknowledged():
            return Go("/inbox", "answered.before")
        case NotFound():
            return not_found()
    if done.why == "TAKEN_BACK":
        return _shown(ask, _opened(ask))
    given = ANSWERS[done.outcome].label if done.outcome else ""
    values = {"given": given, "at": instant_words(done.at) if done.at else "", "why": done.why}
    return Show("answered-already.html", "Somebody else has dealt with this", values, 409)


def _opened(ask: Ask) -> Delivery | TakenBack | None:
    return ask.doors.open(ask.caller, ask.path["delivery_id"]) if _sized(ask) else None


def _sized(ask: Ask) -> bool:
    return len(ask.path["delivery_id"]) <= LONGEST_ID


def _shown(ask: Ask, found: Delivery | TakenBack | None, wrong: Sequence[tuple[str, str]] = ()) -> Answer:
    if found is None:
        return not_found()
    return _taken_back(found) if isinstance(found, TakenBack) else _delivery(ask, found, wrong)


def _taken_back(gone: TakenBack) -> Answer:
    """What happened and whom to ring; nothing of the content, and no ground: it may be one that nobody may know."""
    what, why = _TAKEN_BACK[gone.how]
    values = {
        "gone": gone,
        "what": what,
        "why": why,
        "at": instant_words(gone.at),
        "opened": instant_words(gone.opened_at) if gone.opened_at else "",
        "remove_by": instant_words(gone.remove_by) if gone.remove_by else "",
        "removed": instant_words(gone.removed_at) if gone.removed_at else "",
    }
    return Show("taken-back.html", "This message cannot be opened any more", values, 410)


def _note(ask: Ask, outcome: AckOutcome, wrong: Sequence[tuple[str, str]]) -> Answer:
    """The second page of `not our child` and `ask more`; the message itself is not shown again."""
    choices = [NOTES[code] for code in NOTES_FOR[outcome]]
    choices.append(Choice("none", "None of these" if outcome == "NOT_OUR_CHILD" else "Either is fine"))
    title = "Not our child" if outcome == "NOT_OUR_CHILD" else "What do you need?"
    values: dict[str, Any] = {
        "delivery_id": ask.path["delivery_id"],
        "outcome": outcome,
        "choices": choices,
        "wrong": list(wrong),
        "contacts": ask.profile.contacts,
    }
    return Show("note.html", title, values, 422 if wrong else 200)


def _delivery(ask: Ask, found: Delivery, wrong: Sequence[tuple[str, str]] = ()) -> Answer:
    values: dict[str, Any] = {
        "delivery": found,
        "parts": showing.parts(found, ask.now, ask.known),
        "child": showing.child_words(found, ask.now),
        "due": due_words(found.ack_by, ask.now),
        "overdue": found.ack_by is not None and found.ack_by < ask.now and found.acknowledged is None,
        "came": instant_words(found.available_at),
        "opened_at": instant_words(ask.now),
        "urgency": symbol_words("Urgency", found.urgency),
        "withheld": showing.withheld(found),
        "also_told": sorted({sentence(CATEGORIES.get(each, each)) for each in found.also_told}),
        "problem": sentence(found.problem or ""),
        "answers": tuple(ANSWERS.values()),
        "answered": ANSWERS[found.acknowledged].label if found.acknowledged else "",
        "answered_at": instant_words(found.acknowledged_at) if found.acknowledged_at else "",
        "wrong": list(wrong),
    }
    return Show("delivery.html", found.title, values, 422 if wrong else 200)


def _group(summary: Summary) -> str:
    return summary.urgency if summary.urgency in _ORDER and summary.urgency != "UNKNOWN" else "IMMEDIATE"


def _urgency(summary: Summary) -> tuple[int, float, int]:
    due = summary.ack_by if summary.ack_by is not None else float("inf")
    return _ORDER.get(summary.urgency, 0), due, summary.available_at
