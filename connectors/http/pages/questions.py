"""The form to send with: questions for a person, made from an event type's schema.

Everything that the schema has is asked for or filled in: what the exchange or the page knows better (ids, times,
sender) is left out, what is seldom needed stands in folded sections. A new field of a schema appears by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from connectors.http.pages.wording import Choice, field_words, symbol_words
from schemas.field_classes import Leaf, NamedTypes, Schema, kind_of, without_null
from schemas.registry import EventType

Control = Literal["text", "area", "lines", "radios", "boxes", "select", "day", "instant", "whole"]
SHORT = 40  # characters: up to here a text fits one narrow line
MANY = 8  # radio buttons: beyond, a list to choose from
MOST_PEOPLE = 3  # related persons that the form has room for

# Filled in by the exchange or by the page, never asked for.
FILLED = frozenset({
    "envelope.eventId", "envelope.eventType", "envelope.schemaVersion", "envelope.masaId",
    "envelope.sourceOrg.category", "envelope.sourceOrg.scheme", "envelope.sourceOrg.id", "envelope.recordedAt",
    "envelope.publishedAt", "envelope.handling.marking", "envelope.proposedRecipients", "envelope.excludeRecipients",
    "envelope.sequence", "envelope.sourceSystem",
})  # fmt: skip
PEOPLE = "envelope.relatedPersons"

# Sections in the order of the page, each with the paths it begins with; what nobody names is the payload's.
_SECTIONS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("child", "The child", "Give what you know. Nothing here has to be complete.", (
        "envelope.child.name", "envelope.child.dateOfBirth", "envelope.child.nhsNumber", "envelope.matchStatus",
    )),
    ("settings", "Who is involved with the child", "From this the exchange finds whom to tell.", (
        "envelope.area.gss", "envelope.settings.schoolUrn", "envelope.settings.gpOds",
    )),
    ("safety", "Keeping the child safe", "", (
        "envelope.addressProtection", "envelope.familyInformed", "envelope.handling.doNotDiscloseToSubject",
        "envelope.handling.sensitiveService", "envelope.handling.restricted",
    )),
    ("why", "Why you share it", "", (
        "envelope.urgency", "envelope.assertionBasis", "envelope.purpose", "envelope.legalGateway",
        "envelope.dpRegime", "envelope.relevanceReason",
    )),
    ("contact", "Who can be rung about this", "Recipients see this first.", (
        "envelope.contact.role", "envelope.contact.phone",
    )),
)  # fmt: skip
_FOLDED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("voice", "What the child said", ("envelope.childVoice.",)),
    ("reach", "How the family can be reached safely", ("envelope.safeContact.",)),
    ("concerns", "What you are worried about", ("envelope.concerns",)),
    ("people", "Other people who matter", (PEOPLE,)),
    ("more-child", "More about the child and services", ("envelope.child.", "envelope.settings.")),
    ("more", "References and grade", ("envelope.",)),
)
# What must be stated in every event, beyond what the type requires: there is no safe guess.
_ALWAYS = frozenset({
    "envelope.occurredAt", "envelope.legalGateway", "envelope.dpRegime", "envelope.purpose", "envelope.urgency",
    "envelope.addressProtection", "envelope.matchStatus", "envelope.assertionBasis", "envelope.familyInformed",
    "envelope.handling.doNotDiscloseToSubject", "envelope.handling.sensitiveService", "envelope.handling.restricted",
})  # fmt: skip
_FIRST_CHOICES = {  # asked in another order than the schema has
    "envelope.matchStatus": ("MATCH", "POTENTIAL_MATCH", "LOW_CONFIDENCE", "MANY_MATCH", "NO_MATCH", "NOT_ATTEMPTED"),
}
_YES_NO = (Choice("yes", "Yes"), Choice("no", "No"))


class Question(NamedTuple):
    """One question. `path` names it in the form and in the document; `enum` is the name of its enum, if any."""

    path: str
    control: Control
    label: str
    hint: str
    required: bool
    choices: tuple[Choice, ...] = ()
    longest: int | None = None  # characters
    fmt: str | None = None  # masa:format
    boolean: bool = False

    @property
    def id(self) -> str:
        """The id of its control, or of its group of controls."""
        return "f-" + "".join(each if each.isalnum() else "-" for each in self.path)

    @property
    def first_id(self) -> str:
        """The id of the control that an error's link leads to."""
        if self.control in ("day", "instant"):
            return self.id + "-day"
        return self.id + "-1" if self.control in ("radios", "boxes") else self.id

    @property
    def narrow(self) -> bool:
        return self.longest is not None and self.longest <= SHORT


class Section(NamedTuple):
    id: str
    title: str
    hint: str
    questions: tuple[Question, ...]
    folded: bool


@lru_cache(maxsize=128)
def sections(event_type: EventType) -> tuple[Section, ...]:
    """The whole form of an event type, in page order."""
    asked = {each.path: each for each in _questions(event_type) if not (each.required and len(each.choices) == 1)}
    payload = [each for path, each in asked.items() if not path.startswith("envelope.")]
    needed = [each for each in payload if each.required]
    rest = [each for each in payload if not each.required]
    placed = {path for _, _, _, paths in _SECTIONS for path in paths}
    extra = [
        asked[path]
        for path in event_type.requires
        if path.startswith("envelope.") and path in asked and path not in placed
    ]
    first = [*extra, *needed, asked["envelope.occurredAt"]]
    built = [Section("what", "What happened", "", tuple(first), folded=False)]
    used = {each.path for each in (*payload, *first)}
    if rest:
        built.append(Section("what-more", "More about what happened", "", tuple(rest), folded=True))
    for name, title, hint, paths in _SECTIONS:
        found = tuple(asked[path] for path in paths if path in asked)
        used.update(paths)
        built.append(Section(name, title, hint, found, folded=False))
    for name, title, prefixes in _FOLDED:
        found = tuple(each for path, each in asked.items() if path not in used and path.startswith(prefixes))
        used.update(each.path for each in found)
        if found:
            built.append(Section(name, title, "", found, folded=True))
    return tuple(built)


def fixed(event_type: EventType) -> Mapping[str, str]:
    """What there is only one answer to, by path: stated without asking."""
    one = {each.path: each.choices for each in _questions(event_type) if each.required and len(each.choices) == 1}
    return {path: choices[0].value for path, choices in one.items()}


def questions(event_type: EventType) -> Mapping[str, Question]:
    """Every question by path, in page order."""
    return {each.path: each for section in sections(event_type) for each in section.questions}


def _questions(event_type: EventType) -> Iterator[Question]:
    names = NamedTypes()
    names.remember(event_type.schema)
    for leaf in event_type.leaves:
        if leaf.path in FILLED:
            continue
        if leaf.path == PEOPLE:
            yield from _people(leaf, names)
        elif leaf.kind == "array" and kind_of(names.resolve(leaf.node["items"])) == "record":
            continue  # no payload has one; a form for it would need rooms of its own
        else:
            yield _question(event_type, leaf, names)


def _question(event_type: EventType, leaf: Leaf, names: NamedTypes) -> Question:
    label, hint = field_words(leaf.path, leaf.doc)
    required = leaf.path in _ALWAYS or leaf.path in event_type.requires
    made = Question(leaf.path, "text", label, hint, required, (), leaf.max_length, leaf.format)
    if leaf.logical in ("date", "timestamp-millis"):
        return made._replace(control="day" if leaf.logical == "date" else "instant")
    if leaf.kind == "boolean":
        return made._replace(control="radios", choices=_YES_NO, boolean=True)
    if leaf.kind == "enum":
        choices = _choices(leaf.node, _FIRST_CHOICES.get(leaf.path) or _allowed(event_type, leaf.path))
        return made._replace(control="select" if len(choices) > MANY else "radios", choices=choices)
    if leaf.kind == "array":
        item = names.resolve(leaf.node["items"])
        if kind_of(item) == "enum":
            return made._replace(control="boxes", choices=_choices(item, None))
        return made._replace(control="lines", longest=None)
    if leaf.kind == "string":
        return made._replace(control="area" if (leaf.max_length or 0) > 200 else "text")
    return made._replace(control="whole", longest=10)


def _people(leaf: Leaf, names: NamedTypes) -> Iterator[Question]:
    """Room for a few related persons; an empty one is none."""
    item: Schema = names.resolve(leaf.node["items"])
    for index in range(MOST_PEOPLE):
        for each in item["fields"]:
            path = f"{leaf.path}[{index}].{each['name']}"
            node = names.resolve(without_null(each["type"])[0])
            label, hint = field_words(f"{leaf.path}[].{each['name']}", each.get("doc", ""))
            numbered = f"Person {index + 1}: {label[:1].lower()}{label[1:]}"
            if kind_of(node) == "enum":
                yield Question(path, "select", numbered, hint, False, _choices(node, None))
            else:
                longest = int(node["maxLength"]) if isinstance(node, dict) else None
                yield Question(path, "text", numbered, hint, False, (), longest)


def _allowed(event_type: EventType, path: str) -> tuple[str, ...] | None:
    """Symbols that the catalogue allows this type, where it has a say."""
    allowed: Mapping[str, tuple[Any, ...]] = {
        "envelope.legalGateway": event_type.gateways,
        "envelope.purpose": event_type.purposes,
        "envelope.dpRegime": event_type.regimes,
    }
    return tuple(str(each.value) for each in allowed[path]) if path in allowed else None


def _choices(node: Any, allowed: tuple[str, ...] | None) -> tuple[Choice, ...]:
    """Every symbol to choose from; UNKNOWN is what no answer means."""
    symbols = allowed if allowed is not None else [each for each in node["symbols"] if each != "UNKNOWN"]
    return tuple(Choice(each, symbol_words(node["name"].rsplit(".", 1)[-1], each)) for each in symbols)
