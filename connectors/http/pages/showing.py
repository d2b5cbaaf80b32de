"""A delivery as a page shows it: sections of plain rows, in the order in which a person needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from connectors.http.pages.times import age_words, spoken_iso
from connectors.http.pages.wording import reading_words, sentence, symbol_words
from connectors.http.values import Delivery, NamedField, WithheldFields
from schemas.field_classes import Leaf, NamedTypes, kind_of
from schemas.registry import EventType, load_event_types

_PEOPLE = "envelope.relatedPersons"
CODES = frozenset({"gss", "urn", "ods", "setting-urn"})  # formats by which organisations are named
SHORT_ROW = 44  # characters


class Row(NamedTuple):
    path: str
    label: str
    values: tuple[str, ...]  # several of a list
    long: bool = False  # free text
    warning: bool = False  # an answer that keeps somebody safe

    @property
    def short(self) -> bool:
        """Whether label and value have room beside each other on a telephone."""
        return len(self.values) == 1 and len(self.label) + len(self.values[0]) <= SHORT_ROW


class Part(NamedTuple):
    id: str
    title: str
    rows: tuple[Row, ...]
    folded: bool = False


# Parts in page order with the paths they take; the payload's own fields are "what".
_PARTS: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
    ("child", "Who it is about", ("envelope.child.",), False),
    ("what", "What happened", (), False),
    ("voice", "What the child said", ("envelope.childVoice.",), False),
    ("reach", "Reaching the family safely", ("envelope.safeContact.",), False),
    ("people", "Other people", (_PEOPLE,), False),
    ("ring", "Who to ring", ("envelope.contact.", "envelope.sourceRef"), False),
    ("why", "Why it was shared", (
        "envelope.relevanceReason", "envelope.assertionBasis", "envelope.agencyGrade", "envelope.familyInformed",
        "envelope.addressProtection", "envelope.purpose", "envelope.legalGateway", "envelope.matchStatus",
    ), False),
    ("settings", "Services involved with the child", ("envelope.settings.", "envelope.area."), True),
    ("message", "What else it says of itself", ("envelope.",), True),
)  # fmt: skip
_FIRST = ("envelope.child.name", "envelope.child.dateOfBirth", "envelope.occurredAt", "envelope.concerns")
_IN_WHAT = frozenset({"envelope.occurredAt", "envelope.concerns"})
_HIDDEN = frozenset({
    "envelope.eventId", "envelope.eventType", "envelope.schemaVersion", "envelope.sourceOrg.scheme", "envelope.masaId",
    "envelope.dpRegime", "envelope.publishedAt",
})  # fmt: skip
# Answers that say nothing to a reader: what every message has unless it says otherwise.
_SILENT: Mapping[str, frozenset[Any]] = {
    "envelope.addressProtection": frozenset({"NONE"}),
    "envelope.agencyGrade": frozenset({"UNGRADED"}),
    "envelope.handling.doNotDiscloseToSubject": frozenset({False}),
    "envelope.handling.sensitiveService": frozenset({False}),
    "envelope.handling.restricted": frozenset({False}),
    "envelope.child.identifierSuppressed": frozenset({False}),
    "envelope.matchStatus": frozenset({"MATCH"}),
}
_SAFE_WHEN_YES = frozenset({
    "envelope.safeContact.callSafe", "envelope.safeContact.textSafe", "envelope.safeContact.letterSafe",
})  # fmt: skip


def parts(delivery: Delivery, now: int, known: Mapping[str, str]) -> tuple[Part, ...]:
    """Everything that the delivery holds, empty parts left out; nothing when its content is gone."""
    event_type = load_event_types().get(delivery.event_type)
    if delivery.event is None or event_type is None:
        return ()
    return event_parts(event_type, delivery.event, now, known)


def event_parts(
    event_type: EventType, event: Mapping[str, Any], now: int, known: Mapping[str, str]
) -> tuple[Part, ...]:
    """The same for an event in JSON form. `known`: codes of organisations and their names."""
    rows = {row.path: row for row in _rows(event_type, event, now, known)}
    built: dict[str, list[Row]] = {}
    for path in [*(path for path in _FIRST if path in rows), *(path for path in rows if path not in _FIRST)]:
        built.setdefault(_part_of(path), []).append(rows[path])
    return tuple(Part(name, title, tuple(built[name]), folded) for name, title, _, folded in _PARTS if built.get(name))


def child_words(delivery: Delivery, now: int) -> str:
    """The child in a line, for the head of the page; empty when nothing that names the child was shared."""
    child = ((delivery.event or {}).get("envelope") or {}).get("child") or {}
    born = child.get("dateOfBirth")
    age = age_words(born, now) if isinstance(born, str) else ""
    return ", ".join(each for each in (child.get("name") or "", age) if each)


def _part_of(path: str) -> str:
    if path in _IN_WHAT or not path.startswith("envelope."):
        return "what"
    return next(name for name, _, prefixes, _ in _PARTS if prefixes and path.startswith(prefixes))


def _rows(event_type: EventType, event: Mapping[str, Any], now: int, known: Mapping[str, str]) -> Iterator[Row]:
    names = _names(event_type)
    for leaf in event_type.leaves:
        value = _value(event, leaf.path)
        if value in (None, "", []) or leaf.path in _HIDDEN or value in _SILENT.get(leaf.path, ()):
            continue
        if leaf.path == "envelope.child.dateOfBirth":
            age = age_words(str(value), now)
            yield Row(leaf.path, "Date of birth", (spoken_iso(str(value)) + (f" ({age})" if age else ""),))
        else:
            label = reading_words(leaf.path, leaf.doc)
            words = tuple(_words(leaf, value, names))
            if leaf.format in CODES and words[0] in known:
                words = (f"{known[words[0]]} ({words[0]})",)
            warning = leaf.path in _SAFE_WHEN_YES and value is False
            yield Row(leaf.path, label, words, long=(leaf.max_length or 0) > 200, warning=warning)


@lru_cache(maxsize=128)
def _names(event_type: EventType) -> NamedTypes:
    names = NamedTypes()
    names.remember(event_type.schema)
    return names


def _value(event: Mapping[str, Any], path: str) -> Any:
    here: Any = event
    for part in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = here.get(part)
    return here


def _words(leaf: Leaf, value: Any, names: NamedTypes) -> Iterator[str]:
    """A value in words; one for each item of a list."""
    if leaf.kind != "array":
        yield _one(leaf.node, leaf.logical, value)
        return
    item = names.resolve(leaf.node["items"])
    for each in value if isinstance(value, list) else ():
        yield _person(item, each, names) if kind_of(item) == "record" else _one(item, None, each)


def _person(node: Any, value: Mapping[str, Any], names: NamedTypes) -> str:
    """An item of a list of records, such as a related person: `Mother; adult victim; lives with`."""
    said: dict[str, str] = {}
    for each in node["fields"]:
        inner = each["type"]
        plain = next((branch for branch in inner if branch != "null"), None) if isinstance(inner, list) else inner
        given = value.get(each["name"])
        if given is not None:
            said[each["name"]] = _one(names.resolve(plain), None, given)
    order = sorted(said, key=lambda name: _PERSON.index(name) if name in _PERSON else len(_PERSON))
    words = [_said_of_person(name, said[name]) for name in order]
    return sentence("; ".join(words))


_PERSON = ("relationship", "role", "contactLevel", "ref")


def _said_of_person(name: str, words: str) -> str:
    if name == "ref":
        return f"sender's reference {words}"
    lower = words[:1].lower() + words[1:]
    return f"contact with the child: {lower}" if name == "contactLevel" else lower


def _one(node: Any, logical: str | None, value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if kind_of(node) == "enum":
        return symbol_words(str(node["name"]).rsplit(".", 1)[-1], str(value))
    if logical in ("date", "timestamp-millis"):
        return spoken_iso(str(value))
    return str(value)


# What a record of fields is called when it was kept back, or would be given, as a whole.
_RECORDS: Mapping[str, str] = {
    "envelope.child": "Who the child is",
    "envelope.settings": "Services involved with the child",
    "envelope.childVoice": "What the child said",
    "envelope.safeContact": "How the family can be reached safely",
    "envelope.contact": "Whom to ring at the sender",
    "envelope.sourceOrg": "Who sent it",
    "envelope.area": "Council where the child lives",
    "envelope.handling": "How it must be handled",
    "envelope.relatedPersons": "Other people",
    "envelope.sourceOrg.id": "Which organisation sent it",
}


# Fields that go with another, and are not worth a name of their own.
_AS: Mapping[str, str] = {
    "envelope.child.upnUnknownReason": "envelope.child.upn",
    "envelope.child.identifierSuppressed": "envelope.child.nhsNumber",
    "envelope.contact.org": "envelope.contact.phone",
    "envelope.sourceSystem": "envelope.sourceRef",
    "envelope.child.localRef": "envelope.sourceRef",
    "envelope.child.siblingRefs": "envelope.sourceRef",
}
_REQUIREMENT = re.compile(r"\s*\([A-Z]-[0-9]{2}(?:[,;] [A-Z]-[0-9]{2})*\)")


def plain(words: str) -> str:
    """A sentence of the exchange without the numbers of its requirements."""
    return _REQUIREMENT.sub("", words)


def field_name(event_type: EventType | None, field: NamedField) -> str:
    """A field, or a record of fields, as a person would call it."""
    if field.path in _RECORDS:
        return _RECORDS[field.path]
    path = _AS.get(field.path, field.path)
    leaf = event_type.leaf_by_path.get(path) if event_type else None
    return field.label if leaf is None else reading_words(leaf.path, leaf.doc)


class Kept(NamedTuple):
    """Fields that were kept back for one reason."""

    sentence: str
    names: tuple[str, ...]


def withheld(delivery: Delivery) -> tuple[Kept, ...]:
    """What this recipient was not given and why; instructions to the exchange, which nobody gets, left out."""
    return kept(load_event_types().get(delivery.event_type), delivery.withheld)


def kept(event_type: EventType | None, by_reason: Sequence[WithheldFields]) -> tuple[Kept, ...]:
    """The same for what would be kept back."""
    found = []
    for each in by_reason:
        fields = [field for field in each.fields if field.path not in _INSTRUCTIONS]
        names = tuple(dict.fromkeys(field_name(event_type, field) for field in fields))
        if names:
            found.append(Kept(plain(each.sentence), names))
    return tuple(found)


_INSTRUCTIONS = frozenset({"envelope.proposedRecipients", "envelope.excludeRecipients", "envelope.sourceOrg.scheme"})
