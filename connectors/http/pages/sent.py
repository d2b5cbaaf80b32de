"""What became of a message that was sent: by recipient, as far as the sender may know (D-11, P-12)."""

from __future__ import annotations

import re
from typing import NamedTuple

from connectors.http.pages.answers import first
from connectors.http.pages.asking import Answer, Ask, Go, Show, not_found
from connectors.http.pages.symbol_list import CATEGORIES
from connectors.http.pages.times import due_words, instant_words
from connectors.http.pages.wording import ANSWERS, NOTES, sentence
from connectors.http.values import EventOutcome, RecipientOutcome
from schemas.registry import load_event_types

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ORDER = {"DELIVERED": 0, "HELD": 1, "WITHHELD": 2, "DENIED": 3}


def outcome(ask: Ask) -> Answer:
    """What became of a message that this organisation sent: by recipient, outcome codes only (D-11, P-12)."""
    event_id = ask.path["event_id"]
    found = ask.doors.outcome(ask.caller, event_id) if _UUID.fullmatch(event_id) else None
    if found is None:
        return not_found()
    known = load_event_types().get(found.event_type or "")
    values = {
        "outcome": found,
        "heading": "What became of your message",
        "message": known.title if known else "Message",
        "sent": instant_words(found.accepted_at) if found.accepted_at else "",
        "recipients": [_told_of(each, ask.now) for each in _by_outcome(found)],
        "pending": found.disposition == "PENDING",
    }
    return Show("outcome.html", "What became of your message", values)


def look_up(ask: Ask) -> Answer:
    """Go to a message of this organisation's own by its reference."""
    wanted = first(ask.form, "reference").lower()
    if _UUID.fullmatch(wanted):
        return Go(f"/sent/{wanted}")
    wrong = [("reference", "Enter the reference of a message that you sent: 36 characters with hyphens")]
    return Show("look-up.html", "What became of a message", {"wrong": wrong, "given": wanted}, 422)


def ask_reference(ask: Ask) -> Answer:
    return Show("look-up.html", "What became of a message", {"wrong": [], "given": ""})


def _by_outcome(found: EventOutcome) -> list[RecipientOutcome]:
    return sorted(found.recipients, key=lambda each: (_ORDER.get(each.outcome, 9), each.name or each.category or ""))


class Told(NamedTuple):
    """A recipient of a message that was sent."""

    name: str
    verdict: str
    state: str
    sentences: tuple[str, ...]
    note: str
    outcome: str


_STATES = {"SENT": "Delivered, not opened yet", "PICKED_UP": "Opened, no answer yet"}
_WAS = {
    "DELIVERED": "Told",
    "HELD": "Waits for a person to decide",
    "WITHHELD": "Not told: you decided so",
    "DENIED": "Not told",
}


def _told_of(each: RecipientOutcome, now: int) -> Told:
    name = each.name or sentence(CATEGORIES.get(each.category or "", "somebody that the exchange may not name"))
    answered = f"Answered: {ANSWERS[each.acknowledged].label}" if each.acknowledged else ""
    waiting = _STATES.get(each.state or "", "")
    due = f" (answer due {due_words(each.ack_by, now)})" if waiting and each.ack_by else ""
    note = NOTES[each.note].label if each.note else ""
    return Told(
        name, _WAS.get(each.outcome, each.outcome), answered or waiting + due, each.sentences, note, each.outcome
    )
