"""Sending: choose what to tell, fill in, look who would get what, decide, send.

Nothing is kept between the pages: the answers travel in the form, and the event's id with them, so that sending twice
publishes once.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.http.pages import showing
from connectors.http.pages.answers import Form, Wrong, first
from connectors.http.pages.asking import Answer, Ask, Go, Show, not_found
from connectors.http.pages.beginning import beginnings
from connectors.http.pages.document import TELL, Draft, decisions, document_of
from connectors.http.pages.faults import told
from connectors.http.pages.questions import Question, Section, sections
from connectors.http.pages.times import iso_at
from connectors.http.pages.wording import sentence, symbol_words
from connectors.http.values import Candidate, NamedField, Preview, Refused
from schemas.examples import new_event_id
from schemas.registry import EventType, load_event_types
from schemas.vocabulary import HEARTBEAT, ExclusionGround, WithholdGround

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_OWN = frozenset({"csrf", "step", "draft", "recorded", "seen"})  # of the form, beside answers
# the exchange writes them
_BY_SYSTEMS = frozenset({"control.acknowledgement", "control.escalation", "control.notice", HEARTBEAT})
_ORDER = {"DELIVERED": 0, "HELD": 1, "WITHHELD": 2, "DENIED": 3}


class Asked(NamedTuple):
    """A question with what was answered."""

    question: Question
    values: tuple[str, ...]
    parts: Mapping[str, str]  # of a date: day, month, year, time
    wrong: tuple[str, ...]


def choose(ask: Ask) -> Answer:
    """What this organisation may send, by title; what belongs to earlier messages apart."""
    types = [each for each in ask.doors.event_types(ask.caller) if each.may_publish and each.name not in _BY_SYSTEMS]
    about = sorted((each for each in types if not each.name.startswith("control.")), key=lambda each: each.title)
    follow = sorted((each for each in types if each.name.startswith("control.")), key=lambda each: each.title)
    return Show("choose.html", "What do you want to share?", {"about": about, "follow": follow})


def begin(ask: Ask) -> Answer:
    """An empty form, with what the exchange knows already filled in."""
    event_type = _type(ask)
    if event_type is None:
        return not_found()
    return _form(ask, event_type, beginnings(event_type, ask.profile), ())


def go_on(ask: Ask) -> Answer:
    """A step of the form: `change` shows it again, `check` and `update` who would get what, `send` sends."""
    event_type = _type(ask)
    if event_type is None:
        return not_found()
    if first(ask.form, "step") == "change":
        return _form(ask, event_type, ask.form, ())
    read = document_of(event_type, ask.form, _draft(ask))
    if read.wrong:
        return _form(ask, event_type, ask.form, read.wrong)
    if first(ask.form, "step") == "send" and first(ask.form, "seen") == _decided(ask.form):
        return _send(ask, event_type, read.document)
    found = ask.doors.preview(ask.caller, read.document)
    if isinstance(found, Refused):
        return _refused(ask, event_type, found)
    changed = first(ask.form, "step") == "send"
    return _preview(ask, event_type, read.document, found, changed=changed)


# --- steps ---


def _send(ask: Ask, event_type: EventType, document: Mapping[str, Any]) -> Answer:
    event_id = str(document["envelope"]["eventId"])
    done = ask.doors.publish(ask.caller, document, idempotency_key=event_id)
    if isinstance(done, Refused):
        return _refused(ask, event_type, done)
    return Go(f"/sent/{done.event_id}", "sent")


def _refused(ask: Ask, event_type: EventType, refused: Refused) -> Answer:
    match refused.why:
        case "INVALID":
            wrong = told(event_type, refused.problems) or (Wrong("", sentence(refused.message)),)
            return _form(ask, event_type, ask.form, wrong)
        case "KEY_REUSED":
            values = {"event_id": _draft(ask).event_id, "type": event_type.name}
            return Show("sent-already.html", "You have sent this message already", values, 409)
        case "TOO_LARGE":
            return _form(ask, event_type, ask.form, (Wrong("", "This is too long. Shorten the free text."),))
    return Show("forbidden.html", "You may not send this", {}, 403)


def _form(ask: Ask, event_type: EventType, form: Form, wrong: Sequence[Wrong]) -> Answer:
    by_path: dict[str, list[str]] = {}
    for each in wrong:
        by_path.setdefault(each.path, []).append(each.text)
    draft = _draft(ask)
    values = {
        "type": event_type,
        "councils": ask.profile.councils,
        "sections": [(section, _asked(section, form, by_path)) for section in sections(event_type)],
        "opened": _opened(event_type, form, by_path),
        "wrong": [(_target(event_type, each.path), each.text) for each in wrong],
        "draft": draft,
        "kept": [(name, first(form, name)) for name in form if name.startswith((TELL, "review"))],
    }
    return Show("compose.html", event_type.title, values, 422 if wrong else 200)


def _preview(ask: Ask, event_type: EventType, document: Mapping[str, Any], found: Preview, *, changed: bool) -> Answer:
    chosen = decisions(ask.form)
    shown = sorted(found.candidates, key=lambda each: (_ORDER.get(each.outcome, 9), each.name))
    values = {
        "type": event_type,
        "preview": found,
        "candidates": [_candidate(each, event_type, document, chosen.get(each.agency, "")) for each in shown],
        "told": sum(each.outcome == "DELIVERED" for each in shown),
        "answers": showing.event_parts(event_type, document, ask.now, ask.known),
        "hidden": _hidden(ask.form),
        "draft": _draft(ask),
        "seen": _decided(ask.form),
        "changed": changed,
        "withholds": [(f"withhold.{each.value}", symbol_words("WithholdGround", each.value)) for each in _grounds()],
        "excludes": [(f"exclude.{each.value}", symbol_words("ExclusionGround", each.value)) for each in _conflicts()],
        "review": {part: first(ask.form, f"review-{part}") for part in ("day", "month", "year")},
    }
    return Show("preview.html", "Check who will be told", values)


# --- pieces ---


def _type(ask: Ask) -> EventType | None:
    """The event type of the address, if this organisation may publish it."""
    name = ask.path["event_type"]
    may = {each.name for each in ask.doors.event_types(ask.caller) if each.may_publish} - _BY_SYSTEMS
    return load_event_types().get(name) if name in may else None


def _draft(ask: Ask) -> Draft:
    event_id, recorded = first(ask.form, "draft"), first(ask.form, "recorded")
    return Draft(
        event_id if _UUID.fullmatch(event_id) else new_event_id(ask.now, secrets.randbits),
        recorded if _INSTANT.fullmatch(recorded) and first(ask.form, "step") != "check" else iso_at(ask.now),
    )


def _decided(form: Form) -> str:
    """The decisions about recipients as one text, to see whether they changed since they were looked at."""
    review = [first(form, f"review-{part}") for part in ("day", "month", "year")]
    return ";".join([*(f"{agency}={choice}" for agency, choice in sorted(decisions(form).items())), *review])


def _hidden(form: Form) -> list[tuple[str, str]]:
    """The answers, to be carried along; decisions have controls of their own."""
    return [
        (name, value)
        for name, values in form.items()
        for value in values
        if value.strip() and name not in _OWN and not name.startswith((TELL, "review-"))
    ]


def _asked(section: Section, form: Form, by_path: Mapping[str, list[str]]) -> list[Asked]:
    return [
        Asked(
            each,
            tuple(form.get(each.path, ())),
            {part: first(form, f"{each.path}-{part}") for part in ("day", "month", "year", "time", "other")},
            tuple(by_path.get(each.path, ())),
        )
        for each in section.questions
    ]


def _opened(event_type: EventType, form: Form, by_path: Mapping[str, list[str]]) -> frozenset[str]:
    """Folded sections that stand open: something in them was answered, or is wrong."""
    given = {name for name, values in form.items() if any(value.strip() for value in values)}
    return frozenset(
        section.id
        for section in sections(event_type)
        for each in section.questions
        if each.path in by_path or any(name == each.path or name.startswith(each.path + "-") for name in given)
        if section.folded and each.path != "envelope.contact.org"
    )


def _target(event_type: EventType, path: str) -> str:
    """Where an error's link leads: the first control of the question."""
    for section in sections(event_type):
        for each in section.questions:
            if each.path == path:
                return each.first_id
    return "form"


class Shown(NamedTuple):
    """A possible recipient as the page shows it."""

    candidate: Candidate
    gets: tuple[str, ...]
    kept: tuple[showing.Kept, ...]
    choice: str
    verdict: str


_VERDICTS = {
    "DELIVERED": "Will be told",
    "HELD": "Waits for a person to decide",
    "WITHHELD": "Not told: you decided so",
    "DENIED": "Not told",
}


def _candidate(each: Candidate, event_type: EventType, document: Mapping[str, Any], choice: str) -> Shown:
    """What it gets, and what not, of that which the sender has written."""
    given = [field for field in each.gets if _is_filled(document, field)]
    kept = [
        part._replace(fields=tuple(field for field in part.fields if _is_filled(document, field)))
        for part in each.withheld
    ]
    gets = tuple(dict.fromkeys(showing.field_name(event_type, field) for field in given))
    verdict = _VERDICTS.get(each.outcome, each.outcome)
    return Shown(each, gets, showing.kept(event_type, kept), choice, verdict)


def _is_filled(document: Mapping[str, Any], field: NamedField) -> bool:
    """Whether there is anything in a field or record; who sends is filled in by the exchange."""
    if field.path.startswith("envelope.sourceOrg"):
        return True
    here: Any = document
    for part in field.path.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here not in (None, "", [], {})


def _grounds() -> list[WithholdGround]:
    return [each for each in WithholdGround if each is not WithholdGround.UNKNOWN]


def _conflicts() -> list[ExclusionGround]:
    return [each for each in ExclusionGround if each is not ExclusionGround.UNKNOWN]
